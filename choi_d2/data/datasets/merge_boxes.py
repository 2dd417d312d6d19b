"""Instances out of boxes that were drawn for one interaction at a time.

HICO-DET's annotators drew the boxes of every class of interaction anew, so that a person who rides
and holds a bicycle has two boxes, a few pixels apart. Two boxes drawn for one class are two people
or things: of HICO-DET's test boxes, 0.3 % of such couples overlap by half.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

MERGE_IOU = 0.5
"""Boxes of one instance overlap each other at least so much."""
_NEVER = 2.0


class MergedPairs(NamedTuple):
    """The pairs of one image over its instances. P: pairs; R: instances.

    Attributes:
        boxes: (R, 4), each the mean of the different boxes that were drawn of the instance, in the
            order of first appearance.
        classes: (R,) int64.
        humans, objects: (P,) int64, rows of ``boxes``.
    """

    boxes: np.ndarray
    classes: np.ndarray
    humans: np.ndarray
    objects: np.ndarray


def merge_pairs(
    human_boxes: np.ndarray,
    object_boxes: np.ndarray,
    object_classes: np.ndarray,
    interactions: np.ndarray,
    human_class: int,
) -> MergedPairs:
    """The instances of one image, of which each pair has boxes of its own.

    Boxes are one instance if each overlaps each other by at least ``MERGE_IOU``, they are of one
    class, and no two of them tell instances apart: different boxes of the same role in one class of
    interaction do, and the two ends of a pair. Where that leaves a choice, the best overlap goes
    first (complete linkage).

    Args:
        human_boxes, object_boxes: (P, 4), ``[x1, y1, x2, y2]``, the last pixel excluded.
        object_classes: (P,) int.
        interactions: (P,) int, the class of interaction that a pair was annotated for.
        human_class: the class of the humans.
    """
    classes = np.concatenate([np.full(len(interactions), human_class), object_classes])
    drawings: dict[tuple, int] = {}
    # A box that several pairs of its class of interaction share was drawn once.
    drawing_of_end = [
        drawings.setdefault((category, interaction, role, *box), len(drawings))
        for category, interaction, role, box in zip(
            classes.tolist(),
            interactions.tolist() * 2,
            np.repeat([0, 1], len(interactions)).tolist(),
            [*human_boxes.tolist(), *object_boxes.tolist()],
            strict=True,
        )
    ]
    humans, objects = np.reshape(drawing_of_end, (2, -1)).astype(np.int64)
    drawn = np.array([drawing[3:] for drawing in drawings], np.float64).reshape(-1, 4)
    classes, interactions, roles = (np.array([d[i] for d in drawings]) for i in range(3))
    separate = (interactions[:, None] == interactions) & (roles[:, None] == roles)
    separate[humans, objects] = separate[objects, humans] = True

    instance = np.zeros(len(drawn), np.int64)
    for category in np.unique(classes):
        rows = np.flatnonzero(classes == category)
        cluster = _cluster(drawn[rows], separate[np.ix_(rows, rows)])
        instance[rows] = instance.max(initial=0) + 1 + cluster
    _, first, instance = np.unique(instance, return_index=True, return_inverse=True)
    order = np.argsort(first)
    instance = np.argsort(order)[instance]
    drawn_of: list[dict[tuple, None]] = [{} for _ in order]
    for own, box in zip(instance.tolist(), drawn.tolist(), strict=True):
        drawn_of[own][tuple(box)] = None
    boxes = [np.mean(list(different), axis=0) for different in drawn_of]
    return MergedPairs(
        np.reshape(boxes, (-1, 4)), classes[first[order]], instance[humans], instance[objects]
    )


def _cluster(boxes: np.ndarray, separate: np.ndarray) -> np.ndarray:
    """(n,) int: which of the boxes (n, 4) of a class are one instance."""
    distance = np.where(separate, _NEVER, 1 - pairwise_iou(boxes))
    np.fill_diagonal(distance, _NEVER)
    if not (distance <= 1 - MERGE_IOU).any():
        return np.arange(len(boxes))
    np.fill_diagonal(distance, 0)
    tree = linkage(squareform(distance, checks=False), method="complete")
    return fcluster(tree, 1 - MERGE_IOU, criterion="distance")


def pairwise_iou(boxes: np.ndarray) -> np.ndarray:
    """(n, n) IoU of boxes (n, 4); 0 where both are without area."""
    shared = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    shared = shared - np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    shared = shared.clip(min=0).prod(axis=2)
    area = (boxes[:, 2:] - boxes[:, :2]).clip(min=0).prod(axis=1)
    union = area[:, None] + area[None, :] - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
