"""What people do: one builder per activity, each returns a `Unit` with its annotated pairs.

The rule behind the verbs: a hand that grips a thing holds it, whatever else happens. `call` is a phone
at the ear; `play(cellphone)` a phone in the hand and `read` a document in the hands, and the gaze on
it; `smoke`, `drink`, `eat` a thing at the mouth; `ride` sitting on it; `kick` a stretched leg's foot at
the ball; `play(computer)` hands on the keyboard and the gaze on the computer. Typing does not grip.
"""

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
    under_arm,
)
from .heads import draw_look, unit as unit_vector
from .objects import draw_thing, make_thing
from .people import Z_LEGS, Z_OBJECT, Person
from .units import (
    TABLE_TOP,
    Unit,
    add_vehicle,
    draw_seat,
    draw_table,
    pick,
    put_on_table,
)
from .vehicles import FITS

SMALL = ("cellphone", "cigarette", "drink", "food", "document")
Z_TABLE = 60


def _person(
    rng, unit: Unit, views, poses=("standing", "standing", "walking", "sitting"), **kwargs
) -> int:
    """A person of a random view and pose; walking is drawn from the side only."""
    view = pick(rng, views)
    pose = pick(rng, [p for p in poses if p != "walking" or view == "side"])
    if pose == "sitting":
        draw_seat(unit.pen(), rng, view)
    return unit.add_person(Person(rng, draw_look(rng), view, pose, **kwargs))


def _finish(unit: Unit, human: int) -> Unit:
    unit.people[human].draw(unit.pen(human))
    return unit


def _maybe_second_thing(rng, unit: Unit, human: int, arm: int, first: str) -> None:
    """Sometimes the free hand holds something, too; sometimes it rests."""
    person = unit.people[human]
    chance = rng.random()
    if chance < 0.2:
        category = pick(rng, [c for c in SMALL if c != first])
        thing, index = make_thing(rng, category), unit.add(category)
        gesture = pick(rng, (held_low, in_front)) if person.view != "back" else held_low
        unit.centers[index] = gesture(unit.pen(index), person, arm, thing, rng)
        unit.pairs[human, index] = ("hold",)
    elif chance < 0.4 and person.view != "side":
        person.put_hand(arm, person.hip + (person.side(arm) * 0.75, -0.35))


def _maybe_table(rng, unit: Unit, human: int) -> None:
    """Sometimes a person who is seen from the front stands at a table with things on it."""
    person = unit.people[human]
    if person.view == "front" and person.pose == "standing" and rng.random() < 0.3:
        draw_table(unit.pen(), rng, -2.6, 2.6, z=Z_TABLE)
        for x in rng.permutation((-1.5, 1.5))[: int(rng.integers(1, 3))]:
            put_on_table(unit, rng, pick(rng, SMALL), x, Z_TABLE + 2)


def _small(activity: str, category: str, place: str, verbs: tuple[str, ...], gaze: str) -> Callable:
    """A builder: a small thing of ``category`` at ``place`` of one person."""

    def build(rng: np.random.Generator) -> Unit:
        unit = Unit(activity, crop=2.6)
        where = pick(rng, place.split("|"))
        views = ("front", "side")
        if where in ("ear", "low"):
            views = ("front", "side", "front", "side", "back")
        human = _person(rng, unit, views)
        person, arm = unit.people[human], int(rng.integers(2))
        if person.view == "side" and where in ("ear", "low"):
            arm = 1
        index = unit.add(category)
        pen, thing = unit.pen(index), make_thing(rng, category)
        look_anywhere(person, rng, near_face=where in ("ear", "mouth", "lips"))
        if where == "low" and person.pose == "sitting":
            where = "front"
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
        if where != "low" and gaze != "table":
            _maybe_table(rng, unit, human)
        return _finish(unit, human)

    return build


def _ride(category: str) -> Callable:
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
        return _finish(unit, human)

    return build


def _beside_vehicle(category: str, *, grips: bool) -> Callable:
    """A person stands next to a vehicle; ``grips``: a hand on it."""

    def build(rng: np.random.Generator) -> Unit:
        unit, fit = Unit(f"{'hold' if grips else 'near'} {category}"), FITS[category]
        human = _person(rng, unit, ("side", "front", "front"), ("standing",))
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
        return _finish(unit, human)

    return build


def _kick(rng: np.random.Generator) -> Unit:
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
    return _finish(unit, human)


def _hold_ball(rng: np.random.Generator) -> Unit:
    unit = Unit("hold ball", crop=2.0)
    human, ball = _person(rng, unit, ("front", "side")), unit.add("ball")
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
    return _finish(unit, human)


def _near_ball(rng: np.random.Generator) -> Unit:
    unit = Unit("near ball")
    human, ball = _person(rng, unit, ("side", "side", "front")), unit.add("ball")
    person, thing = unit.people[human], make_thing(rng, "ball")
    side = pick(rng, (-1, 1))
    center = np.array((side * rng.uniform(2.2, 3.4), -thing.height / 2))
    draw_thing(unit.pen(ball, Z_OBJECT).at(center, rng.uniform(0, 360)), thing)
    unit.centers[ball] = center
    look_anywhere(person, rng)
    return _finish(unit, human)


def _computer(activity: str, *, hands: bool, gaze: bool) -> Callable:
    """A computer on a table or on the lap; ``hands`` on the keyboard, ``gaze`` on the screen."""

    def build(rng: np.random.Generator) -> Unit:
        unit = Unit(activity, crop=1.5)
        where = pick(rng, ("table", "table", "lap", "front"))
        view = "front" if where == "front" else "side"
        human = _person(rng, unit, (view,), ("sitting",) if view == "side" else ("standing",))
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
        return _finish(unit, human)

    return build


def _carry_computer(rng: np.random.Generator) -> Unit:
    unit = Unit("hold computer", crop=1.5)
    human = _person(rng, unit, ("front", "side"), ("standing", "walking"))
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
    return _finish(unit, human)


def _idle(rng: np.random.Generator) -> Unit:
    unit = Unit("idle", crop=1.5)
    human = _person(rng, unit, ("front", "side", "back"))
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
    _maybe_table(rng, unit, human)
    return _finish(unit, human)


VERB_ACTIVITIES: dict[str, tuple[Callable, ...]] = {
    "smoke": (
        _small("smoke", "cigarette", "mouth", ("smoke", "hold"), "any"),
        _small("smoke", "cigarette", "lips", ("smoke",), "any"),
    ),
    "call": (_small("call", "cellphone", "ear", ("call", "hold"), "any"),),
    "play(cellphone)": (
        _small(
            "play(cellphone)",
            "cellphone",
            "front|front|out|both",
            ("play(cellphone)", "hold"),
            "on",
        ),
    ),
    "eat": (_small("eat", "food", "mouth", ("eat", "hold"), "any"),),
    "drink": (_small("drink", "drink", "mouth", ("drink", "hold"), "any"),),
    "ride": tuple(_ride(c) for c in ("bike", "motorbike", "horse")),
    "kick": (_kick,),
    "read": (_small("read", "document", "both|both|front", ("read", "hold"), "on"),),
    "play(computer)": (_computer("play(computer)", hands=True, gaze=True),),
}
"""Builders of each verb but hold, which comes with most of the others and with `HOLD_ACTIVITIES`."""

HOLD_ACTIVITIES: tuple[Callable, ...] = (
    _small("hold cellphone", "cellphone", "front|front|out|low", ("hold",), "away"),
    _small("hold cigarette", "cigarette", "front|low|out", ("hold",), "any"),
    _small("hold drink", "drink", "front|low|out", ("hold",), "any"),
    _small("hold food", "food", "front|low|out", ("hold",), "any"),
    _small("hold document", "document", "both|front|low", ("hold",), "away"),
    _hold_ball,
    _carry_computer,
    *(_beside_vehicle(c, grips=True) for c in ("bike", "motorbike", "horse")),
)
"""Somebody holds something and does no more with it."""

TEMPTING_ACTIVITIES: tuple[Callable, ...] = (
    _near_ball,
    _computer("ignore computer", hands=True, gaze=False),
    _computer("watch computer", hands=False, gaze=True),
    *(_beside_vehicle(c, grips=False) for c in ("bike", "motorbike", "horse")),
    _idle,
    _idle,
)
"""Nothing that has a verb, however much it may look like it."""
