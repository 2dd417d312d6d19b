from dataclasses import replace

import pytest

from choi_d2.structures import Vocabulary
from choi_d2.structures.joining import (
    describe_difference,
    differences,
    near_matches,
    places,
    rule_differences,
    united,
)

WORDS = Vocabulary(("person", "cup", "bike"), ("hold", "ride", "walk"), 0, True, (2,))


def test_places_of_names():
    assert places(["b", "x", "a"], ["a", "b"]) == [1, -1, 0]


@pytest.mark.parametrize("other", ["Person", " person", "per-son", "PERSON", "persons"])
def test_near_names_are_no_match_but_said(other):
    assert places([other], ["person"]) == [-1]
    assert near_matches([other], ["cup", "person"]) == [(other, "person")]


def test_names_that_are_far_are_not_near():
    assert near_matches(["horse", "play(cellphone)"], ["house", "play(computer)"]) == []


def test_both_lists_are_said():
    text = describe_difference("verbs", ["hold", "sit"], "of A", ["Hold", "run"], "of B")
    assert "only of A: 'hold', 'sit'" in text and "only of B: 'Hold', 'run'" in text
    assert "'hold' and 'Hold'" in text
    assert text.endswith("verbs of A: hold, sit; of B: Hold, run")


def test_another_order_is_no_difference():
    other = Vocabulary(("bike", "person", "cup"), ("walk", "hold", "ride"), 1, True, (0,))
    assert differences(WORDS, "of A", other, "of B") == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"classes": ("person", "cup", "car")}, "only of A: 'bike'; only of B: 'car'"),
        ({"verbs": ("hold", "ride", "walk", "sit")}, "only of B: 'sit'"),
        ({"human_class": 1}, "human class is 'person' of A, and 'cup' of B"),
        ({"objectless_verbs": ()}, "'walk' take no object of A, and one of B"),
        ({"objectless_verbs": (1, 2)}, "'ride' take no object of B, and one of A"),
        ({"humans_as_objects": False}, "humans can be objects of A, and cannot of B"),
    ],
)
def test_each_difference_is_said(change, said):
    (text,) = differences(WORDS, "of A", replace(WORDS, **change), "of B")
    assert said in text


def test_detection_alone_has_no_rules():
    detection = Vocabulary(("cup", "person"), ())
    assert rule_differences(WORDS, "of A", detection, "of B") == []


def test_a_union_keeps_the_order_of_the_first():
    other = Vocabulary(("dog", "cup", "person"), ("sit", "hold"), 2, False, (0,))
    assert united([WORDS, other]) == Vocabulary(
        ("person", "cup", "bike", "dog"), ("hold", "ride", "walk", "sit"), 0, True, (2, 3)
    )
