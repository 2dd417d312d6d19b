"""Evaluation on given boxes: the predictor's numbers, ground truth, what cannot be given."""

import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from detectron2.data import DatasetCatalog, MetadataCatalog
from detectron2.evaluation import DatasetEvaluator

from choi_d2.data import register_hoi_instances
from choi_d2.engine import HOICheckpointer, HOITrainer
from choi_d2.engine.loading import set_vocabulary
from choi_d2.engine.model_card import ModelCard
from choi_d2.inference import Detections, HOIPredictor, HOIResult
from choi_d2.structures import Vocabulary
from choi_d2.utils import InputError

sys.path.insert(0, str(Path(__file__).parents[1] / "modeling"))
from tiny import NUM_VERBS, tiny_config, tiny_model  # noqa: E402

CLASSES, VERBS = ("person", "bike", "ball", "dog"), tuple(f"verb {i}" for i in range(NUM_VERBS))
SIZES = {"a.png": (60, 80), "b.png": (80, 60), "c.png": (60, 80)}
NAMES = ("given_boxes_one", "given_boxes_two")
BOXES = [[2, 2, 18, 38], [12, 5, 18, 25], [5, 20, 20, 11], [1, 1, 8, 8]]
LABELS, SCORES = ["Person", "person", "dog", "ball"], [0.9, 0.8, 0.7, 0.6]
EVERYTHING = {"score_thresh": 0.0, "max_triplets": None}


class Keep(DatasetEvaluator):
    """What the model said of each image."""

    def reset(self):
        self.outputs = {}

    def process(self, inputs, outputs):
        self.outputs.update({x["file_name"]: y for x, y in zip(inputs, outputs)})

    def evaluate(self):
        return {"kept": {"images": len(self.outputs)}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory, repository):
    """Images, two data sets of them with other ids of the classes, and a model."""
    folder = tmp_path_factory.mktemp("given")
    random = np.random.default_rng(0)
    for name, size in SIZES.items():
        cv2.imwrite(str(folder / name), random.integers(0, 255, (*size, 3), np.uint8))
    for name, classes in zip(NAMES, (CLASSES, CLASSES[::-1])):
        content = {
            "categories": [{"id": i, "name": x} for i, x in enumerate(classes, 1)],
            "verbs": [{"id": i, "name": x} for i, x in enumerate(VERBS, 1)],
            "images": [
                {"id": i, "file_name": x, "height": SIZES[x][0], "width": SIZES[x][1]}
                for i, x in enumerate(SIZES, 1)
            ],
            "annotations": [
                {
                    "id": 4 * i + j,
                    "image_id": i,
                    "bbox": box,
                    "category_id": classes.index(label) + 1,
                }
                for i in (1, 2)
                for j, (box, label) in enumerate(zip(BOXES, map(str.lower, LABELS)))
            ],
            "interactions": [{"human_id": 4, "object_id": 6, "verb_id": 2}],
        }
        (folder / f"{name}.json").write_text(json.dumps(content))
        register_hoi_instances(name, {}, folder / f"{name}.json", folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(repository)
        torch.manual_seed(0)
        card = ModelCard.of(tiny_config(), Vocabulary(CLASSES, VERBS))
        HOICheckpointer(tiny_model(), str(folder), card=card).save("model_final")
    yield folder
    for name in NAMES:
        DatasetCatalog.remove(name)
        MetadataCatalog.remove(name)


@pytest.fixture(scope="module")
def predictor(folder):
    opts = ["MODEL.ROI_INTERACTION_HEAD.SCORE_THRESH_TEST", 0.0]
    return HOIPredictor.from_pretrained(
        folder / "model_final.pth", device="cpu", faces="none", opts=opts
    )


def write(folder, name, ids):
    """Boxes of b.png alone, under a data set's own ids of the classes."""
    entries = [
        {"image_id": 2, "category_id": ids[label.lower()], "bbox": box, "score": score}
        for label, box, score in zip(LABELS, BOXES, SCORES)
    ]
    (folder / name).write_text(json.dumps(entries))


def evaluated(predictor, evaluators=None, names=NAMES[:1], **test):
    cfg = predictor.cfg.clone()
    cfg.defrost()
    cfg.DATASETS.TEST, cfg.DATALOADER.NUM_WORKERS = names, 0
    cfg.TEST.update(test)
    return HOITrainer.test(cfg, predictor.model, evaluators)


def test_evaluation_sees_what_the_predictor_sees(folder, predictor):
    write(folder, "boxes.json", {label: i for i, label in enumerate(CLASSES, 1)})
    keep = Keep()
    assert (
        evaluated(predictor, [keep], DETECTIONS=str(folder / "boxes.json"))["kept"]["images"] == 3
    )
    corners = np.array(BOXES) + np.array([[0, 0, x, y] for x, y, *_ in BOXES])
    found, nothing = Detections(corners, LABELS, SCORES), Detections([], [], [])
    given = {"a.png": nothing, "b.png": found, "c.png": nothing}
    for path in map(str, map(folder.joinpath, SIZES)):
        (expected,) = predictor(path, detections=given, **EVERYTHING)
        mine = HOIResult.from_predictions(keep.outputs[path], predictor.vocabulary, **EVERYTHING)
        np.testing.assert_allclose(mine.boxes, expected.boxes, atol=1e-3)
        np.testing.assert_allclose(mine.scores, expected.scores)
        np.testing.assert_array_equal(mine.verbs, expected.verbs)
        np.testing.assert_allclose(mine.triplet_scores, expected.triplet_scores, atol=1e-5)
        assert len(mine.boxes) == 4 * path.endswith("b.png")
    assert not predictor.model.training


def test_ground_truth_of_several_data_sets(predictor):
    """Each has its own ids; the detector's AP is that of perfect boxes."""
    results = evaluated(predictor, names=NAMES, DETECTIONS="ground-truth")
    assert list(results) == list(NAMES)
    for name in NAMES:
        assert results[name]["bbox"]["AP"] == pytest.approx(100)
        # Every pair of these boxes is a prediction.
        assert results[name]["hoi"]["mean_max_recall"] == pytest.approx(100 / NUM_VERBS)
    by_class = evaluated(predictor, names=NAMES, DETECTIONS="ground-truth", VERBS_BY_CLASS=True)
    assert by_class[NAMES[0]]["bbox"]["AP"] == pytest.approx(100)
    assert by_class[NAMES[0]]["hoi"] != results[NAMES[0]]["hoi"]


def test_a_file_for_each_data_set(folder, predictor):
    for name, classes in zip(NAMES, (CLASSES, CLASSES[::-1])):
        write(folder, f"boxes_{name}.json", {label: i for i, label in enumerate(classes, 1)})
    results = evaluated(predictor, names=NAMES, DETECTIONS=str(folder / "boxes_{dataset}.json"))
    ap = [results[name]["bbox"]["AP-dog"] for name in NAMES]
    assert ap[0] == ap[1] == pytest.approx(50, abs=1)


def test_what_cannot_be_joined(folder, predictor):
    (folder / "cats.json").write_text(
        json.dumps([{"image_id": 2, "category_id": "cat", "bbox": BOXES[0], "score": 1}])
    )
    with pytest.raises(InputError, match="cats.json.*'cat' is not in the data set"):
        evaluated(predictor, DETECTIONS=str(folder / "cats.json"))
    with pytest.raises(InputError, match=r"gone.json.*no such file"):
        evaluated(predictor, DETECTIONS="gone.json")
    words = predictor.vocabulary
    set_vocabulary(predictor.model, None)
    try:
        with pytest.raises(InputError, match="TEST.DETECTIONS.*does not say"):
            evaluated(predictor, [Keep()], DETECTIONS="ground-truth")
    finally:
        set_vocabulary(predictor.model, words)
