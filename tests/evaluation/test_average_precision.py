import numpy as np
import pytest

from choi_d2.evaluation.average_precision import average_precision


def all_point_ap(scores, hits, positives):
    """VOC 2010's definition: at each recall reached, the best precision at it or beyond it."""
    order = sorted(range(len(scores)), key=lambda i: -scores[i])
    points, found = [], 0
    for rank, i in enumerate(order, start=1):
        found += hits[i]
        points.append((found / positives, found / rank))
    area, reached = 0.0, 0.0
    for recall in sorted({recall for recall, _ in points}):
        area += (recall - reached) * max(p for r, p in points if r >= recall)
        reached = recall
    return area, reached


@pytest.mark.parametrize("seed", range(5))
def test_equals_the_definition(seed):
    random = np.random.default_rng(seed)
    scores, hits = random.permutation(40) / 40, random.random(40) < 0.4
    positives = int(hits.sum()) + 3
    expected = all_point_ap(scores, hits, positives)
    assert average_precision(scores, hits, positives) == pytest.approx(expected, abs=1e-12)


def test_equal_scores_stay_in_the_order_given():
    scores = np.full(30, 0.5)
    hits = np.arange(30) < 1
    assert average_precision(scores, hits, 1) == (1.0, 1.0)
    assert average_precision(scores, hits[::-1], 1) == (pytest.approx(1 / 30), 1.0)


@pytest.mark.parametrize(("predictions", "positives"), [(0, 3), (3, 0), (0, 0)])
def test_nothing_to_measure_is_zero(predictions, positives):
    hits = np.zeros(predictions, bool)
    assert average_precision(np.zeros(predictions), hits, positives) == (0.0, 0.0)
