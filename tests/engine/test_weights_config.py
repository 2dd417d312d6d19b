"""Weights alone, moved to an empty folder, are a model."""

import logging

import numpy as np
import pytest
import torch
from detectron2.data import DatasetCatalog, MetadataCatalog
from stub_model import CLASSES, DATASET, VERBS

from choi_d2.engine import HOICheckpointer, load_prediction_config
from choi_d2.engine.model_card import ModelCard
from choi_d2.engine.weights_config import load_weights_config
from choi_d2.inference import HOIPredictor
from choi_d2.structures import Vocabulary
from choi_d2.utils import InputError

WORDS = Vocabulary(CLASSES, VERBS, 0, False, (2,))


class Weights(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor([3.0, 4.0]))


@pytest.fixture
def weights(stub_cfg, tmp_path):
    """A checkpoint whose data set nobody knows any more."""
    stub_cfg.INPUT.FACES.FILES = ("gone=/nowhere/faces.json",)
    stub_cfg.OUTPUT_DIR = "/nowhere/output"
    stub_cfg.MODEL.ROI_INTERACTION_HEAD.OBJECTLESS_VERBS = (2,)
    card = ModelCard.of(stub_cfg, WORDS)
    HOICheckpointer(Weights(), str(tmp_path), card=card).save("alone")
    (tmp_path / "last_checkpoint").unlink()
    saved = DatasetCatalog[DATASET], MetadataCatalog.pop(DATASET)
    DatasetCatalog.remove(DATASET)
    yield tmp_path / "alone.pth"
    DatasetCatalog.register(DATASET, saved[0])
    MetadataCatalog[DATASET] = saved[1]


def test_they_predict_with_names(weights):
    predictor = HOIPredictor.from_checkpoint(weights)
    outputs = predictor.outputs(np.zeros((150, 200, 3), np.uint8))
    assert outputs["instances"].image_size == (150, 200)
    assert predictor.vocabulary == WORDS
    assert predictor.metadata.verb_classes == list(VERBS)
    assert predictor.metadata.thing_classes == list(CLASSES)
    assert predictor.model.weight.tolist() == [3, 4]
    assert predictor.cfg.INPUT.MIN_SIZE_TEST == 64
    assert predictor.cfg.DATASETS.TEST == () and predictor.cfg.INPUT.FACES.FILES == ()
    assert predictor.cfg.OUTPUT_DIR == "./output"


def test_options_override_the_config(weights):
    cfg = load_weights_config(weights, ["INPUT.MIN_SIZE_TEST", "32"])
    assert cfg.INPUT.MIN_SIZE_TEST == 32
    with pytest.raises(InputError, match="INPUT.MIN_SIZE_TSET"):
        load_weights_config(weights, ["INPUT.MIN_SIZE_TSET", "32"])


def test_a_config_whose_data_sets_are_not_registered_will_do(weights, tmp_path):
    (tmp_path / "a.yaml").write_text(
        f"MODEL: {{META_ARCHITECTURE: StubTripletModel, DEVICE: cpu}}\n"
        f"DATASETS: {{TRAIN: [{DATASET}], TEST: [{DATASET}]}}\n"
    )
    cfg = load_prediction_config(tmp_path / "a.yaml", weights)
    assert cfg.MODEL.WEIGHTS == str(weights)
    predictor = HOIPredictor(cfg)
    assert predictor.vocabulary == WORDS
    # The weights know better than the config's defaults.
    assert predictor.cfg.MODEL.ROI_HEADS.NUM_CLASSES == 2


def rewrite(path, change):
    content = torch.load(path, weights_only=True)
    change(content)
    torch.save(content, path)


def test_keys_of_another_version_are_left_out_and_named(weights, caplog):
    caplog.set_level(logging.WARNING)

    def add_key(content):
        content["model_card"]["config"] += "FUTURE: {KEY: 1}\n"

    rewrite(weights, add_key)
    assert load_weights_config(weights).INPUT.MIN_SIZE_TEST == 64
    assert "left out of its config: FUTURE" in caplog.text


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("!!python/object/apply:os.system ['touch hacked']", "no YAML"),
        ("- a\n- b\n", "list, expected keys"),
        ("INPUT: {MIN_SIZE_TEST: many}", "does not fit"),
    ],
)
def test_a_broken_config_is_named(weights, config, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rewrite(weights, lambda content: content["model_card"].update(config=config))
    with pytest.raises(InputError, match=f"alone.pth: its config.*{said}"):
        load_weights_config(weights)
    assert not (tmp_path / "hacked").exists()


def test_an_older_checkpoint_takes_the_config_beside_it(stub_cfg, tmp_path):
    torch.save({"model": {"weight": torch.zeros(2)}}, tmp_path / "old.pth")
    with pytest.raises(InputError, match="old.pth: does not say its config.*--config-file"):
        load_weights_config(tmp_path / "old.pth")
    (tmp_path / "config.yaml").write_text(stub_cfg.dump())
    assert load_weights_config(tmp_path / "old.pth").INPUT.MIN_SIZE_TEST == 64


@pytest.mark.parametrize("part", [0, 0.5, 0.99])
def test_half_a_checkpoint_is_named(weights, part):
    whole = weights.read_bytes()
    weights.write_bytes(whole[: int(part * len(whole))])
    with pytest.raises(InputError, match="alone.pth: expected the weights of a model, found a"):
        load_weights_config(weights)


def test_no_model_at_all():
    with pytest.raises(InputError, match="--weights model_final.pth, or --config-file"):
        load_prediction_config("", "")
    with pytest.raises(InputError, match="an address does not say its config"):
        load_prediction_config("", "detectron2://a/b.pkl")
