import json

import numpy as np
import pytest

from choi_d2.evaluation.hoiw import Triplets, hoiw_metrics


@pytest.mark.parametrize("name", ["hoiw", "hoiw_edge"])
def test_equals_the_official_numbers(evaluate, fixtures, name):
    folder = fixtures / name
    outcome = evaluate("hoiw", "--gt", folder / "gt.json", "--pred", folder / "pred.json")
    official = json.loads((folder / "expected.json").read_text())
    assert outcome.code == 0
    assert outcome.metrics["mAP_rel"] == pytest.approx(official["mAP"], abs=1e-9)
    recall = outcome.metrics["mean_max_recall"]
    assert recall == pytest.approx(official["mean_max_recall"], abs=1e-9)
    assert outcome.metrics["per_verb"].keys() == official["per_verb"].keys()
    for verb, expected in official["per_verb"].items():
        for key in ("ap", "max_recall", "num_gt", "num_pred", "num_tp"):
            found = outcome.metrics["per_verb"][verb][key]
            assert found == pytest.approx(expected[key], abs=1e-9), (verb, key)


def iou(a, b):
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return width * height / (sum(areas) - width * height)


def count_hits(truth: Triplets, predicted: Triplets, num_verbs: int, num_images: int):
    """The rule, prediction by prediction."""
    hits = [0] * num_verbs
    for image in range(num_images):
        targets = np.flatnonzero(truth.images == image)
        claimed = set()
        order = np.flatnonzero(predicted.images == image)
        for p in sorted(order, key=lambda i: -predicted.scores[i]):
            found = False
            for t in targets:
                if t in claimed or truth.verbs[t] != predicted.verbs[p]:
                    continue
                ends = ("subjects", "objects")
                rows = [(getattr(truth, end)[t], getattr(predicted, end)[p]) for end in ends]
                if all(
                    min(a, b) >= 0
                    and truth.categories[a] == predicted.categories[b]
                    and iou(truth.boxes[a], predicted.boxes[b]) >= 0.5
                    for a, b in rows
                ):
                    claimed.add(t)
                    found = True
            hits[predicted.verbs[p]] += found
    return hits


def scene(random, num_images, boxes_per_image, triplets_per_image, scored) -> Triplets:
    count = num_images * boxes_per_image
    corner = random.uniform(0, 12, (count, 2))
    boxes = np.concatenate([corner, corner + random.uniform(20, 30, (count, 2))], axis=1)
    images = np.repeat(np.arange(num_images), triplets_per_image)
    ends = random.integers(-1, boxes_per_image, (2, len(images)))
    ends = np.where(ends < 0, -1, ends + images * boxes_per_image)
    verbs = random.integers(0, 3, len(images))
    scores = random.permutation(len(images)) / len(images) if scored else None
    return Triplets(boxes, random.integers(0, 2, count), images, *ends, verbs, scores)


@pytest.mark.parametrize("seed", range(4))
def test_equals_a_plain_loop(seed):
    random = np.random.default_rng(seed)
    truth, predicted = scene(random, 6, 4, 7, False), scene(random, 6, 5, 40, True)
    metrics = hoiw_metrics(truth, predicted, 3)
    assert [verb["num_tp"] for verb in metrics["per_verb"]] == count_hits(truth, predicted, 3, 6)
    assert sum(verb["num_tp"] for verb in metrics["per_verb"]) > 5


def test_no_prediction_and_no_ground_truth():
    nothing = np.zeros(0, np.int64)
    empty = Triplets(np.zeros((0, 4)), *[nothing] * 5, np.zeros(0))
    truth = scene(np.random.default_rng(0), 1, 2, 3, False)
    assert hoiw_metrics(truth, empty, 3)["mAP_rel"] == 0
    assert hoiw_metrics(empty, scene(np.random.default_rng(0), 1, 2, 3, True), 3)["mAP_rel"] == 0


def test_the_mean_over_verbs_that_are_frequent_enough():
    """Verb 0 has five triplets, of which the first is found; verb 1 four, all of them found."""
    boxes = np.tile([[0.0, 0, 9, 9], [20, 0, 29, 9]], (9, 1))
    verbs = np.array([0] * 5 + [1] * 4)
    rows = np.arange(9)
    truth = Triplets(boxes, np.tile([0, 1], 9), rows, 2 * rows, 2 * rows + 1, verbs)
    found = np.array([0, 5, 6, 7, 8])
    predicted = Triplets(
        boxes, truth.categories, found, 2 * found, 2 * found + 1, verbs[found], np.ones(5)
    )
    metrics = hoiw_metrics(truth, predicted, 2)
    aps = [verb["ap"] for verb in metrics["per_verb"]]
    assert metrics["mAP_rel_5"] == pytest.approx(aps[0]) and aps[1] == pytest.approx(1)
    assert metrics["mAP_rel"] == pytest.approx((aps[0] + 1) / 2) and aps[0] < 0.5
    few = Triplets(boxes, truth.categories, rows[5:], 2 * rows[5:], 2 * rows[5:] + 1, verbs[5:])
    assert hoiw_metrics(few, predicted, 2)["mAP_rel_5"] is None
