"""A unit: what is drawn together, in one frame: a person with what they use, or loose things."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from choi_d2.categories.hoiw import OBJECTS

from .canvas import NOBODY, Color, Pen, Shape, hull, rectangle, shade
from .objects import Thing, draw_thing, make_thing
from .people import Person
from .vehicles import draw_vehicle, vehicle_color

_WOODS = ((60, 100, 150), (90, 130, 175), (50, 70, 95), (190, 190, 190))
SMALL = ("cellphone", "cigarette", "drink", "food", "document")
Z_TABLE = 60
TABLE_TOP = -3.75
"""y of the middle of a table's upper side."""


@dataclass
class Unit:
    """Shapes and ground truth in the unit's own frame (origin on the ground, unit: head's radius).

    Attributes:
        categories: category name of each instance; instance i is the owner number i + 1.
        people: the person of each human instance, by instance index.
        pairs: {(human, object): verbs}, instance indices.
        centers: (x, y) of the middle of handled things, by instance index.
        activity: the word for what goes on.
        crop: how far below the picture's lower edge the ground may lie, in head radii.
    """

    activity: str
    shapes: list[Shape] = field(default_factory=list)
    categories: list[str] = field(default_factory=list)
    people: dict[int, Person] = field(default_factory=dict)
    pairs: dict[tuple[int, int], tuple[str, ...]] = field(default_factory=dict)
    centers: dict[int, np.ndarray] = field(default_factory=dict)
    crop: float = 0.0

    def pen(self, instance: int | None = None, z: float = 0.0) -> Pen:
        """A pen for an instance, or for what belongs to nobody."""
        return Pen(self.shapes, NOBODY if instance is None else instance + 1, z)

    def add(self, category: str) -> int:
        """A new instance; returns its index."""
        assert category in OBJECTS, category
        self.categories.append(category)
        return len(self.categories) - 1

    def add_person(self, person: Person) -> int:
        """A new human instance; draw it yourself, once its pose is final."""
        index = self.add("person")
        self.people[index] = person
        return index

    def extent(self) -> tuple[float, float, float]:
        """Leftmost x, rightmost x and uppermost y of what is drawn."""
        points = np.concatenate([shape.points for shape in self.shapes])
        return float(points[:, 0].min()), float(points[:, 0].max()), float(points[:, 1].min())


def pick(rng: np.random.Generator, options):
    """One of the options."""
    return options[int(rng.integers(len(options)))]


def draw_table(
    pen: Pen, rng: np.random.Generator, left: float, right: float, *, z: float, front: bool = True
) -> None:
    """A table between two x; ``front`` has its upper side seen from above."""
    wood = pick(rng, _WOODS)
    pen = pen.on(z=z)
    depth = 0.5 if front else 0.3
    top = rectangle(((left + right) / 2, TABLE_TOP), right - left, depth)
    for x in (left + 0.3, right - 0.3):
        pen.fill(rectangle((x, TABLE_TOP / 2), 0.32, -TABLE_TOP), shade(wood, 0.7))
    pen.fill(top, shade(wood, 1.25), outline=True)
    board = rectangle(((left + right) / 2, TABLE_TOP + depth / 2 + 0.14), right - left, 0.28)
    pen.fill(board, wood, outline=True)


def draw_seat(pen: Pen, rng: np.random.Generator, view: str, *, z: float = 2) -> None:
    """What a sitting person sits on: chair, stool or bench."""
    wood, pen = pick(rng, _WOODS), pen.on(z=z)
    style = pick(rng, ("chair", "stool", "bench"))
    y = -1.95
    if view == "side":
        legs, width, center = (-0.7, 0.75), 1.9, 0.05
        if style == "chair":
            pen.limb((-0.85, y), (-1.05, -4.6), 0.16, 0.16, wood, outline=True)
    else:
        width, center = (5.0 if style == "bench" else 2.6), 0.0
        legs = (-width / 2 + 0.3, width / 2 - 0.3)
        if style != "stool":
            pen.fill(rectangle((0, -3.6), width, 0.5), wood, outline=True)
            for x in legs:
                pen.fill(rectangle((x, -2.9), 0.25, 1.9), shade(wood, 0.75))
    for x in legs:
        pen.fill(rectangle((x, y / 2), 0.28, -y), shade(wood, 0.7))
    pen.fill(
        hull([((center + s * (width / 2 - 0.2), y), 0.22) for s in (-1, 1)]), wood, outline=True
    )


def put_on_table(unit: Unit, rng: np.random.Generator, category: str, x: float, z: float) -> int:
    """A thing on the table at ``x``; nobody uses it."""
    kind = pick(rng, ("open", "lid", "closed")) if category == "computer" else None
    thing = make_thing(rng, category, kind)
    flat = category in ("cellphone", "cigarette")
    angle, half = (90.0, thing.width / 2) if flat else (0.0, thing.height / 2)
    if category == "cellphone":
        angle, half = rng.uniform(55, 125), thing.width * 0.45
    index = unit.add(category)
    center = np.array((x, TABLE_TOP + 0.1 - half))
    draw_thing(unit.pen(index, z).at(center, angle), thing)
    unit.centers[index] = center
    return index


def add_vehicle(
    unit: Unit, rng: np.random.Generator, category: str, center, z: float, *, mirror: bool = False
) -> int:
    """A vehicle (or horse) whose origin lies at ``center``; returns its instance index.

    Args:
        mirror: it faces -x.
    """
    index = unit.add(category)
    pen = unit.pen(index, z).at(center, mirror=mirror)
    draw_vehicle(pen, category, vehicle_color(rng, category), float(rng.random()))
    unit.centers[index] = np.asarray(center, dtype=float)
    return index


def table_unit(rng: np.random.Generator, categories: list[str]) -> Unit:
    """A table with things that nobody uses."""
    unit = Unit("table")
    width = 1.6 + 2.4 * len(categories)
    draw_table(unit.pen(), rng, -width / 2, width / 2, z=0)
    for k, category in enumerate(categories):
        x = (k + 0.5) / len(categories) * (width - 0.8) - (width - 0.8) / 2
        put_on_table(unit, rng, category, x + rng.uniform(-0.2, 0.2), z=5)
    return unit


def loose_unit(rng: np.random.Generator, category: str) -> Unit:
    """A ball that lies, or a vehicle that stands around."""
    unit = Unit("loose")
    if category == "ball":
        thing: Thing = make_thing(rng, "ball")
        index = unit.add("ball")
        draw_thing(unit.pen(index).at((0, -thing.height / 2), rng.uniform(0, 360)), thing)
    else:
        add_vehicle(unit, rng, category, (0.0, 0.0), 0)
    return unit


def ground_shadow(pen: Pen, color: Color, half_width: float) -> None:
    """A flat shadow around the origin."""
    pen.on(owner=NOBODY, z=-10).fill(
        hull([((s * max(half_width - 0.2, 0.3), 0.0), 0.24) for s in (-1, 1)]), color
    )
