"""One person and one small thing: phone, cigarette, drink, food, document."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .gestures import (
    at_ear,
    at_mouth,
    held_low,
    in_both_hands,
    in_front,
    look_anywhere,
    look_at,
    look_away,
)
from .heads import draw_look
from .objects import make_thing
from .people import Person
from .units import SMALL, Z_TABLE, Unit, draw_seat, draw_table, pick, put_on_table

POSES = ("standing", "standing", "walking", "sitting")
_LOOKED_AT = ("cellphone", "document")


def new_person(rng, unit: Unit, views, poses=POSES) -> int:
    """A person of a random view and pose; walking is drawn from the side only."""
    view = pick(rng, views)
    pose = pick(rng, [p for p in poses if p != "walking" or view == "side"])
    if pose == "sitting":
        draw_seat(unit.pen(), rng, view)
    return unit.add_person(Person(rng, draw_look(rng), view, pose))


def finish(unit: Unit, human: int) -> Unit:
    """Draw the person, whose pose is final now, and hand the unit back."""
    unit.people[human].draw(unit.pen(human))
    return unit


def _maybe_second_thing(rng, unit: Unit, human: int, arm: int, first: str) -> None:
    """Sometimes the free hand holds something, too; sometimes it rests."""
    # A phone or document before the chest might be looked at: those hang low.
    person = unit.people[human]
    chance = rng.random()
    if chance < 0.2:
        category = pick(rng, [c for c in SMALL if c != first])
        thing, index = make_thing(rng, category), unit.add(category)
        free_front = first in ("cigarette", "drink", "food") and category not in _LOOKED_AT
        gesture = pick(rng, (held_low, in_front if free_front else held_low))
        unit.centers[index] = gesture(unit.pen(index), person, arm, thing, rng)
        unit.pairs[human, index] = ("hold",)
    elif chance < 0.4 and person.view != "side":
        person.put_hand(arm, person.hip + (person.side(arm) * 0.75, -0.35))


def maybe_table(rng, unit: Unit, human: int) -> None:
    """Sometimes a person who is seen from the front stands at a table with things on it."""
    person = unit.people[human]
    if person.view == "front" and person.pose == "standing" and rng.random() < 0.3:
        draw_table(unit.pen(), rng, -2.6, 2.6, z=Z_TABLE)
        for x in rng.permutation((-1.5, 1.5))[: int(rng.integers(1, 3))]:
            put_on_table(unit, rng, pick(rng, SMALL), x, Z_TABLE + 2)


def with_small_thing(
    activity: str, category: str, place: str, verbs: tuple[str, ...], gaze: str
) -> Callable:
    """A builder: one person with one small thing.

    Args:
        activity: the unit's word for it.
        category: of the thing.
        place: where the thing is, one of the places that are joined by ``|``: "ear", "mouth" (in a
            hand), "lips" (in no hand), "front", "out" (at arm's length), "low", "both" (hands).
        verbs: of the pair.
        gaze: "on" the thing, "away" from it, or "any".
    """

    def build(rng: np.random.Generator) -> Unit:
        unit = Unit(activity, crop=2.6)
        where = pick(rng, place.split("|"))
        views = ("front", "side")
        if where in ("ear", "low"):
            views = ("front", "side", "front", "side", "back")
        poses = ("standing", "walking") if where == "low" else POSES
        human = new_person(rng, unit, views, poses)
        person, arm = unit.people[human], int(rng.integers(2))
        if person.view == "side" and where in ("ear", "low"):
            arm = 1
        index = unit.add(category)
        pen, thing = unit.pen(index), make_thing(rng, category)
        look_anywhere(person, rng, near_face=where in ("ear", "mouth", "lips"))
        if where == "ear":
            center = at_ear(pen, person, arm, thing, rng)
        elif where in ("mouth", "lips"):
            person.mouth_open = category in ("food", "drink")
            center = at_mouth(pen, person, arm if where == "mouth" else None, thing, rng)
        elif where == "low":
            center = held_low(pen, person, arm, thing, rng)
        elif where == "both":
            center = in_both_hands(pen, person, thing, rng)
        else:
            center = in_front(pen, person, arm, thing, rng, out=where == "out")
        if gaze == "on":
            look_at(person, center)
        elif gaze == "away":
            look_away(person, rng, center)
        unit.centers[index] = center
        unit.pairs[human, index] = verbs
        if where != "both":
            _maybe_second_thing(rng, unit, human, 1 - arm, category)
        if where != "low":
            maybe_table(rng, unit, human)
        return finish(unit, human)

    return build
