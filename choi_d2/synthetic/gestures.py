"""How a person and a thing come together: at the ear, at the mouth, in front, low, far out.

Each gesture moves one arm (or both), draws the thing, and returns where its middle is. Whoever
calls it decides the gaze and the verbs.
"""

from __future__ import annotations

import math

import numpy as np

from .canvas import Pen
from .heads import unit
from .objects import Thing, draw_smoke, draw_thing
from .people import Z_FAR_HAND, Z_FAR_OBJECT, Z_HAND, Z_OBJECT, Person

# Gazes (x, y, z) by view; z is towards the viewer. A sideways person faces +x.
_GAZES = {
    "front": (
        (0, 0, 1), (-0.85, -0.05, 0.5), (0.85, -0.05, 0.5), (0.1, -0.65, 0.75), (-0.45, 0.1, 0.9),
        (0.45, 0.1, 0.9),
    ),
    "side": (
        (0.97, 0.05, 0.22), (0.78, -0.5, 0.35), (0.3, 0, 0.95), (-0.75, 0, 0.65), (0.75, 0.1, 0.65),
    ),
    "back": ((0.3, 0, -0.95), (-0.4, 0.1, -0.9), (0, -0.3, -0.95)),
}  # fmt: skip
_TALKING_GAZES = {  # with something at the mouth or ear the head stays in the arm's reach
    "front": ((0, 0, 1), (-0.6, -0.05, 0.8), (0.6, -0.05, 0.8), (0.1, -0.25, 0.9)),
    "side": ((0.97, 0.05, 0.22), (0.9, -0.3, 0.3), (0.75, 0.1, 0.65)),
    "back": _GAZES["back"],
}
AWAY = 65.0
"""A gaze that differs by at least this angle (degrees, in the picture) does not go to a thing."""


def _jittered(rng: np.random.Generator, gaze) -> np.ndarray:
    return unit(np.asarray(gaze) + rng.normal(0, 0.06, 3))


def gaze_angle(person: Person, target) -> float:
    """Degrees in the picture between where a person looks and where ``target`` (x, y) is.

    A look at the viewer or away from the viewer goes nowhere in the picture: 180.
    """
    looks = person.head.forward[:2]
    if np.linalg.norm(looks) < 0.3:
        return 180.0
    cosine = float(unit(looks) @ unit(np.asarray(target) - person.head.center))
    return math.degrees(math.acos(np.clip(cosine, -1, 1)))


def look_anywhere(person: Person, rng: np.random.Generator, *, near_face: bool = False) -> None:
    """A random gaze; ``near_face``: one that suits a thing at the mouth or ear."""
    gazes = (_TALKING_GAZES if near_face else _GAZES)[person.view]
    person.look_along(_jittered(rng, gazes[rng.integers(len(gazes))]))


def look_away(person: Person, rng: np.random.Generator, target) -> None:
    """A random gaze that does not go to ``target`` (x, y)."""
    gazes = [*_GAZES[person.view]]
    for choice in rng.permutation(len(gazes)):
        person.look_along(_jittered(rng, gazes[choice]))
        if gaze_angle(person, target) > AWAY:
            return
    person.look_along((0.02, 0.0, 1.0) if person.view != "back" else (0.02, 0.0, -1.0))


def look_at(person: Person, target) -> None:
    """Turn head and eyes to ``target`` (x, y)."""
    person.look_at(target, depth=0.45 if person.view == "side" else 0.6)


def _object_z(person: Person, arm: int) -> tuple[float, float]:
    near = person.is_near(arm)
    return (Z_OBJECT, Z_HAND) if near else (Z_FAR_OBJECT, Z_FAR_HAND)


def _angle_towards(direction) -> float:
    """Degrees that turn a thing so that its underside points along ``direction``."""
    return math.degrees(math.atan2(-direction[0], direction[1]))


def at_ear(
    pen: Pen, person: Person, arm: int, thing: Thing, rng: np.random.Generator
) -> np.ndarray:
    """The thing at the ear, the arm raised."""
    if person.view == "side":
        # The near ear; a little to the back, so that the face stays free.
        center = person.head.center + (-0.32 * np.sign(person.head.forward[0] or 1), 0.1)
        tilt = rng.uniform(-12, 12)
    else:
        side = person.side(arm)
        center = person.head.center + (side * 1.22, 0.12)
        tilt = side * rng.uniform(-2, 14)
    person.put_hand(arm, center + (0, 0.52))
    draw_thing(pen.on(z=Z_OBJECT).at(center, tilt), thing)
    return center


def at_mouth(
    pen: Pen, person: Person, arm: int | None, thing: Thing, rng: np.random.Generator
) -> np.ndarray:
    """The thing at the mouth; ``arm`` None: held by the lips alone."""
    side = person.side(arm if arm is not None else int(rng.integers(2)))
    looks = person.head.forward[:2]
    if abs(looks[0]) > 0.4:
        way = unit(unit(looks) + (0, rng.uniform(0.15, 0.5)))
        way = unit((way[0], max(way[1], -0.1)))
    else:
        way = unit((side * rng.uniform(0.6, 0.9), rng.uniform(0.5, 0.75)))
    mouth = person.head.mouth
    center = mouth + way * (thing.height / 2 - 0.12)
    draw_thing(pen.on(z=Z_OBJECT).at(center, _angle_towards(way)), thing)
    if thing.category == "cigarette":
        draw_smoke(pen.on(z=Z_OBJECT - 1).at(center + way * thing.height / 2), rng)
        hand = center + (0, 0.5)
    else:
        # From below, so that the hand hides little of it.
        down = np.array((-way[1], way[0])) * (1.0 if way[0] > 0 else -1.0)
        hand = center + way * thing.height * 0.25 + down * thing.width * 0.42
    if arm is not None:
        person.put_hand(arm, hand, z=None if person.is_near(arm) else Z_OBJECT + 1)
    return center


def in_front(
    pen: Pen, person: Person, arm: int, thing: Thing, rng: np.random.Generator, *, out: bool = False
) -> np.ndarray:
    """The thing in one hand before the chest, or at arm's length if ``out``."""
    if person.view == "side":
        target = person.neck + ((2.6, 0.2) if out else (1.95, rng.uniform(0.8, 1.4)))
    else:
        side = person.side(arm)
        target = person.neck + ((side * 2.7, 0.2) if out else (side * 0.65, rng.uniform(1.8, 2.2)))
    hand = person.put_hand(arm, target)
    tilt = rng.uniform(-12, 12)
    if thing.category == "cigarette":
        way = unit((1.0 if person.view == "side" else person.side(arm), rng.uniform(-0.5, 0.3)))
        center = hand + way * thing.height * 0.42 + (0, -0.12)
        draw_smoke(pen.on(z=_object_z(person, arm)[0] - 1).at(center + way * thing.height / 2), rng)
        tilt = _angle_towards(way)
    else:
        center = hand + (0.1 * (person.view == "side"), -0.34 * thing.height)
    draw_thing(pen.on(z=_object_z(person, arm)[0]).at(center, tilt), thing)
    return center


def held_low(
    pen: Pen, person: Person, arm: int, thing: Thing, rng: np.random.Generator
) -> np.ndarray:
    """The thing in the hand of an arm that hangs down."""
    hand = person.hang(arm)
    z = _object_z(person, arm)[0]
    tilt = rng.uniform(-15, 15)
    if thing.category == "cigarette":
        way = unit(
            (0.8 if person.view == "side" else person.side(arm) * 0.8, rng.uniform(0.2, 0.8))
        )
        center, tilt = hand + way * thing.height * 0.42, _angle_towards(way)
        draw_smoke(pen.on(z=z - 1).at(center + way * thing.height / 2), rng)
    elif thing.category in ("document", "computer"):
        center = hand + (0, thing.height * 0.38)
    else:
        center = hand + (0, thing.height * 0.22)
    draw_thing(pen.on(z=z).at(center, tilt), thing)
    return center


def under_arm(pen: Pen, person: Person, arm: int, thing: Thing) -> np.ndarray:
    """The thing clamped between arm and hip."""
    side = 1.0 if person.view == "side" else person.side(arm)
    center = person.hip + (0.15 if person.view == "side" else side * 1.15, -0.75)
    hand = center + (0.3 * side, thing.height * 0.42)
    person.put_hand(arm, hand)
    z = Z_OBJECT - 8 if person.is_near(arm) else Z_FAR_OBJECT
    draw_thing(pen.on(z=z).at(center, 80 if thing.category == "computer" else 0), thing)
    return center


def in_both_hands(
    pen: Pen, person: Person, thing: Thing, rng: np.random.Generator, *, overhead: bool = False
) -> np.ndarray:
    """The thing between both hands, before the chest or above the head."""
    half = thing.width / 2
    if overhead:
        center = person.head.center + (0.1, -1.15 - thing.height / 2)
        for arm in (0, 1):
            person.put_hand(arm, center + (person.side(arm) * half * 0.85, 0.35))
    elif person.view == "side":
        center = person.neck + (1.75 + 0.2 * half, rng.uniform(0.5, 1.1))
        person.put_hand(1, center + (-half * 0.75, thing.height * 0.3))
        person.put_hand(0, center + (-half * 0.2, thing.height * 0.48))
    else:
        center = person.neck + (rng.uniform(-0.15, 0.15), 1.35 + thing.height / 2)
        for arm in (0, 1):
            person.put_hand(arm, center + (person.side(arm) * half * 0.92, 0.15))
    tilt = rng.uniform(-8, 8) + (14 if person.view == "side" and not overhead else 0)
    draw_thing(pen.on(z=Z_OBJECT).at(center, tilt), thing)
    return center
