"""A trained model meets data sets by name, from the command line on."""

import json
import logging

import cv2
import numpy as np
import pytest
import torch
from detectron2.data import DatasetCatalog, MetadataCatalog
from stub_model import CLASSES, VERBS

from choi_d2.data import register_hoi_instances
from choi_d2.engine import HOICheckpointer, HOITrainer, load_trained
from choi_d2.engine.loading import metadata_of, set_vocabulary, vocabulary_of
from choi_d2.engine.model_card import ModelCard
from choi_d2.structures import Vocabulary
from choi_d2.utils import InputError

WORDS = Vocabulary(CLASSES, VERBS, 0, True, (2,))


def content(classes, verbs):
    """What the stub model sees in every photo: a human rides a bike and walks."""
    class_id = {name: k for k, name in classes.items()}
    verb_id = {name: k for k, name in verbs.items()}
    boxes = {"human": [10, 5, 40, 40], "bike": [30, 25, 50, 20]}
    return {
        "categories": [{"id": k, "name": name} for k, name in classes.items()],
        "verbs": [
            {"id": k, "name": name, "takes_object": name != "walk"} for k, name in verbs.items()
        ],
        "images": [{"id": 1, "file_name": "a.png", "height": 50, "width": 100}],
        "annotations": [
            {"id": k, "image_id": 1, "category_id": class_id[name], "bbox": box}
            for k, (name, box) in enumerate(boxes.items(), start=1)
        ],
        "interactions": [
            {"human_id": 1, "object_id": 2, "verb_id": verb_id["ride"]},
            {"human_id": 1, "object_id": None, "verb_id": verb_id["walk"]},
        ],
    }


@pytest.fixture
def register(tmp_path):
    names = []
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((50, 100, 3), np.uint8))

    def register(name, classes, verbs):
        (tmp_path / f"{name}.json").write_text(json.dumps(content(classes, verbs)))
        register_hoi_instances(name, {}, tmp_path / f"{name}.json", tmp_path)
        names.append(name)
        return name

    yield register
    for name in names:
        DatasetCatalog.remove(name)
        MetadataCatalog.remove(name)


@pytest.fixture
def cfg(stub_cfg, tmp_path):
    stub_cfg.MODEL.MASK_ON = False
    stub_cfg.DATALOADER.NUM_WORKERS = 0
    stub_cfg.OUTPUT_DIR = str(tmp_path)
    model = torch.nn.Module()
    model.weight = torch.nn.Parameter(torch.zeros(2))
    HOICheckpointer(model, str(tmp_path), card=ModelCard.of(stub_cfg, WORDS)).save("weights")
    stub_cfg.MODEL.WEIGHTS = str(tmp_path / "weights.pth")
    return stub_cfg


def evaluated(cfg, name):
    cfg = cfg.clone()
    cfg.DATASETS.TRAIN, cfg.DATASETS.TEST = (), (name,)
    trained = load_trained(cfg)
    return HOITrainer.test(trained.cfg, trained.model)


def test_another_numbering_gives_the_same_numbers(cfg, register):
    plain = register("plain", {1: "human", 2: "bike"}, {1: "hold", 2: "ride", 3: "walk"})
    other = register("other", {1: "bike", 8: "human"}, {4: "walk", 5: "hold", 6: "ride"})
    expected, result = evaluated(cfg, plain), evaluated(cfg, other)
    assert expected["hoi"]["AP-ride"] == expected["hoi"]["AP-walk"] == pytest.approx(100)
    assert expected["hoi"]["AP-hold"] == 0
    assert expected["bbox"]["AP50"] == pytest.approx(100)
    for task, metrics in expected.items():
        assert result[task] == pytest.approx(metrics, nan_ok=True)


def test_other_names_are_refused_before_the_first_image(cfg, register):
    name = register("others", {1: "human", 2: "bike"}, {1: "hold", 2: "ride", 3: "walk"})
    path = MetadataCatalog.get(name).json_file
    text = open(path).read().replace('"bike"', '"Bike"')
    open(path, "w").write(text)
    with pytest.raises(InputError, match="'Bike'.*of the model: human, bike"):
        evaluated(cfg, name)


def test_weights_know_the_facts_better_than_the_config(cfg, register, caplog):
    caplog.set_level(logging.WARNING)
    name = register("plain", {1: "human", 2: "bike"}, {1: "hold", 2: "ride", 3: "walk"})
    cfg.MODEL.ROI_INTERACTION_HEAD.HUMAN_CLASS = 1
    trained = load_trained(cfg)
    assert trained.cfg.MODEL.ROI_INTERACTION_HEAD.HUMAN_CLASS == 0
    assert "HUMAN_CLASS is 0" in caplog.text
    assert trained.vocabulary == vocabulary_of(trained.model) == WORDS
    assert trained.source == cfg.MODEL.WEIGHTS and evaluated(cfg, name)["hoi"]


def test_a_model_that_nobody_told_is_evaluated_by_position(cfg, register, caplog):
    name = register("other", {1: "human", 2: "bike"}, {1: "hold", 2: "ride", 3: "walk"})
    cfg.DATASETS.TEST = (name,)
    model = load_trained(cfg).model
    set_vocabulary(model, None)
    assert HOITrainer.test(cfg, model)["hoi"]["AP-ride"] == pytest.approx(100)


def test_words_as_metadata():
    metadata = metadata_of(WORDS, "a model")
    assert metadata.name == "a model" and metadata.thing_classes == list(CLASSES)
    assert Vocabulary.from_metadata(metadata) == WORDS


def test_nothing_to_resume_is_said(cfg, caplog, tmp_path):
    (tmp_path / "last_checkpoint").unlink()
    load_trained(cfg, resume=True)
    assert "has no checkpoint: loading MODEL.WEIGHTS" in caplog.text
