"""mAP_rel, the metric of HOIW (= HOI-A): average precision of ⟨human, verb, object⟩ triplets.

B: boxes of all images; T: triplets of all images; E: prediction entries; N: verbs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .average_precision import average_precision

IOU_THRESHOLD = 0.5
FEW = 5
"""The AP of a verb with fewer annotated triplets than this says little."""


@dataclass(frozen=True)
class Triplets:
    """The boxes of many images and the triplets between them, as flat arrays.

    Attributes:
        boxes: (B, 4) float64, absolute XYXY.
        categories: (B,) int64.
        images: (T,) int64, which image a triplet is of. In predictions: which entry, see ``E``.
        subjects: (T,) int64, rows of ``boxes``; -1: an index that points nowhere. Such a triplet
            counts, and never matches.
        objects: (T,) int64, likewise.
        verbs: (T,) int64, 0..N-1; others are ignored.
        scores: (T,) float64; ground truth has none.
    """

    boxes: np.ndarray
    categories: np.ndarray
    images: np.ndarray
    subjects: np.ndarray
    objects: np.ndarray
    verbs: np.ndarray
    scores: np.ndarray | None = None


def hoiw_metrics(
    ground_truth: Triplets,
    predictions: Triplets,
    num_verbs: int,
    *,
    entry_images: np.ndarray | None = None,
) -> dict:
    """The official HOIW numbers.

    A predicted box matches every ground-truth box of its category with IoU >= 0.5. In each image,
    by descending score, a prediction is a true positive if a ground-truth triplet that nobody has
    claimed yet has its verb and matches at both ends; it claims all such triplets, and is one true
    positive. AP is per verb over all images, whatever the objects; mAP_rel is its mean over the N
    verbs, where a verb without ground truth or predictions adds 0.

    Args:
        ground_truth: images 0..I-1.
        predictions: with scores; equal scores stay in the order given.
        num_verbs: N.
        entry_images: (E,) int64, the image of each prediction entry. An image that was handed in
            twice has two, and the second finds no triplet claimed. Default: entry = image.

    Returns:
        ``mAP_rel``, ``mean_max_recall`` (fractions); ``mAP_rel_5``, the mean AP of the verbs with
        at least :data:`FEW` triplets in the ground truth, which is no official number, None where
        there is no such verb; and ``per_verb``, a list of N dicts ``ap``, ``max_recall``,
        ``num_gt``, ``num_pred``, ``num_tp``.
    """
    per_verb = []
    for verb in range(num_verbs):
        targets = np.flatnonzero(ground_truth.verbs == verb)
        candidates = np.flatnonzero(predictions.verbs == verb)
        # The official order: entry by entry, by score within each. It decides between equal scores.
        candidates = candidates[
            np.lexsort((-predictions.scores[candidates], predictions.images[candidates]))
        ]
        hits = _claims(ground_truth, targets, predictions, candidates, entry_images)
        ap, recall = average_precision(predictions.scores[candidates], hits, len(targets))
        per_verb.append(
            {
                "ap": ap,
                "max_recall": recall,
                "num_gt": len(targets),
                "num_pred": len(candidates),
                "num_tp": int(hits.sum()),
            }
        )
    frequent = [verb["ap"] for verb in per_verb if verb["num_gt"] >= FEW]
    return {
        "mAP_rel": float(np.mean([verb["ap"] for verb in per_verb])),
        f"mAP_rel_{FEW}": float(np.mean(frequent)) if frequent else None,
        "mean_max_recall": float(np.mean([verb["max_recall"] for verb in per_verb])),
        "per_verb": per_verb,
    }


def _claims(
    ground_truth: Triplets,
    targets: np.ndarray,
    predictions: Triplets,
    candidates: np.ndarray,
    entry_images: np.ndarray | None,
) -> np.ndarray:
    """(C,) bool: which candidates, in the order given, are true positives.

    A triplet is claimed by the first candidate that matches it: so the true positives are the
    first matches of the triplets, and no loop is needed.
    """
    hits = np.zeros(len(candidates), bool)
    subjects, objects = ground_truth.subjects[targets], ground_truth.objects[targets]
    targets = targets[(subjects >= 0) & (objects >= 0)]
    targets = targets[np.argsort(ground_truth.images[targets], kind="stable")]
    rows = np.flatnonzero(
        (predictions.subjects[candidates] >= 0) & (predictions.objects[candidates] >= 0)
    )
    entries = predictions.images[candidates[rows]]
    images = entries if entry_images is None else entry_images[entries]

    # Every (candidate, target) of the same image.
    target_images = ground_truth.images[targets]
    first = np.searchsorted(target_images, images, side="left")
    counts = np.searchsorted(target_images, images, side="right") - first
    left = np.repeat(np.arange(len(rows)), counts)
    right = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts - first, counts)
    for end in ("subjects", "objects"):
        matched = _boxes_match(
            ground_truth,
            getattr(ground_truth, end)[targets[right]],
            predictions,
            getattr(predictions, end)[candidates[rows[left]]],
        )
        left, right = left[matched], right[matched]

    claim = entries[left] * max(len(targets), 1) + right
    _, winners = np.unique(claim, return_index=True)
    hits[rows[left[winners]]] = True
    return hits


def _boxes_match(
    ground_truth: Triplets, target: np.ndarray, predictions: Triplets, candidate: np.ndarray
) -> np.ndarray:
    """(M,) bool: same category and IoU >= 0.5, row by row."""
    iou = matched_iou(ground_truth.boxes[target], predictions.boxes[candidate])
    same = ground_truth.categories[target] == predictions.categories[candidate]
    return same & (iou >= IOU_THRESHOLD)


def matched_iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(M,) float64 IoU of two (M, 4) arrays of boxes, row by row; 0 where they are apart."""
    width = np.minimum(a[:, 2], b[:, 2]) - np.maximum(a[:, 0], b[:, 0])
    height = np.minimum(a[:, 3], b[:, 3]) - np.maximum(a[:, 1], b[:, 1])
    intersection = width * height
    area_a = (a[:, 2] - a[:, 0]) * (a[:, 3] - a[:, 1])
    area_b = (b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1])
    overlapping = (width > 0) & (height > 0)
    iou = np.zeros(len(a))
    union = area_a + area_b - intersection
    np.divide(intersection, union, out=iou, where=overlapping)
    return iou
