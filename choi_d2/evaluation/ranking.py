"""Whether the ranking (Eq. 13) puts annotated pairs before the others of an image.

Pairs of detections are of three kinds: *annotated*, both ends match the instances of an annotated
pair; *matched*, both ends match an instance, but nobody annotated the pair; *unmatched*, an end
overlaps with no instance. Pairs with an end in between count nowhere.

R: detections of an image; G: its instances; P: its pairs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from .hoiw import matched_iou

KINDS = ANNOTATED, MATCHED, UNMATCHED = ("annotated", "matched", "unmatched")
MATCH_IOU = 0.5
"""From this IoU with an instance of its class on, a detection matches."""
APART_IOU = 0.3
"""Below this IoU with every instance, a detection is unmatched."""


def match_detections(
    boxes: np.ndarray, classes: np.ndarray, truth_boxes: np.ndarray, truth_classes: np.ndarray
) -> np.ndarray:
    """Which instance each detection is.

    Args:
        boxes, classes: (R, 4) and (R,), of the detections.
        truth_boxes, truth_classes: (G, 4) and (G,), of the instances.

    Returns:
        (R,) int64: the place of the instance; -1 for an unmatched detection, -2 for one in between.
    """
    if not len(truth_boxes):
        return np.full(len(boxes), -1)
    rows, columns = np.divmod(np.arange(len(boxes) * len(truth_boxes)), len(truth_boxes))
    iou = matched_iou(truth_boxes[columns], boxes[rows]).reshape(len(boxes), len(truth_boxes))
    same_class = classes[:, None] == truth_classes
    own = np.where(same_class, iou, 0)
    matches = np.where(own.max(axis=1) >= MATCH_IOU, own.argmax(axis=1), -2)
    return np.where(iou.max(axis=1) < APART_IOU, -1, matches)


def pair_kinds(
    matches: np.ndarray, pairs: np.ndarray, annotated: Iterable[tuple[int, int]]
) -> np.ndarray:
    """The kind of each pair.

    Args:
        matches: (R,), of :func:`match_detections`.
        pairs: (P, 2), rows of the detections.
        annotated: pairs of instances.

    Returns:
        (P,) of ``KINDS``; "" for a pair that counts nowhere.
    """
    known = set(annotated)
    kinds = []
    for human, object_ in matches[pairs.reshape(-1, 2)].tolist():
        if -1 in (human, object_):
            kinds.append(UNMATCHED)
        elif -2 in (human, object_) or human == object_:
            kinds.append("")
        else:
            kinds.append(ANNOTATED if (human, object_) in known else MATCHED)
    return np.array(kinds, dtype=str)


def ranking_metrics(images: Sequence[tuple[np.ndarray, np.ndarray]]) -> dict:
    """How often an annotated pair has the higher score of two.

    Args:
        images: of each image the scores (P,) and kinds (P,) of its pairs.

    Returns:
        ``accuracy_matched``, ``accuracy_unmatched``: the share of (annotated, other pair of the
        same image) in the right order, over all images; a tie is half right, None where there are
        none. ``{kind}_per_image``: pairs of each kind.
    """
    right, total = dict.fromkeys(KINDS, 0.0), dict.fromkeys(KINDS, 0)
    counts = dict.fromkeys(KINDS, 0)
    for scores, kinds in images:
        best = scores[kinds == ANNOTATED]
        for kind in KINDS:
            others = scores[kinds == kind]
            counts[kind] += len(others)
            if kind != ANNOTATED:
                gap = best[:, None] - others
                right[kind] += float((gap > 0).sum() + 0.5 * (gap == 0).sum())
                total[kind] += gap.size
    accuracies = {
        f"accuracy_{kind}": right[kind] / total[kind] if total[kind] else None
        for kind in (MATCHED, UNMATCHED)
    }
    return accuracies | {f"{kind}_per_image": counts[kind] / max(len(images), 1) for kind in KINDS}
