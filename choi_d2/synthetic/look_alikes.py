"""Postures that are those of kick and ride, but for where head and trunk face.

Seen as a silhouette, a leg that is stretched behind somebody who looks to the left is a kick to the
right, and who sits on a bike the wrong way round has the rider's legs. Neither foot nor hand nor
head tells alone.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .gestures import look_anywhere
from .handheld import finish
from .heads import draw_look
from .heads import unit as unit_vector
from .objects import draw_thing, make_thing
from .people import Z_LEGS, Z_OBJECT, Person
from .units import Unit, add_vehicle
from .vehicles import FITS


def kick_backwards(rng: np.random.Generator) -> Unit:
    """A leg stretched behind the body, its heel at a ball: no kick."""
    unit = Unit("near ball, leg behind")
    person = Person(rng, draw_look(rng), "side", "kicking", lean=14.0 + rng.uniform(-3, 3))
    human, ball = unit.add_person(person), unit.add("ball")
    person.feet[0] = person.hip * (1, 0) + (0.35, -0.3)
    person.feet[1] = person.feet[0] - (rng.uniform(2.3, 3.0), rng.uniform(0.4, 1.5))
    look_anywhere(person, rng, near_face=True)
    thing = make_thing(rng, "ball")
    radius = thing.height / 2
    way = unit_vector((-1.0, rng.uniform(-0.5, 0.1)))
    center = person.feet[1] + way * (radius + rng.uniform(0.35, 0.6))
    center[1] = min(center[1], -radius)
    draw_thing(unit.pen(ball, Z_OBJECT).at(center, rng.uniform(0, 360)), thing)
    unit.centers[ball] = center
    return finish(unit, human)


def sit_backwards(category: str) -> Callable:
    """A builder: somebody sits on a vehicle, facing its back, maybe with a hand on the grip."""

    def build(rng: np.random.Generator) -> Unit:
        unit, fit = Unit(f"sit on {category}"), FITS[category]
        mirrored = np.array((-1.0, 1.0))
        hip = mirrored * fit.saddle
        person = Person(
            rng, draw_look(rng), "side", "riding", hip=hip, lean=-fit.lean + rng.uniform(-4, 4)
        )
        human = unit.add_person(person)
        vehicle = add_vehicle(unit, rng, category, (0.0, 0.0), Z_LEGS - 2, mirror=True)
        wobble = rng.uniform(-0.3, 0.3)
        foot = mirrored * fit.foot
        person.feet = [foot + (0.5, -0.3 - wobble), foot + (0.0, wobble)]
        look_anywhere(person, rng, near_face=True)
        style = rng.random()
        if style < 0.7:
            for arm in (0, 1) if style < 0.5 else (0,):
                person.put_hand(arm, mirrored * fit.grip - (0.05 * arm, 0))
            unit.pairs[human, vehicle] = ("hold",)
        return finish(unit, human)

    return build
