"""Test-time augmentation where it is asked for: in evaluations and in the predictor, alike."""

import logging
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from detectron2.data import DatasetCatalog, MetadataCatalog
from detectron2.evaluation import DatasetEvaluator
from detectron2.structures import BoxMode

from choi_d2.engine import HOICheckpointer, HOITrainer
from choi_d2.engine.model_card import ModelCard
from choi_d2.inference import Detections, HOIPredictor, HOIResult
from choi_d2.modeling.meta_arch import with_augmentation
from choi_d2.structures import Vocabulary

sys.path.insert(0, str(Path(__file__).parents[1] / "modeling"))
from tiny import NUM_VERBS, tiny_config, tiny_model  # noqa: E402

VOCABULARY = Vocabulary(("person", "bike", "ball", "dog"), tuple("abcde"[:NUM_VERBS]))
OPTS = ["MODEL.ROI_INTERACTION_HEAD.SCORE_THRESH_TEST", 0.0, "TEST.AUG.MIN_SIZES", (48, 64)]
EVERYTHING = {"score_thresh": 0.0, "max_triplets": None}


class Keep(DatasetEvaluator):
    def reset(self):
        self.outputs = []

    def process(self, inputs, outputs):
        self.outputs += outputs

    def evaluate(self):
        return {"kept": {"images": len(self.outputs)}}


@pytest.fixture
def weights(tmp_path, repository, monkeypatch):
    monkeypatch.chdir(repository)
    torch.manual_seed(0)
    card = ModelCard.of(tiny_config(), VOCABULARY)
    HOICheckpointer(tiny_model(), str(tmp_path), card=card).save("model_final")
    return tmp_path / "model_final.pth"


@pytest.fixture
def photo(tmp_path):
    path = str(tmp_path / "a.png")
    cv2.imwrite(path, np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8))
    DatasetCatalog.register(
        "one_photo",
        lambda: [
            {
                "file_name": path,
                "image_id": 1,
                "height": 60,
                "width": 80,
                "annotations": [
                    {"bbox": [5, 5, 40, 50], "bbox_mode": BoxMode.XYXY_ABS, "category_id": 0},
                    {"bbox": [30, 10, 75, 55], "bbox_mode": BoxMode.XYXY_ABS, "category_id": 3},
                ],
                "interactions": [],
            }
        ],
    )
    MetadataCatalog.get("one_photo").set(**VOCABULARY.as_metadata())
    yield path
    DatasetCatalog.remove("one_photo")
    MetadataCatalog.remove("one_photo")


def predictor_of(weights, **options):
    opts = {"device": "cpu", "faces": "none", "opts": OPTS}
    return HOIPredictor.from_pretrained(weights, **opts, **options)


def test_an_evaluation_sees_what_the_predictor_sees(weights, photo):
    plain, predictor = predictor_of(weights), predictor_of(weights, augment=True)
    (expected,) = predictor(photo, **EVERYTHING)
    cfg = predictor.cfg.clone()
    cfg.defrost()
    cfg.DATASETS.TEST, cfg.DATALOADER.NUM_WORKERS = ("one_photo",), 0
    keep = Keep()
    HOITrainer.test(cfg, predictor.model, [keep])
    found = HOIResult.from_predictions(keep.outputs[0], predictor.vocabulary, **EVERYTHING)
    assert len(found.boxes) > 0
    np.testing.assert_allclose(found.boxes, expected.boxes, atol=1e-3)
    np.testing.assert_allclose(found.scores, expected.scores, atol=1e-6)
    np.testing.assert_allclose(found.triplet_scores, expected.triplet_scores, atol=1e-6)
    (other,) = plain(photo, **EVERYTHING)
    assert len(other.scores) != len(found.scores) or abs(other.scores - found.scores).max() > 1e-4
    assert not predictor.model.training


def test_an_evaluation_of_given_boxes(weights, photo):
    predictor = predictor_of(weights, augment=True)
    cfg = predictor.cfg.clone()
    cfg.defrost()
    cfg.DATASETS.TEST, cfg.DATALOADER.NUM_WORKERS = ("one_photo",), 0
    cfg.TEST.DETECTIONS = "ground-truth"
    keep = Keep()
    HOITrainer.test(cfg, predictor.model, [keep])
    boxes = keep.outputs[0]["instances"].pred_boxes.tensor
    torch.testing.assert_close(boxes, torch.tensor([[5.0, 5, 40, 50], [30, 10, 75, 55]]))
    assert len(keep.outputs[0]["interactions"]) > 0


def test_given_boxes_stay_where_they_are(weights, photo):
    predictor = predictor_of(weights, augment=True)
    boxes = np.array([[5, 5, 40, 50], [30, 10, 75, 55]], np.float32)
    given = Detections(boxes, ["person", "dog"], np.array([0.9, 0.8], np.float32))
    (found,) = predictor(photo, detections=[given], **EVERYTHING)
    np.testing.assert_allclose(found.boxes, boxes, atol=1e-4)
    assert len(found.triplet_scores) > 0


def test_another_kind_of_model_stays_as_it_is(caplog):
    model = torch.nn.Linear(1, 1)
    with caplog.at_level(logging.WARNING):
        assert with_augmentation(model, tiny_config("TEST.AUG.ENABLED", True)) is model
    assert "TEST.AUG does not change a Linear" in caplog.text
