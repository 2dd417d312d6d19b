import json

import pytest

from choi_d2.categories.hicodet import (
    COCO_IDS,
    HOIS,
    NO_INTERACTION,
    OBJECTS,
    RARE_HOI_IDS,
    VERBS,
    ZERO_SHOT,
)


def test_the_lists_are_those_of_the_release(repository):
    file = repository / "tests" / "fixtures" / "hicodet" / "instances_test2015.json"
    release = json.loads(file.read_text())
    assert release["objects"] == list(OBJECTS) and release["verbs"] == list(VERBS)
    assert release["correspondence"] == [[i, *hoi] for i, hoi in enumerate(HOIS)]
    assert release["rare"] == [hoi_id - 1 for hoi_id in RARE_HOI_IDS]


def test_every_object_has_a_class_without_interaction():
    assert sorted(hoi.object for hoi in HOIS if hoi.verb == NO_INTERACTION) == list(range(80))
    assert sorted(set(COCO_IDS)) == sorted(COCO_IDS) and len(COCO_IDS) == 80
    assert HOIS[0].name == "board airplane"


@pytest.mark.parametrize(
    ("split", "number"), {"RF-UC": 120, "NF-UC": 120, "UO": 100, "UV": 84}.items()
)
def test_zero_shot_splits(split, number):
    assert len(set(ZERO_SHOT[split])) == number
    assert list(ZERO_SHOT[split]) == sorted(ZERO_SHOT[split])
    assert set(ZERO_SHOT["RF-UC"]) < set(RARE_HOI_IDS)
    assert not set(ZERO_SHOT["NF-UC"]) & set(RARE_HOI_IDS)


def test_zero_shot_splits_are_the_published_ones(shared):
    published = json.loads((shared / "lists" / "hicodet.json").read_text())["zero_shot"]
    keys = ("rare_first_unseen_combination", "non_rare_first_unseen_combination")
    keys += ("unseen_object", "unseen_verb")
    assert [list(ids) for ids in ZERO_SHOT.values()] == [published[key] for key in keys]
