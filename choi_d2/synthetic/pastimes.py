"""People with balls and computers, and people who do nothing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .gestures import (
    held_low,
    in_both_hands,
    in_front,
    look_anywhere,
    look_at,
    look_away,
    under_arm,
)
from .handheld import finish, maybe_table, new_person
from .heads import draw_look
from .heads import unit as unit_vector
from .objects import draw_thing, make_thing
from .people import Z_OBJECT, Person
from .units import TABLE_TOP, Z_TABLE, Unit, draw_table, pick


def kick(rng: np.random.Generator) -> Unit:
    """A stretched leg, its foot at the ball."""
    unit = Unit("kick")
    person = Person(rng, draw_look(rng), "side", "kicking")
    human, ball = unit.add_person(person), unit.add("ball")
    person.feet[1] = person.feet[0] + (rng.uniform(2.3, 3.0), rng.uniform(-1.5, -0.4))
    look_anywhere(person, rng)
    thing = make_thing(rng, "ball")
    toe = person.toe(1)
    radius = thing.height / 2
    center = toe + unit_vector((1.0, rng.uniform(-0.5, 0.1))) * (radius + rng.uniform(0.1, 0.35))
    center[1] = min(center[1], -radius)
    draw_thing(unit.pen(ball, Z_OBJECT).at(center, rng.uniform(0, 360)), thing)
    unit.centers[ball] = center
    unit.pairs[human, ball] = ("kick",)
    if rng.random() < 0.4:
        look_at(person, center)
    return finish(unit, human)


def hold_ball(rng: np.random.Generator) -> Unit:
    """A ball in one hand, both hands, over the head or under the arm."""
    unit = Unit("hold ball", crop=2.0)
    human, ball = new_person(rng, unit, ("front", "side")), unit.add("ball")
    person, thing = unit.people[human], make_thing(rng, "ball")
    look_anywhere(person, rng)
    pen = unit.pen(ball)
    way = pick(rng, ("both", "both", "overhead", "arm", "one"))
    if way == "arm" and person.view == "front" and person.pose == "standing":
        center = under_arm(pen, person, int(rng.integers(2)), thing)
    elif way == "one":
        center = in_front(pen, person, int(rng.integers(2)), thing, rng, out=True)
    else:
        center = in_both_hands(pen, person, thing, rng, overhead=way == "overhead")
    unit.centers[ball] = center
    unit.pairs[human, ball] = ("hold",)
    return finish(unit, human)


def near_ball(rng: np.random.Generator) -> Unit:
    """A ball lies beside somebody who has nothing to do with it."""
    unit = Unit("near ball")
    poses = ("standing", "walking", "sitting", "kicking", "kicking")
    view = pick(rng, ("side", "side", "front"))
    human = new_person(rng, unit, (view,), poses if view == "side" else ("standing", "sitting"))
    ball = unit.add("ball")
    person, thing = unit.people[human], make_thing(rng, "ball")
    # Who kicks the air has the ball behind.
    side = -1 if person.pose == "kicking" else pick(rng, (-1, 1))
    center = np.array((side * rng.uniform(2.2, 3.4), -thing.height / 2))
    draw_thing(unit.pen(ball, Z_OBJECT).at(center, rng.uniform(0, 360)), thing)
    unit.centers[ball] = center
    look_anywhere(person, rng)
    return finish(unit, human)


def at_computer(activity: str, *, hands: bool, gaze: bool) -> Callable:
    """A computer on a table or on the lap; ``hands`` on the keyboard, ``gaze`` on the screen."""

    def build(rng: np.random.Generator) -> Unit:
        unit = Unit(activity, crop=1.5)
        where = pick(rng, ("table", "table", "lap", "front"))
        view = "front" if where == "front" else "side"
        human = new_person(rng, unit, (view,), ("sitting",) if view == "side" else ("standing",))
        person, computer = unit.people[human], unit.add("computer")
        thing = make_thing(rng, "computer", "lid" if view == "front" else "open")
        if where == "front":
            draw_table(unit.pen(), rng, -2.8, 2.8, z=Z_TABLE)
            center = np.array((rng.uniform(-0.3, 0.3), TABLE_TOP + 0.15 - thing.height / 2))
            keys = [center + (s * thing.width * 0.56, thing.height * 0.4) for s in (-1, 1)]
            z, z_arm = Z_TABLE + 2, Z_TABLE + 4
        elif where == "table":
            draw_table(unit.pen(), rng, 1.15, 5.0, z=18, front=False)
            center = np.array((rng.uniform(2.75, 3.0), TABLE_TOP - thing.height / 2 + 0.05))
            keys = [center + (-thing.width * x, thing.height * 0.36) for x in (0.22, 0.4)]
            z, z_arm = 22, None
        else:
            center = person.hip + (1.75, -0.5 - thing.height / 2)
            keys = [center + (-thing.width * x, thing.height * 0.36) for x in (0.22, 0.4)]
            z, z_arm = 42, None
        draw_thing(unit.pen(computer, z).at(center), thing)
        if hands:
            for arm in (0, 1):
                person.put_hand(arm, keys[arm], z=z_arm if arm == 1 or view == "front" else 23)
        elif where == "front":
            for arm in (0, 1):
                person.put_hand(arm, person.hip + (person.side(arm) * 0.8, -0.4))
        if gaze:
            look_at(person, center)
        else:
            look_away(person, rng, center)
        unit.centers[computer] = center
        if hands and gaze:
            unit.pairs[human, computer] = ("play(computer)",)
        return finish(unit, human)

    return build


def carry_computer(rng: np.random.Generator) -> Unit:
    """A computer under the arm or in the hands, not looked at."""
    unit = Unit("hold computer", crop=1.5)
    human = new_person(rng, unit, ("front", "side"), ("standing", "walking"))
    person, computer = unit.people[human], unit.add("computer")
    pen, arm = unit.pen(computer), 1 if person.view == "side" else int(rng.integers(2))
    look_anywhere(person, rng)
    way = pick(rng, ("arm", "both", "low"))
    if way == "arm":
        center = under_arm(pen, person, arm, make_thing(rng, "computer", "closed"))
    elif way == "low":
        center = held_low(pen, person, arm, make_thing(rng, "computer", "closed"), rng)
    else:
        kind = pick(rng, ("open", "closed", "lid"))
        center = in_both_hands(pen, person, make_thing(rng, "computer", kind), rng)
        look_away(person, rng, center)
    unit.centers[computer] = center
    unit.pairs[human, computer] = ("hold",)
    return finish(unit, human)


def idle(rng: np.random.Generator) -> Unit:
    """Somebody who does nothing."""
    unit = Unit("idle", crop=1.5)
    human = new_person(rng, unit, ("front", "side", "back"))
    person = unit.people[human]
    look_anywhere(person, rng)
    habit = pick(rng, ("hang", "hips", "wave", "chin"))
    arm = int(rng.integers(2))
    if person.view == "front" or (person.view == "back" and habit != "chin"):
        if habit == "hips":
            for a in (0, 1):
                person.put_hand(a, person.hip + (person.side(a) * 0.75, -0.35))
        elif habit == "wave":
            person.put_hand(arm, person.shoulders[arm] + (person.side(arm) * 1.2, -2.2))
        elif habit == "chin":
            person.put_hand(arm, person.head.center + (person.side(arm) * 0.6, 1.1))
    elif person.view == "side" and habit in ("wave", "chin"):
        person.put_hand(1, person.shoulders[1] + ((1.4, -1.9) if habit == "wave" else (1.1, -0.5)))
    maybe_table(rng, unit, human)
    return finish(unit, human)
