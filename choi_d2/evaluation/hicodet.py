"""mAP of HICO-DET: average precision of the 600 classes, Default and Known Object.

P: annotated pairs; D: detected pairs; C = 600 classes; I: images.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from choi_d2.categories.hicodet import HOIS, VERBS, ZERO_SHOT

from .average_precision import eleven_point_average_precision
from .hicodet_rules import OFFICIAL, Rules, recall_levels

IOU_THRESHOLD = 0.5
SETTINGS = ("default", "known_object")

OBJECT_OF_HOI = np.array([hoi.object for hoi in HOIS])
"""(600,) int64, the place of each class's object in ``OBJECTS``."""
_VERB_OF_HOI = np.array([hoi.verb for hoi in HOIS])


@dataclass(frozen=True)
class HOIPairs:
    """Human-object pairs of many images, each of one class.

    Attributes:
        images: (P,) int64.
        hois: (P,) int64, 0..599: the HOI id - 1.
        human_boxes, object_boxes: (P, 4) float64, XYXY; the last pixel is part of a box.
        scores: (P,) float64; ground truth has none.
    """

    images: np.ndarray
    hois: np.ndarray
    human_boxes: np.ndarray
    object_boxes: np.ndarray
    scores: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, rows: np.ndarray) -> HOIPairs:
        """The pairs of an index or mask, in its order."""
        scores = None if self.scores is None else self.scores[rows]
        columns = (self.images, self.hois, self.human_boxes, self.object_boxes)
        return HOIPairs(*(column[rows] for column in columns), scores)


def hicodet_metrics(
    truth: HOIPairs,
    detections: HOIPairs,
    known: np.ndarray,
    rare: np.ndarray,
    *,
    rules: Rules = OFFICIAL,
    zero_shot: Sequence[str] = (),
) -> dict:
    """The official HICO-DET numbers.

    A detection looks at the pair of its image and class that it overlaps most, the first one where
    several are equal; the overlap is the smaller of the humans' and the objects' IoU. With an
    overlap >= 0.5 it is a true positive, if no detection with a better score has taken the pair
    before. AP is the mean of the best precision at eleven recalls. Known Object counts, of each
    class, only the detections in images that are known to show its object.

    Args:
        truth: the visible pairs.
        detections: in the order of their file; equal scores are ordered by image, then so.
        known: (I, 80) bool, is the object known to be in the image?
        rare: (C,) bool.
        rules: what other evaluators do otherwise.
        zero_shot: splits whose unseen and seen classes are averaged.

    Returns:
        ``default`` and ``known_object``; in each, as fractions, None where there is nothing to
        average or the official code has NaN: ``mAP_full``, ``mAP_rare``, ``mAP_non_rare``,
        ``mean_max_recall_full``, ``_rare``, ``_non_rare``, ``mAP_over_classes_with_gt``,
        ``mean_max_recall_over_classes_with_gt``; ``per_hoi``: HOI id -> ``name``, ``rare``, ``ap``,
        ``max_recall``, ``num_gt``, ``num_pred``, ``num_tp``; ``per_verb``: verb id -> ``name``,
        ``mAP``, ``num_hois``; with ``zero_shot`` also that: split -> ``mAP_unseen``, ``mAP_seen``.
    """
    kept = np.ones(len(detections), bool)
    if rules.top_k is not None:
        kept &= _best_of_images(detections, rules.top_k)
    if rules.skip_empty_images:
        kept &= np.isin(detections.images, truth.images)
    detections = detections[kept]
    first = np.arange(len(detections)) if rules.ties_by_file else detections.images
    order = np.lexsort((first, -detections.scores, detections.hois))
    detections = detections[order]
    hits = _true_positives(truth, detections, rules)
    shown = known[detections.images, OBJECT_OF_HOI[detections.hois]]
    num_gt = np.bincount(truth.hois, minlength=len(HOIS))
    settings = zip(SETTINGS, (np.ones(len(hits), bool), shown), strict=True)
    return {
        name: _summary(
            _per_class(detections.hois[counted], hits[counted], num_gt, rules),
            rare,
            rules,
            zero_shot,
        )
        for name, counted in settings
    }


def _best_of_images(detections: HOIPairs, number: int) -> np.ndarray:
    """(D,) bool: is it one of its image's best?"""
    order = np.lexsort((-detections.scores, detections.images))
    images = detections.images[order]
    rank = np.arange(len(order)) - np.searchsorted(images, images)
    best = np.zeros(len(order), bool)
    best[order[rank < number]] = True
    return best


def _true_positives(truth: HOIPairs, detections: HOIPairs, rules: Rules) -> np.ndarray:
    """(D,) bool of detections in descending order of score within a class."""
    cell = truth.images * len(HOIS) + truth.hois
    by_cell = np.argsort(cell, kind="stable")
    cell = cell[by_cell]
    wanted = detections.images * len(HOIS) + detections.hois
    first = np.searchsorted(cell, wanted, side="left")
    counts = np.searchsorted(cell, wanted, side="right") - first
    starts = np.cumsum(counts) - counts
    detection = np.repeat(np.arange(len(detections)), counts)
    pair = by_cell[np.arange(counts.sum()) - np.repeat(starts - first, counts)]

    overlap = np.minimum(
        _iou(detections.human_boxes[detection], truth.human_boxes[pair], rules),
        _iou(detections.object_boxes[detection], truth.object_boxes[pair], rules),
    )
    enough = overlap > IOU_THRESHOLD if rules.strict else overlap >= IOU_THRESHOLD
    hits = np.zeros(len(detections), bool)
    if rules.first_unused:
        hits[_first_unused(detection[enough].tolist(), pair[enough].tolist())] = True
        return hits
    if len(overlap):
        candidates = counts > 0
        best = np.zeros(len(detections))
        best[candidates] = np.maximum.reduceat(overlap, starts[candidates])
        enough &= overlap == best[detection]
    detection, pair = detection[enough], pair[enough]
    _, looked_at = np.unique(detection, return_index=True)
    detection, pair = detection[looked_at], pair[looked_at]
    _, taken = np.unique(pair, return_index=True)
    hits[detection[taken]] = True
    return hits


def _first_unused(detections: Iterable[int], pairs: Iterable[int]) -> list[int]:
    """The detections that find a free pair, of couples that overlap enough, in order."""
    taken: set[int] = set()
    hits: set[int] = set()
    for detection, pair in zip(detections, pairs, strict=True):
        if detection not in hits and pair not in taken:
            hits.add(detection)
            taken.add(pair)
    return sorted(hits)


def _iou(detected: np.ndarray, annotated: np.ndarray, rules: Rules) -> np.ndarray:
    """(M,) float64, row by row."""
    low = np.maximum(detected[:, :2], annotated[:, :2])
    high = np.minimum(detected[:, 2:], annotated[:, 2:])
    sides = high - low + rules.pixel
    overlapping = (sides if rules.thin_boxes else high - low) > 0
    intersection = sides[:, 0] * sides[:, 1]
    union = _area(detected, rules) + _area(annotated, rules) - intersection + rules.union_margin
    iou = np.zeros(len(detected))
    np.divide(intersection, union, out=iou, where=overlapping[:, 0] & overlapping[:, 1])
    return iou


def _area(boxes: np.ndarray, rules: Rules) -> np.ndarray:
    sides = boxes[:, 2:] - boxes[:, :2] + rules.pixel
    return sides[:, 0] * sides[:, 1]


def _per_class(hois: np.ndarray, hits: np.ndarray, num_gt: np.ndarray, rules: Rules) -> dict:
    """Columns of C numbers; nan where there is none."""
    starts = np.searchsorted(hois, np.arange(len(HOIS) + 1))
    levels = None if rules.levels == "exact" else recall_levels(rules.levels)
    curves = [
        eleven_point_average_precision(hits[start:end], positives, levels)
        for start, end, positives in zip(starts[:-1], starts[1:], num_gt.tolist(), strict=True)
    ]
    ap, max_recall = np.array(curves).T
    num_pred = np.diff(starts)
    max_recall[(num_gt == 0) & (num_pred > 0)] = np.nan
    averaged = {
        "all": np.ones(len(HOIS), bool),
        "with_truth": num_gt > 0,
        "defined": (num_gt > 0) | (num_pred == 0),
    }[rules.averaged]
    return {
        "ap": np.where(averaged, ap, np.nan),
        "max_recall": max_recall,
        "num_gt": num_gt,
        "num_pred": num_pred,
        "num_tp": np.bincount(hois[hits], minlength=len(HOIS)),
    }


def _summary(
    per_class: Mapping[str, np.ndarray], rare: np.ndarray, rules: Rules, zero_shot: Sequence[str]
) -> dict:
    ap, max_recall, num_gt = (per_class[key] for key in ("ap", "max_recall", "num_gt"))
    averaged = ~np.isnan(ap)
    groups = {"full": np.ones(len(HOIS), bool), "rare": rare, "non_rare": ~rare}
    summary = {f"mAP_{name}": _mean(ap[group & averaged]) for name, group in groups.items()}
    for name, group in groups.items():
        summary[f"mean_max_recall_{name}"] = _mean(max_recall[group & averaged])
    summary["mAP_over_classes_with_gt"] = _mean(ap[num_gt > 0])
    summary["mean_max_recall_over_classes_with_gt"] = _mean(max_recall[num_gt > 0])
    for split in zero_shot:
        unseen = np.isin(np.arange(1, len(HOIS) + 1), ZERO_SHOT[split])
        summary.setdefault("zero_shot", {})[split] = {
            "mAP_unseen": _mean(ap[unseen & averaged]),
            "mAP_seen": _mean(ap[~unseen & averaged]),
            "num_unseen": int((unseen & averaged).sum()),
            "num_seen": int((~unseen & averaged).sum()),
        }
    columns = {key: [_number(value) for value in column] for key, column in per_class.items()}
    summary["per_hoi"] = {
        str(i + 1): {
            "name": hoi.name,
            "rare": bool(rare[i]),
            **{key: column[i] for key, column in columns.items()},
        }
        for i, hoi in enumerate(HOIS)
    }
    summary["per_verb"] = {
        str(verb + 1): {
            "name": name,
            "mAP": _mean(ap[(_VERB_OF_HOI == verb) & averaged]),
            "num_hois": int(((_VERB_OF_HOI == verb) & averaged).sum()),
        }
        for verb, name in enumerate(VERBS)
    }
    return summary


def _mean(values: np.ndarray) -> float | None:
    return _number(values.mean()) if len(values) else None


def _number(value: np.generic) -> float | int | None:
    value = value.item()
    return None if value != value else value
