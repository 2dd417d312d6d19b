"""Weights move between models by the names of their classes and verbs."""

import logging
import os
import sys
from pathlib import Path

import pytest
import torch
from detectron2.structures import Boxes, Instances

from choi_d2.engine import HOICheckpointer
from choi_d2.engine.model_card import CARD, ModelCard
from choi_d2.structures import Vocabulary
from choi_d2.utils import InputError

sys.path.insert(0, str(Path(__file__).parents[1] / "modeling"))
from tiny import SIZE, make_input, tiny_model  # noqa: E402

WORDS = Vocabulary(("person", "cup", "bike", "ball"), ("hold", "ride", "kick", "walk", "see"))
MASKS = ("MODEL.MASK_ON", True, "MODEL.ROI_MASK_HEAD.NUM_CONV", 1)
MASKS += ("MODEL.ROI_MASK_HEAD.CONV_DIM", 8)


@pytest.fixture(scope="module", autouse=True)
def at_the_root(request):
    """The tiny config's base is found from there."""
    before = os.getcwd()
    os.chdir(Path(__file__).parents[2])
    yield
    os.chdir(before)


def card(words):
    return ModelCard(words, {}, "")


def saved(model, folder, words=WORDS):
    with torch.no_grad():
        model.roi_heads.semantic_prior.uniform_()
    HOICheckpointer(model, str(folder), card=card(words)).save("own", iteration=3)
    return str(folder / "own.pth")


def load(model, path, words, **kwargs):
    HOICheckpointer(model, card=card(words), **kwargs).load(path)
    return model.eval()


def recognised(model, classes):
    """Detections of the whole cascade, and the verb scores of three given instances."""
    boxes = torch.tensor([[8.0, 4, 40, 60], [30, 20, 50, 40], [60, 10, 90, 50]])
    given = Instances(SIZE, pred_boxes=Boxes(boxes), pred_classes=torch.tensor(classes))
    torch.manual_seed(0)
    image = make_input()
    with torch.no_grad():
        output = model.inference([image], detected_instances=[given])[0]["interactions"]
        found = model.inference([image])[0]["instances"]
    return output, found


def test_another_order_gives_the_same_answers(tmp_path, caplog):
    class_order, verb_order = [2, 0, 3, 1], [4, 2, 0, 1, 3]
    other = Vocabulary(
        tuple(WORDS.classes[k] for k in class_order),
        tuple(WORDS.verbs[k] for k in verb_order),
        class_order.index(0),
    )
    model = tiny_model(*MASKS).eval()
    path = saved(model, tmp_path)
    human = ("MODEL.ROI_INTERACTION_HEAD.HUMAN_CLASS", other.human_class)
    with caplog.at_level(logging.INFO, logger="choi_d2"):
        moved = load(tiny_model(*MASKS, *human, seed=5), path, other)
    assert "the classes in another order: loaded by name" in caplog.text
    assert "5 of 5 verbs loaded" in caplog.text and "initialised" not in caplog.text

    expected, found = recognised(model, [0, 1, 2])
    got, found_by_moved = recognised(moved, [class_order.index(k) for k in (0, 1, 2)])
    # By pair and not by rank: last bits decide between pairs of nearly equal rank.
    got, expected = (
        x[(x.pair_indices @ torch.tensor([100, 1])).argsort()] for x in (got, expected)
    )
    assert torch.equal(got.pair_indices, expected.pair_indices) and len(got)
    assert torch.allclose(got.verb_scores, expected.verb_scores[:, verb_order], atol=1e-5)
    back = torch.tensor(class_order)[found_by_moved.pred_classes]
    assert sorted(back.tolist()) == sorted(found.pred_classes.tolist()) and len(found)
    assert torch.allclose(
        found_by_moved.scores.sort().values, found.scores.sort().values, atol=1e-5
    )


def test_other_names_are_refused_with_both_lists(tmp_path):
    path = saved(tiny_model(), tmp_path)
    other = Vocabulary(WORDS.classes, ("hold", "ride", "Kick", "walk", "sit"))
    model = tiny_model(seed=1)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(InputError, match="own.pth.*MODEL.WEIGHTS.*MODEL.NEW_NAMES") as error:
        load(model, path, other)
    text = str(error.value)
    assert "hold, ride, kick, walk, see" in text and "hold, ride, Kick, walk, sit" in text
    assert "'kick' and 'Kick'" in text and "classes" not in text
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_new_names_begin_anew_where_training_asks_for_it(tmp_path, caplog):
    source = tiny_model()
    path = saved(source, tmp_path)
    other = Vocabulary(("dog", "bike", "person", "cup"), ("sit", "kick", "hold"), 2)
    size = ("MODEL.ROI_INTERACTION_HEAD.NUM_VERBS", 3)
    model = tiny_model(*size, seed=1)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    caplog.set_level(logging.INFO, logger="choi_d2")
    load(model, path, other, new_names="initialise")
    theirs, ours = source.state_dict(), model.state_dict()
    streams = "roi_heads.interaction_heads.1.rcm.streams."
    weight = ours[f"{streams}visual.weight"]
    assert torch.equal(weight[1:], theirs[f"{streams}visual.weight"][[2, 0]])
    assert torch.equal(weight[0], before[f"{streams}visual.weight"][0])
    # One column for each verb of X_s, too.
    weight = ours[f"{streams}semantic.weight"]
    assert torch.equal(weight[1:, 1:], theirs[f"{streams}semantic.weight"][[2, 0]][:, [2, 0]])
    assert torch.equal(weight[0], before[f"{streams}semantic.weight"][0])
    assert torch.equal(
        ours["roi_heads.semantic_prior"][1:, 1:],
        theirs["roi_heads.semantic_prior"][[2, 0, 1]][:, [2, 0]],
    )
    scores = "roi_heads.box_predictor.2.cls_score.bias"
    assert torch.equal(ours[scores][1:], theirs[scores][[2, 0, 1, 4]])
    assert "2 of 3 verbs loaded (kick, hold), the others initialised" in caplog.text
    assert "of 5 classes loaded (bike, person, cup, background)" in caplog.text


def test_a_first_phase_knows_classes_alone(tmp_path):
    """Its verbs cannot contradict anything."""
    off = ("MODEL.INTERACTION_ON", False)
    localization = tiny_model(*off)
    HOICheckpointer(localization, str(tmp_path), card=card(WORDS)).save("phase1")
    other = Vocabulary(WORDS.classes, ("sit", "jump", "run", "swim", "dance"))
    load(tiny_model(seed=1), str(tmp_path / "phase1.pth"), other)


def test_resuming_with_other_words_is_refused(tmp_path):
    saved(tiny_model(), tmp_path)
    for words in (
        Vocabulary(WORDS.classes, (*WORDS.verbs[1:], WORDS.verbs[0])),
        Vocabulary(("person", "cup", "bike", "dog"), WORDS.verbs),
    ):
        checkpointer = HOICheckpointer(tiny_model(seed=1), str(tmp_path), card=card(words))
        with pytest.raises(InputError, match="of another model.*checkpoint.*DATASETS.TRAIN"):
            checkpointer.resume_or_load("", resume=True)


def test_old_checkpoints_say_what_is_assumed(tmp_path, caplog):
    model = tiny_model()
    for content, assumed in (
        ({}, "classes and verbs"),
        ({"thing_classes": list(WORDS.classes)}, "verbs"),
    ):
        torch.save({"model": model.state_dict(), **content}, tmp_path / "old.pth")
        caplog.clear()
        other = load(tiny_model(seed=1), str(tmp_path / "old.pth"), WORDS)
        assert f"does not say its {assumed}: they are assumed" in caplog.text
        expected = model.state_dict()
        assert all(torch.equal(x, expected[k]) for k, x in other.state_dict().items())


def test_a_model_without_words_becomes_what_the_weights_are(tmp_path):
    path = saved(tiny_model(), tmp_path)
    checkpointer = HOICheckpointer(tiny_model(seed=1), str(tmp_path / "again"))
    checkpointer.load(path)
    assert checkpointer.card.vocabulary == WORDS
    (tmp_path / "again").mkdir()
    checkpointer.save("copy")
    content = torch.load(tmp_path / "again" / "copy.pth", weights_only=True)
    assert content[CARD]["verbs"] == list(WORDS.verbs)


def test_an_unknown_way_with_new_names_is_named():
    with pytest.raises(InputError, match="MODEL.NEW_NAMES.*'ask'"):
        HOICheckpointer(torch.nn.Identity(), new_names="ask")
