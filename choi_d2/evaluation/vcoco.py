"""AP_agent and AP_role, the metrics of V-COCO.

A: people of all images; D: detections of all images; V = 26 actions; R = 25 action-roles. Boxes are
absolute XYXY whose last pixel is part of them, and float32, as the official evaluator's are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from choi_d2.categories.vcoco import ACTION_ROLES, ACTIONS

from .average_precision import average_precision

IOU_THRESHOLD = 0.5

LEFT_OUT_ROLE = "point_instr"
"""The papers' mAP_role is the mean over the other 24 action-roles."""


@dataclass(frozen=True)
class People:
    """The people of all images, also those that V-COCO does not annotate.

    Attributes:
        images: (A,) int64.
        boxes: (A, 4) float32.
        annotated: (A,) bool; a detection that lies on somebody else is neither right nor wrong.
        actions: (A, V) bool.
        has_role: (A, R) bool, does the action have this role's object?
        role_boxes: (A, R, 4) float32, that object; anything where there is none.
    """

    images: np.ndarray
    boxes: np.ndarray
    annotated: np.ndarray
    actions: np.ndarray
    has_role: np.ndarray
    role_boxes: np.ndarray


@dataclass(frozen=True)
class Detections:
    """What was detected: for each person a score for each action, an object for each action-role.

    Attributes:
        images: (D,) int64.
        boxes: (D, 4) float32.
        agent_scores: (D, V) float32; nan: no prediction.
        role_boxes: (D, R, 4) float32; all zero or all nan: "there is no object".
        role_scores: (D, R) float32; nan: no prediction.
    """

    images: np.ndarray
    boxes: np.ndarray
    agent_scores: np.ndarray
    role_boxes: np.ndarray
    role_scores: np.ndarray


def vcoco_metrics(people: People, detections: Detections) -> dict:
    """The official V-COCO numbers.

    A detection belongs to the person of its image with the highest IoU, whatever it is. It is a
    hit if IoU >= 0.5, the person does the action and no better-scored detection has hit the person
    before; for an action-role, if also the objects' IoU is >= 0.5. Where the ground truth has no
    object, scenario 1 asks for a detection that says so, scenario 2 takes any. Every person who
    does the action counts, object or not. Object classes play no part.

    Returns:
        Fractions, None where nobody does the action: ``AP_agent``; ``AP_role_S1``, ``AP_role_S2``
        (24 action-roles, without ``point_instr``), ``AP_role_S1_25``, ``AP_role_S2_25``;
        ``per_action``: name -> ``AP_agent``, ``positives``; ``per_action_role``: name ->
        ``AP_role_S1``, ``AP_role_S2``, ``positives``. Means are over actions that somebody does.
    """
    person, on_person = _assign(people, detections)
    # Detections on people without annotation take no part.
    valid = person >= 0
    valid[valid] = people.annotated[person[valid]]
    rows = np.flatnonzero(valid)
    person, on_person = person[rows], on_person[rows]
    order_in_file = np.arange(len(rows))
    images = detections.images[rows]
    positives = people.actions[people.annotated].sum(axis=0)

    def ap(scores: np.ndarray, hits: np.ndarray, action: int) -> float | None:
        if positives[action] == 0:
            return None
        kept = np.flatnonzero(~np.isnan(scores))
        # The official order is an ascending sort, reversed, in each image and then over all of
        # them: equal scores come last one first in an image.
        kept = kept[np.lexsort((-order_in_file[kept], -scores[kept], images[kept]))]
        _, first = np.unique(person[kept[hits[kept]]], return_index=True)
        counted = np.zeros(len(kept), bool)
        counted[np.flatnonzero(hits[kept])[first]] = True
        return average_precision(scores[kept][::-1], counted[::-1], int(positives[action]))[0]

    per_action, per_role = {}, {}
    role = 0
    for action, (name, roles) in enumerate(ACTIONS):
        does_it = people.actions[person, action] & on_person
        per_action[name] = {
            "AP_agent": ap(detections.agent_scores[rows, action], does_it, action),
            "positives": int(positives[action]),
        }
        for _ in roles:
            found = {"positives": int(positives[action])}
            right = _object_is_right(people, person, detections, rows, role)
            for scenario, is_right in zip(("S1", "S2"), right, strict=True):
                scores = detections.role_scores[rows, role]
                found[f"AP_role_{scenario}"] = ap(scores, does_it & is_right, action)
            per_role[ACTION_ROLES[role]] = found
            role += 1
    means = {"AP_agent": _mean(numbers["AP_agent"] for numbers in per_action.values())}
    for suffix, left_out in (("", {LEFT_OUT_ROLE}), ("_25", set())):
        for scenario in ("AP_role_S1", "AP_role_S2"):
            means[f"{scenario}{suffix}"] = _mean(
                numbers[scenario] for name, numbers in per_role.items() if name not in left_out
            )
    return means | {"per_action": per_action, "per_action_role": per_role}


def _assign(people: People, detections: Detections) -> tuple[np.ndarray, np.ndarray]:
    """Each detection's person (D,), -1 in an image without people; and is its IoU >= 0.5, (D,)."""
    by_image = np.argsort(people.images, kind="stable")
    images = people.images[by_image]
    first = np.searchsorted(images, detections.images, side="left")
    counts = np.searchsorted(images, detections.images, side="right") - first
    somebody = np.flatnonzero(counts)
    first, counts = first[somebody], counts[somebody]
    starts = np.cumsum(counts) - counts
    detection = np.repeat(somebody, counts)
    candidate = by_image[np.arange(counts.sum()) - np.repeat(starts - first, counts)]

    iou = _iou(people.boxes[candidate], detections.boxes[detection])
    # A box without area can have no IoU; numpy's argmax, the official judge, takes it for best.
    rank = np.where(np.isnan(iou), np.inf, iou)
    person, overlaps = np.full(len(detections.images), -1), np.zeros(len(detections.images), bool)
    if len(somebody):
        best = np.repeat(np.maximum.reduceat(rank, starts), counts)
        winners = np.flatnonzero(rank == best)
        _, firsts = np.unique(detection[winners], return_index=True)
        winners = winners[firsts]
        person[somebody] = candidate[winners]
        overlaps[somebody] = iou[winners] >= IOU_THRESHOLD
    return person, overlaps


def _object_is_right(
    people: People, person: np.ndarray, detections: Detections, rows: np.ndarray, role: int
) -> tuple[np.ndarray, np.ndarray]:
    """Is the object of this action-role right in scenario 1, in scenario 2? (rows,) bool each."""
    boxes = detections.role_boxes[rows, role]
    overlaps = _iou(people.role_boxes[person, role], boxes) >= IOU_THRESHOLD
    has_object = people.has_role[person, role]
    says_none = (boxes == 0).all(axis=1) | np.isnan(boxes).all(axis=1)
    return np.where(has_object, overlaps, says_none), overlaps | ~has_object


def _iou(truth: np.ndarray, detected: np.ndarray) -> np.ndarray:
    """(M,) float32 IoU, row by row, in the official order of float32 operations."""
    one = np.float32(1)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        low = np.maximum(truth[:, :2], detected[:, :2])
        high = np.minimum(truth[:, 2:], detected[:, 2:])
        sides = np.maximum(high - low + one, np.float32(0))
        intersection = sides[:, 0] * sides[:, 1]
        truth_sides = truth[:, 2:] - truth[:, :2] + one
        detected_sides = (detected[:, 2:] - detected[:, :2]).astype(np.float64) + 1
        detected_area = (detected_sides[:, 0] * detected_sides[:, 1]).astype(np.float32)
        union = detected_area + truth_sides[:, 0] * truth_sides[:, 1] - intersection
        return intersection / union


def _mean(values) -> float | None:
    defined = [value for value in values if value is not None]
    return sum(defined) / len(defined) if defined else None
