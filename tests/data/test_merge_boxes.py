import numpy as np
import pytest

from choi_d2.data.datasets.merge_boxes import merge_pairs

PERSON, BIKE, CAR = 0, 3, 4
RIDE, HOLD, HUG, WASH = 19, 12, 164, 97


def merge(*pairs):
    """Pairs are (human box, object box, class of the object, class of interaction)."""
    humans, objects, classes, interactions = zip(*pairs, strict=True) if pairs else ([],) * 4
    return merge_pairs(
        np.reshape(np.array(humans, float), (-1, 4)),
        np.reshape(np.array(objects, float), (-1, 4)),
        np.array(classes, int),
        np.array(interactions, int),
        PERSON,
    )


A, NEAR_A, B = [0, 0, 20, 60], [2, 0, 22, 62], [100, 0, 120, 60]
THING, NEAR_THING = [5, 30, 45, 70], [7, 30, 47, 72]


def test_boxes_of_two_interactions_become_one_instance_with_their_mean():
    merged = merge((A, THING, BIKE, RIDE), (NEAR_A, NEAR_THING, BIKE, HOLD))
    assert merged.boxes.tolist() == [[1, 0, 21, 61], [6, 30, 46, 71]]
    assert merged.classes.tolist() == [PERSON, BIKE]
    assert merged.humans.tolist() == [0, 0] and merged.objects.tolist() == [1, 1]


def test_two_boxes_of_one_interaction_are_two_people_however_near():
    merged = merge((A, THING, BIKE, RIDE), (NEAR_A, THING, BIKE, RIDE))
    assert merged.boxes[merged.humans].tolist() == [A, NEAR_A]
    assert merged.objects.tolist() == [2, 2]


def test_of_two_people_the_nearer_one_takes_the_box_of_another_interaction():
    nearest = [1, 0, 21, 61]
    merged = merge(
        (A, THING, BIKE, RIDE), ([8, 0, 28, 60], THING, BIKE, RIDE), (nearest, THING, BIKE, HOLD)
    )
    assert merged.humans.tolist() == [0, 1, 0]
    assert merged.boxes[0].tolist() == [0.5, 0, 20.5, 60.5]


def test_a_box_that_pairs_share_counts_once_in_the_mean():
    merged = merge((A, THING, BIKE, RIDE), (A, THING, BIKE, 20), (NEAR_A, THING, BIKE, HOLD))
    assert merged.boxes[0].tolist() == [1, 0, 21, 61]
    assert merged.boxes[1].tolist() == THING


def test_boxes_that_overlap_less_than_half_and_other_classes_stay_apart():
    merged = merge((A, THING, BIKE, RIDE), ([14, 0, 34, 60], THING, CAR, WASH))
    assert merged.humans.tolist() == [0, 1]
    assert merged.objects.tolist() == [2, 3] and merged.classes.tolist() == [0, 0, 3, 4]


def test_people_as_objects_are_the_people_who_act_but_nobody_is_their_own_object():
    merged = merge((A, NEAR_A, PERSON, HUG), (NEAR_A, A, PERSON, HUG), (A, THING, BIKE, RIDE))
    assert merged.humans.tolist() == [0, 1, 0] and merged.objects.tolist() == [1, 0, 2]
    same = merge((A, A, PERSON, HUG))
    assert same.humans.tolist() == [0] and same.objects.tolist() == [1]


def test_no_pair():
    merged = merge()
    assert [part.shape for part in merged] == [(0, 4), (0,), (0,), (0,)]


@pytest.mark.parametrize("seed", range(5))
def test_every_box_overlaps_all_others_of_its_instance_by_half(seed):
    rng = np.random.default_rng(seed)
    corners = rng.integers(0, 30, (40, 2, 2)).astype(float)
    boxes = np.concatenate([corners, corners + rng.integers(10, 30, (40, 2, 2))], axis=2)
    interactions = rng.integers(1, 5, 40)
    merged = merge_pairs(boxes[:, 0], boxes[:, 1], np.full(40, BIKE), interactions, PERSON)
    for rows, drawn in ((merged.humans, boxes[:, 0]), (merged.objects, boxes[:, 1])):
        for i in range(40):
            for j in range(i):
                if rows[i] == rows[j]:
                    assert iou(drawn[i], drawn[j]) >= 0.5
                    same = (drawn[i] == drawn[j]).all()
                    assert interactions[i] != interactions[j] or same
    assert len(merged.boxes) < 80 and merged.classes[merged.humans].tolist() == [PERSON] * 40


def iou(a, b):
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(width, 0) * max(height, 0)
    areas = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return shared / (areas - shared)
