import json

import cv2
import numpy as np
import pytest

from choi_d2.evaluation.pic import IOU_THRESHOLDS, NEVER, RelationScene, pic_metrics, recalled_at


@pytest.mark.parametrize("name", ["pic", "pic_edge"])
def test_equals_the_official_numbers(evaluate, fixtures, name):
    folder = fixtures / name
    outcome = evaluate("pic", "--gt", folder / "gt", "--pred", folder / "pred")
    assert outcome.code == 0, outcome.error
    official = json.loads((folder / "expected.json").read_text())
    assert outcome.metrics["images"] == official["n_images_evaluated"]
    for k, expected in official["top_k"].items():
        assert outcome.metrics[f"R@{k}"] == pytest.approx(expected["average"], abs=1e-9)
        for iou, groups in expected["per_iou"].items():
            found = outcome.metrics["per_iou"][f"R@{k}"][iou]
            assert_same(found, {key: groups[key] for key in found})
            relations = outcome.metrics["per_relation"][f"R@{k}"][iou]
            assert_same(relations, groups["per_relation"])


def assert_same(found, official):
    """Equal numbers, and None where the official evaluator has none."""
    assert found.keys() == official.keys()
    for key, value in official.items():
        assert found[key] == (None if value is None else pytest.approx(value, abs=1e-9, rel=0)), key


def ranks_one_by_one(truth: RelationScene, prediction: RelationScene) -> list[list[int]]:
    """The rule with a mask for every instance."""

    def instances(scene):
        """id -> (its mask, its class)"""
        sizes = {"dsize": (640, 480), "interpolation": cv2.INTER_NEAREST}
        labels, classes = cv2.resize(scene.instance, **sizes), cv2.resize(scene.semantic, **sizes)
        masks = {i: labels.astype(int) == i for i in np.unique(scene.relations[:, :2]).tolist()}
        return {i: (mask, (classes * mask).max()) for i, mask in masks.items()}

    def match(mine, theirs):
        """IoU of two instances; 0 where their classes differ."""
        (mask, label), (other_mask, other_label) = mine, theirs
        union = (mask | other_mask).sum()
        return (mask & other_mask).sum() / union if union and label == other_label else 0.0

    mine, theirs = instances(truth), instances(prediction)
    matches = {(a, b): match(mine[a], theirs[b]) for a in mine for b in theirs}
    order = sorted(range(len(prediction.scores)), key=lambda i: -prediction.scores[i])
    ranks = []
    for threshold in IOU_THRESHOLDS:
        ranks.append([])
        for truth_subject, truth_object, truth_relation in truth.relations.tolist():
            rank = NEVER
            for position, row in enumerate(order, start=1):
                subject, object_, relation = prediction.relations[row].tolist()
                overlaps = matches[truth_subject, subject], matches[truth_object, object_]
                if relation == truth_relation and min(overlaps) >= threshold:
                    rank = position
                    break
            ranks[-1].append(rank)
    return ranks


def scene(random, height, width, num_relations, shift=0, scored=False) -> RelationScene:
    """Four boxes of two classes, the same in every scene but for ``shift``."""
    semantic, instance = np.zeros((2, height, width), np.uint8)
    for place in range(4):
        y, x = (place // 2) * height // 2, (place % 2) * width // 2
        rows = slice(y + shift, y + height // 3 + shift)
        columns = slice(x + shift, x + width // 3)
        instance[rows, columns] = 10 * place + 3
        semantic[rows, columns] = place % 2 + 1
    ids = np.array([3, 13, 23, 33, 77, 300, -1, 0])
    relations = np.stack(
        [
            random.choice(ids, num_relations),
            random.choice(ids, num_relations),
            random.integers(1, 3, num_relations),
        ],
        axis=1,
    )
    scores = random.permutation(num_relations) / num_relations if scored else None
    return RelationScene(semantic, instance, relations, scores)


@pytest.mark.parametrize("seed", range(3))
def test_ranks_equal_a_plain_loop(seed):
    random = np.random.default_rng(seed)
    truth = scene(random, 90, 120, 40)
    prediction = scene(random, 60, 80, 60, shift=4, scored=True)
    ranks = recalled_at(truth, prediction)
    assert ranks.tolist() == ranks_one_by_one(truth, prediction)
    assert (ranks[0] < NEVER).any() and (ranks[0] == NEVER).any()


def test_no_predictions():
    random = np.random.default_rng(0)
    ranks = recalled_at(scene(random, 30, 40, 5), scene(random, 30, 40, 0, scored=True))
    assert ranks.shape == (3, 5) and (ranks == NEVER).all()


def test_groups_images_and_rounding():
    # Relations 1 (geometric) and 2. Three images; the last has no geometric relation.
    relations = [np.array([1, 1, 1, 2]), np.array([1]), np.array([2])]
    ranks = [
        np.array([[1, 20, 21, NEVER]] * 3),
        np.array([[NEVER], [1], [1]]),
        np.array([[50]] * 3),
    ]
    metrics = pic_metrics(relations, ranks, ["on", "hold"], [1])
    at_20 = metrics["per_iou"]["R@20"]["0.25"]
    assert at_20["geometric"] == 0.3333 and at_20["geometric_unrounded"] == pytest.approx(1 / 3)
    assert at_20["non_geometric"] == 0 and at_20["mean"] == 0.3333 / 2
    assert metrics["per_iou"]["R@50"]["0.25"]["geometric"] == 0.5
    assert metrics["per_iou"]["R@20"]["0.5"]["geometric"] == 0.8333
    assert metrics["R@20"] == pytest.approx((0.3333 + 0.8333 * 2) / 6)
    assert metrics["R@50"] == pytest.approx(((0.5 + 0.5) / 2 + 2 * (1 + 0.5) / 2) / 3)
    assert metrics["per_relation"]["R@100"]["0.75"] == {"on": 1.0, "hold": 0.5}


def test_a_group_without_relations_is_left_out_of_the_mean():
    metrics = pic_metrics([np.array([2])], [np.array([[1]] * 3)], ["on", "hold"], [1])
    assert metrics["per_iou"]["R@20"]["0.5"]["geometric"] is None
    assert metrics["per_relation"]["R@20"]["0.5"]["on"] is None
    assert metrics["R@20"] == 1.0
    assert pic_metrics([], [], ["on", "hold"], [1])["R@20"] is None
