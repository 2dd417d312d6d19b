"""What follows from where things are: geometric relations, and where people look.

Rules, by the visible boxes and the depths of the units (a person with what they use is one unit,
and so is a place with loose things):

* on: a human and what they ride.
* A human and a thing of their own pair have no other geometric relation.
* in front of, behind: the boxes share at least a tenth of the narrower one's width, and some
  height; which of the two it is the depth says. Within a unit the depth says nothing: no relation.
* next-to: they share less width than that, at least a tenth of the lower one's height, and the gap
  between them is at most half of their mean width.

So no ordered pair has two of them, in front of and behind are each other's inverse, and next-to is
symmetric.
"""

from __future__ import annotations

import math

import numpy as np

from .scene import Scene

SHARED = 0.1
"""Share of the smaller side from which on two boxes are over or beside each other."""
GAP = 0.5
"""Widest gap between neighbours, as a share of their mean width."""
LOOK_ANGLE = 10.0
"""A gaze goes to a thing that is at most this far (degrees, in the picture) from its direction."""

_GAZING_VERBS = {"play(cellphone)", "read", "play(computer)"}
_AT_THE_HEAD = 1.6  # head radii: what is so near to a head's middle is at the ear or mouth


def geometric_relations(scene: Scene) -> dict[tuple[int, int], str]:
    """{(human, other instance): relation}, as this module's rules say."""
    found = {}
    for human in sorted(scene.people):
        for other in range(len(scene.classes)):
            if other != human:
                relation = _geometric_relation(scene, human, other)
                if relation is not None:
                    found[human, other] = relation
    return found


def _geometric_relation(scene: Scene, human: int, other: int) -> str | None:
    verbs = scene.pairs.get((human, other), ())
    if verbs:
        return "on" if "ride" in verbs else None
    first, second = scene.boxes[human], scene.boxes[other]
    sizes = np.stack([first[2:] - first[:2], second[2:] - second[:2]])
    shared = np.minimum(first[2:], second[2:]) - np.maximum(first[:2], second[:2])
    width, height = shared / sizes.min(axis=0)
    if width >= SHARED and height > 0:
        nearer = scene.depths[human] - scene.depths[other]
        return None if nearer == 0 else "in front of" if nearer > 0 else "behind"
    near = -shared[0] <= GAP * sizes[:, 0].mean()
    return "next-to" if width < SHARED and height >= SHARED and near else None


def looked_at(scene: Scene) -> dict[int, int]:
    """{human: the thing of their unit that they look at}.

    That is what they play with or read; otherwise the thing nearest to the direction of the gaze,
    at most ``LOOK_ANGLE`` away, unless it is at the head.
    """
    targets = {}
    for human, person in sorted(scene.people.items()):
        used = [
            thing
            for (h, thing), verbs in scene.pairs.items()
            if h == human and _GAZING_VERBS & set(verbs)
        ]
        if used:
            targets[human] = min(used)
            continue
        gaze = np.array(person.gaze[:2])
        if np.hypot(*gaze) < 0.3:  # to the viewer, or away
            continue
        angles = {}
        for thing, center in scene.centers.items():
            way = np.array(center) - person.head
            distance = np.hypot(*way)
            same_unit = scene.depths[thing] == scene.depths[human]
            if same_unit and distance > _AT_THE_HEAD * person.head_radius:
                cosine = gaze @ way / np.hypot(*gaze) / distance
                angles[thing] = math.degrees(math.acos(np.clip(cosine, -1, 1)))
        best = min(angles, key=angles.get, default=None)
        if best is not None and angles[best] <= LOOK_ANGLE:
            targets[human] = best
    return targets
