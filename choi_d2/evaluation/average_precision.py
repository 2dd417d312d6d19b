"""Average precision as PASCAL VOC computes it: all points (since 2010), and eleven (before)."""

from __future__ import annotations

import numpy as np


def average_precision(
    scores: np.ndarray, true_positives: np.ndarray, num_positives: int
) -> tuple[float, float]:
    """All-point interpolated average precision, and the recall at the end of the curve.

    Args:
        scores: (P,) scores of the predictions; equal scores stay in the order given.
        true_positives: (P,) bool, is the prediction one?
        num_positives: ground truths; the denominator of recall.

    Returns:
        (AP, recall), fractions in [0, 1]; (0, 0) without predictions or without ground truths.
    """
    if num_positives == 0 or len(scores) == 0:
        return 0.0, 0.0
    hits = np.cumsum(true_positives[np.argsort(-scores, kind="stable")])
    recall = hits / num_positives
    precision = hits / np.arange(1, len(hits) + 1)
    # The best precision at this recall or any higher one.
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(recall, prepend=0.0) * precision)), float(recall[-1])


def eleven_point_average_precision(
    true_positives: np.ndarray, num_positives: int, levels: np.ndarray | None
) -> tuple[float, float]:
    """Average precision as PASCAL VOC computed it until 2009, and the recall at the end.

    Args:
        true_positives: (P,) bool, by descending score.
        num_positives: ground truths; the denominator of recall.
        levels: (11,) the recalls at each of which, or beyond, the best precision is taken. None:
            the tenths, compared as fractions of whole numbers.

    Returns:
        (AP, recall), fractions in [0, 1]; (0, 0) without predictions or without ground truths.
    """
    if num_positives == 0 or len(true_positives) == 0:
        return 0.0, 0.0
    hits = np.cumsum(true_positives)
    recall = hits / num_positives
    precision = hits / np.arange(1, len(hits) + 1)
    if levels is None:
        first = np.searchsorted(10 * hits, np.arange(11) * num_positives)
    else:
        first = np.searchsorted(recall, levels)
    best = np.append(np.maximum.accumulate(precision[::-1])[::-1], 0.0)
    # One after the other, as VOC's loop adds them up: the same to the last digit.
    return float(np.cumsum(best[first] / 11)[-1]), float(recall[-1])
