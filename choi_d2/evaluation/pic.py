"""R@k, the metric of PIC: recall of relations between segmented instances.

H, W: height and width that all maps are resized to; G: annotated relations of an image; P: its
predicted ones; T: the IoU thresholds.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np

SIZE = (640, 480)
"""(width, height) in which masks are compared."""

IOU_THRESHOLDS = (0.25, 0.5, 0.75)

TOP_K = (20, 50, 100)

NEVER = np.iinfo(np.int64).max
"""The rank of a relation that no prediction matches."""

V2_EXCLUDED = frozenset(
    "20136 21913 22470 23352 23514 24095 24148 25927 25955 26070 indoor_03336 indoor_07165 "
    "outdoor_01317 outdoor_01360 outdoor_01614 outdoor_01962 outdoor_02278 outdoor_02882 "
    "outdoor_04055".split()
)
"""Images that the official evaluation of v2 leaves out."""

_IDS = 256


@dataclass(frozen=True)
class RelationScene:
    """The label maps of an image and the relations between its instances.

    Attributes:
        semantic: (any height, any width) uint8, category id of each pixel, 0 is background.
        instance: uint8, instance id of each pixel, 0 is background. May have another size.
        relations: (M, 3) int64, (subject, object, relation): two instance ids and a relation id.
            An id that the map does not have never matches.
        scores: (M,) float64; ground truth has none.
    """

    semantic: np.ndarray
    instance: np.ndarray
    relations: np.ndarray
    scores: np.ndarray | None = None


def recalled_at(ground_truth: RelationScene, prediction: RelationScene) -> np.ndarray:
    """How many predictions have to be kept until each annotated relation is recalled.

    A prediction recalls every annotated relation that has its (subject class, object class,
    relation) and overlaps it at both ends. The class of an instance is the highest category id
    under its mask. Maps are resized to 640 x 480, each on its own, by nearest neighbour.

    Returns:
        (T, G) int64: the rank, from 1, of the best-scored prediction that recalls the relation at
        each IoU threshold; :data:`NEVER` where none does. Equal scores rank in the order given.
    """
    order = np.argsort(-prediction.scores, kind="stable")
    predicted = prediction.relations[order]
    annotated = ground_truth.relations
    truth_map, predicted_map = _resized(ground_truth.instance), _resized(prediction.instance)
    truth_classes = _classes(truth_map, _resized(ground_truth.semantic))
    predicted_classes = _classes(predicted_map, _resized(prediction.semantic))
    iou = _overlaps(truth_map, predicted_map)

    candidate = annotated[:, None, 2] == predicted[None, :, 2]
    overlap = np.full(candidate.shape, np.inf)
    for end in (0, 1):
        mine, theirs = annotated[:, end], predicted[:, end]
        # An id beyond 8 bits has no pixel.
        known = ((mine >= 0) & (mine < _IDS))[:, None] & ((theirs >= 0) & (theirs < _IDS))
        rows, columns = (np.clip(ids, 0, _IDS - 1) for ids in (mine, theirs))
        candidate &= known & (truth_classes[rows][:, None] == predicted_classes[columns])
        overlap = np.minimum(overlap, iou[rows[:, None], columns])
    ranks = np.full((len(IOU_THRESHOLDS), len(annotated)), NEVER)
    for row, threshold in enumerate(IOU_THRESHOLDS):
        matches = candidate & (overlap >= threshold)
        recalled = matches.any(axis=1)
        if recalled.any():
            ranks[row, recalled] = matches[recalled].argmax(axis=1) + 1
    return ranks


def pic_metrics_of_scenes(
    images: Sequence[tuple[Callable[[], RelationScene], Callable[[], RelationScene | None]]],
    names: Sequence[str],
    geometric_ids: Collection[int],
) -> dict:
    """:func:`pic_metrics` of images whose maps are too large to be held at once.

    Args:
        images: for each image what makes its ground truth, and its prediction (None: there is
            none, all is missed). Called in threads.
        names, geometric_ids: see :func:`pic_metrics`.

    Returns:
        See :func:`pic_metrics`, and ``images``, how many there were.
    """

    def ranks(image) -> tuple[np.ndarray, np.ndarray]:
        truth, prediction = (make() for make in image)
        ids = truth.relations[:, 2]
        if prediction is None or not len(ids):
            return ids, np.full((len(IOU_THRESHOLDS), len(ids)), NEVER)
        return ids, recalled_at(truth, prediction)

    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        results = list(pool.map(ranks, images))
    ids, all_ranks = zip(*results, strict=True) if results else ((), ())
    return pic_metrics(ids, all_ranks, names, geometric_ids) | {"images": len(images)}


def pic_metrics(
    relations: Sequence[np.ndarray],
    ranks: Sequence[np.ndarray],
    names: Sequence[str],
    geometric_ids: Collection[int],
) -> dict:
    """The official PIC numbers.

    In each image the recall is taken over its geometric relations, and over the others; images
    without relations of a group are left out of that group's mean. The mean over images is rounded
    to four decimals, as the official evaluator does, before the groups and thresholds are averaged.

    Args:
        relations: for each image (G,) relation ids, from 1.
        ranks: for each image (T, G), what :func:`recalled_at` returned.
        names: of all relations, by id.
        geometric_ids: the relation ids of the geometric group.

    Returns:
        ``R@20``, ``R@50``, ``R@100`` (fractions); ``per_iou``: ``"R@20"`` -> ``"0.25"`` ->
        ``geometric``, ``non_geometric`` and ``mean``, with the means before rounding;
        ``per_relation``: ``"R@20"`` -> ``"0.25"`` -> name -> mean recall. None where no image has
        such a relation; the mean of the groups is then that of the other group.
    """
    num_relations = len(names)
    geometric = sorted(geometric_ids)
    others = sorted(set(range(1, num_relations + 1)) - set(geometric))
    group_of_id = np.zeros((num_relations + 2, num_relations + 1), bool)
    for relation in range(1, num_relations + 1):
        group_of_id[relation - 1, relation] = True
    group_of_id[num_relations, geometric] = True
    group_of_id[num_relations + 1, others] = True

    metrics: dict = {"per_iou": {}, "per_relation": {}}
    for k in TOP_K:
        recalls = _mean_recalls(relations, ranks, group_of_id, k)
        per_iou, per_relation = {}, {}
        for row, threshold in enumerate(IOU_THRESHOLDS):
            rounded = [None if np.isnan(r) else float(f"{r:.4f}") for r in recalls[row]]
            raw = [None if np.isnan(r) else float(r) for r in recalls[row]]
            groups = [group for group in rounded[-2:] if group is not None]
            per_iou[f"{threshold:g}"] = {
                "geometric": rounded[-2],
                "non_geometric": rounded[-1],
                "mean": sum(groups) / len(groups) if groups else None,
                "geometric_unrounded": raw[-2],
                "non_geometric_unrounded": raw[-1],
            }
            per_relation[f"{threshold:g}"] = dict(zip(names, rounded[:-2], strict=True))
        means = [numbers["mean"] for numbers in per_iou.values()]
        metrics[f"R@{k}"] = None if None in means else sum(means) / len(means)
        metrics["per_iou"][f"R@{k}"] = per_iou
        metrics["per_relation"][f"R@{k}"] = per_relation
    return {f"R@{k}": metrics.pop(f"R@{k}") for k in TOP_K} | metrics


def _mean_recalls(relations, ranks, group_of_id: np.ndarray, k: int) -> np.ndarray:
    """(T, groups) mean over images of the recall in each group; nan without such an image."""
    recalls = np.full((len(IOU_THRESHOLDS), len(group_of_id), len(ranks)), np.nan)
    for image, (ids, rank) in enumerate(zip(relations, ranks, strict=True)):
        members = group_of_id[:, ids]
        counts = members.sum(axis=1)
        present = counts > 0
        recalled = (rank <= k).astype(np.int64) @ members.T
        recalls[:, present, image] = recalled[:, present] / counts[present]
    means = np.full(recalls.shape[:2], np.nan)
    for row, group in np.ndindex(means.shape):
        images = recalls[row, group]
        images = images[~np.isnan(images)]
        if len(images):
            means[row, group] = np.mean(images)
    return means


def _resized(label_map: np.ndarray) -> np.ndarray:
    return cv2.resize(label_map, SIZE, interpolation=cv2.INTER_NEAREST)


def _counts(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(256, 256) number of pixels with each pair of ids, in float32: exact up to 2^24 pixels."""
    ranges = [0, _IDS, 0, _IDS]
    return cv2.calcHist([first, second], [0, 1], None, [_IDS, _IDS], ranges)


def _classes(instance: np.ndarray, semantic: np.ndarray) -> np.ndarray:
    """(256,) the highest category id under each instance; 0 without a pixel."""
    present = _counts(instance, semantic) > 0
    return np.where(present.any(axis=1), _IDS - 1 - present[:, ::-1].argmax(axis=1), 0)


def _overlaps(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """(256, 256) IoU of every instance with every other; 0 where neither has a pixel."""
    intersection = _counts(truth, predicted).astype(np.float64)
    union = intersection.sum(1)[:, None] + intersection.sum(0)[None] - intersection
    return np.divide(intersection, union, out=np.zeros_like(union), where=union > 0)
