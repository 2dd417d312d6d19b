"""Average precision as PASCAL VOC computes it since 2010: the area under the whole curve."""

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
