"""People on bikes, motorbikes and horses, and people who stand beside one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .gestures import at_ear, at_mouth, look_anywhere
from .handheld import finish, new_person
from .heads import draw_look
from .objects import make_thing
from .people import Z_LEGS, Person
from .units import Z_TABLE, Unit, add_vehicle, pick
from .vehicles import FITS


def riding(category: str) -> Callable:
    """A builder: somebody rides, with or without a hand on the grip, maybe doing more."""

    def build(rng: np.random.Generator) -> Unit:
        unit, fit = Unit(f"ride {category}"), FITS[category]
        look = draw_look(rng)
        person = Person(
            rng, look, "side", "riding", hip=fit.saddle, lean=fit.lean + rng.uniform(-4, 4)
        )
        human = unit.add_person(person)
        vehicle = add_vehicle(unit, rng, category, (0.0, 0.0), Z_LEGS - 2)
        wobble = rng.uniform(-0.3, 0.3)
        person.feet = [
            np.array(fit.foot) + (-0.5, -0.3 - wobble),
            np.array(fit.foot) + (0.0, wobble),
        ]
        look_anywhere(person, rng)
        verbs = ["ride"]
        style = rng.random()
        if style < 0.7:
            verbs.append("hold")
            for arm in (0, 1) if style < 0.5 else (0,):
                person.put_hand(arm, np.array(fit.grip) + (0.05 * arm, 0))
        if style >= 0.5:
            if rng.random() < 0.55:
                gesture, category_, more = pick(
                    rng,
                    (
                        (at_ear, "cellphone", ("call", "hold")),
                        (at_mouth, "drink", ("drink", "hold")),
                        (at_mouth, "cigarette", ("smoke", "hold")),
                        (at_mouth, "food", ("eat", "hold")),
                    ),
                )
                look_anywhere(person, rng, near_face=True)
                index = unit.add(category_)
                thing = make_thing(rng, category_)
                unit.centers[index] = gesture(unit.pen(index), person, 1, thing, rng)
                unit.pairs[human, index] = more
            else:
                person.put_hand(
                    1, person.shoulders[1] + pick(rng, ((1.0, -2.3), (-0.2, 2.4), (2.2, -0.9)))
                )
        unit.pairs[human, vehicle] = tuple(verbs)
        return finish(unit, human)

    return build


def beside_vehicle(category: str, *, grips: bool) -> Callable:
    """A person stands next to a vehicle; ``grips``: a hand on it."""

    def build(rng: np.random.Generator) -> Unit:
        unit, fit = Unit(f"{'hold' if grips else 'near'} {category}"), FITS[category]
        human = new_person(rng, unit, ("side", "front", "front"), ("standing",))
        person = unit.people[human]
        before = bool(rng.random() < 0.5) or category == "horse"
        look_anywhere(person, rng)
        if grips:
            arm = 1 if person.view == "side" else int(rng.integers(2))
            reach = (
                np.array((1.55, 1.75)) if person.view == "side" else (person.side(arm) * 1.3, 1.7)
            )
            target = person.shoulders[arm] + reach
            grip = pick(rng, (fit.grip, (fit.saddle[0], fit.saddle[1] + 0.15)))
            center = np.array((target[0] - grip[0], 0.0))
            target = np.array((target[0], grip[1]))
            z = 3 if before else Z_TABLE
            vehicle = add_vehicle(unit, rng, category, center, z)
            person.put_hand(arm, target, z=Z_TABLE + 3 if not before else None)
            unit.pairs[human, vehicle] = ("hold",)
        else:
            away = pick(rng, (-1, 1))
            gap = (-fit.back if away > 0 else fit.front) + rng.uniform(-0.2, 1.0)
            add_vehicle(unit, rng, category, (away * gap, 0.0), pick(rng, (3, Z_TABLE)))
        return finish(unit, human)

    return build
