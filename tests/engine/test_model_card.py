import json
import logging

import pytest
import torch
from detectron2.config import get_cfg

from choi_d2.config import add_choi_config
from choi_d2.engine.model_card import CARD, ModelCard, follow_card, read_card
from choi_d2.structures import Vocabulary
from choi_d2.utils import InputError

WORDS = Vocabulary(("cup", "person"), ("hold", "walk"), 1, True, (1,))


def config(*opts):
    cfg = get_cfg()
    add_choi_config(cfg)
    cfg.merge_from_list(list(opts))
    return cfg


@pytest.fixture
def card():
    return ModelCard.of(config("INPUT.FORMAT", "RGB", "INPUT.MIN_SIZE_TEST", 100), WORDS)


def write(path, content):
    torch.save({"model": {"weight": torch.zeros(2)}, **content}, path)
    return path


def test_it_is_plain_and_complete(card, tmp_path):
    content = json.loads(json.dumps(card.to_dict()))
    assert content["classes"] == ["cup", "person"] and content["human"] == "person"
    assert content["verbs_without_object"] == ["walk"]
    assert content["made_by"].keys() >= {"choi_d2", "torch"}
    assert content["input"] == {
        "format": "RGB",
        "pixel_mean": [103.53, 116.28, 123.675],
        "pixel_std": [1.0, 1.0, 1.0],
        "min_size_test": 100,
        "max_size_test": 1333,
    }
    assert "FORMAT: RGB" in content["config"]
    assert read_card(write(tmp_path / "a.pth", {CARD: card.to_dict()})) == card


def test_no_card(tmp_path):
    (tmp_path / "half.pth").write_bytes(b"PK\x03\x04 half")
    (tmp_path / "zoo.pkl").write_bytes(b"")
    for name in ("half.pth", "zoo.pkl", "nowhere.pth", "."):
        assert read_card(tmp_path / name) is None
    assert read_card(write(tmp_path / "old.pth", {"thing_classes": ["person"]})) is None
    assert read_card("detectron2://a/b.pkl") is None


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ("words", "model_card"),
        ({"config": 3}, "model_card"),
        ({"version": 2}, "model_card"),
        ({"classes": ["person"], "verbs": "hold"}, "model_card.verbs"),
    ],
)
def test_a_broken_card_is_named(tmp_path, content, field):
    path = write(tmp_path / "a.pth", {CARD: content})
    with pytest.raises(InputError, match=f"a.pth.*field '{field}'"):
        read_card(path)


def test_facts_of_another_type_are_named(card):
    broken = ModelCard(None, {"pixel_mean": {"a": 1}}, "")
    with pytest.raises(InputError, match="a.pth.*model_card.input.*PIXEL_MEAN"):
        follow_card(config(), broken, "a.pth")


def test_the_weights_facts_win_and_it_is_said(card, caplog):
    caplog.set_level(logging.WARNING)
    cfg = config("MODEL.ROI_HEADS.NUM_CLASSES", 9, "INPUT.MIN_SIZE_TEST", 64)
    followed = follow_card(cfg, card, "a.pth")
    head = followed.MODEL.ROI_INTERACTION_HEAD
    assert followed.MODEL.ROI_HEADS.NUM_CLASSES == 2 and head.NUM_VERBS == 2
    assert (head.HUMAN_CLASS, head.HUMANS_AS_OBJECTS) == (1, True)
    assert tuple(head.OBJECTLESS_VERBS) == (1,)
    assert followed.INPUT.FORMAT == "RGB" and followed.INPUT.MIN_SIZE_TEST == 64
    assert "NUM_CLASSES is 2, as a.pth has it, and not 9" in caplog.text
    assert "PIXEL_MEAN" not in caplog.text
    assert cfg.MODEL.ROI_HEADS.NUM_CLASSES == 9
    caplog.clear()
    follow_card(followed, card, "a.pth")
    assert not caplog.records
