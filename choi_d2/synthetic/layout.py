"""Which units a scene has, and where they stand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .activities import (
    HOLD_ACTIVITIES,
    LOOK_AWAY_ACTIVITIES,
    POSTURE_ACTIVITIES,
    TEMPTING_ACTIVITIES,
    VERB_ACTIVITIES,
)
from .scene import SceneStyle
from .units import Unit, loose_unit, pick, table_unit
from .vehicles import FITS

_TABLE_THINGS = ("cellphone", "cigarette", "drink", "food", "document", "computer")
_GROUND_THINGS = ("ball", "bike", "motorbike", "horse")
# What one rides has only one verb's people; here it makes up for that.
_LOOSE_THINGS = (*_TABLE_THINGS, *_GROUND_THINGS, *FITS)

_ROW_STEP = 0.28
"""From a row's ground to the next one's, as a share of the picture's height."""


@dataclass
class Placed:
    """A unit and its way into the picture: image = offset + scale * (-x if mirror else x, y)."""

    unit: Unit
    scale: float
    mirror: bool
    offset: np.ndarray
    first: int = 0

    def to_image(self, points) -> np.ndarray:
        """Points (..., 2) of the unit's frame in pixels."""
        sign = -1.0 if self.mirror else 1.0
        return np.asarray(points, float) * (sign * self.scale, self.scale) + self.offset


def choose_units(rng: np.random.Generator, style: SceneStyle, verb: str | None) -> list[Unit]:
    """The units of a scene: one per person, then places with loose things.

    Args:
        verb: a key of `VERB_ACTIVITIES` that the first person does.
    """
    units = []
    weights = np.array((style.verb, style.hold, style.tempting))
    for k in range(1 + int(rng.choice(len(style.people), p=style.people))):
        kind = int(rng.choice(3, p=weights / weights.sum()))
        if k == 0 and verb is not None:
            build = pick(rng, VERB_ACTIVITIES[verb])
        elif kind == 0 or (k == 0 and style.one_acts):
            build = pick(rng, pick(rng, list(VERB_ACTIVITIES.values())))
        elif style.posture and rng.random() < style.posture:
            build = pick(rng, POSTURE_ACTIVITIES)
        elif style.look_away and rng.random() < style.look_away:
            build = pick(rng, LOOK_AWAY_ACTIVITIES)
        else:
            build = pick(rng, HOLD_ACTIVITIES if kind == 1 else TEMPTING_ACTIVITIES)
        units.append(build(rng))
    used = [c for unit in units for c in unit.categories if c != "person"]
    for _ in range(int(rng.choice(len(style.loose), p=style.loose))):
        # Half of the loose things are of a kind that somebody in the picture uses.
        first = pick(rng, used) if used and rng.random() < 0.5 else pick(rng, _LOOSE_THINGS)
        if first in _GROUND_THINGS:
            units.append(loose_unit(rng, first))
        else:
            more = [pick(rng, _TABLE_THINGS)] if rng.random() < 0.4 else []
            units.append(table_unit(rng, [first, *more]))
    return units


def place(rng, units: list[Unit], size: tuple[int, int], style: SceneStyle) -> list[Placed] | None:
    """In the style's rows, side by side in random order, or None where that does not fit."""
    if style.rows == 1:
        return _place_row(rng, units, size, style)
    placed = []
    for k, members in enumerate(np.array_split(rng.permutation(len(units)), style.rows)):
        raised = k * _ROW_STEP * size[1]
        row = (
            _place_row(rng, [units[m] for m in members], size, style, raised)
            if len(members)
            else []
        )
        if row is None:
            return None
        placed += row
    return placed


def _place_row(
    rng, units: list[Unit], size: tuple[int, int], style: SceneStyle, raised: float = 0.0
) -> list[Placed] | None:
    """A row; ``raised``: pixels that its ground lies above the first row's."""
    width, height = size
    zoom = min(width / 320, height / 240)
    extents = [unit.extent() for unit in units]
    spans = np.array([right - left for left, right, _ in extents])
    low, high = (r * zoom for r in style.head_radius)
    close_up = rng.random() < style.close_up and all(unit.crop > 0 for unit in units)
    if close_up:
        high *= 1.2
    room = width * (1 + style.overlap)
    tallest = 0.97 * (height - raised)
    fits = min(high, room / spans.sum(), *(tallest / -top for _, _, top in extents))
    if close_up:
        fits = min(high, room / spans.sum())
    if fits < low:
        return None
    radius = rng.uniform(max(low, 0.8 * fits), fits)
    order = rng.permutation(len(units))
    gaps = rng.dirichlet(np.ones(len(units) + 1)) * max(width - spans.sum() * radius, 0)
    squeeze = min(1.0, width / (spans.sum() * radius))
    cursor, placed = gaps[0], []
    for k, gap in zip(order, gaps[1:], strict=True):
        left, right, top = extents[k]
        scale = radius * rng.uniform(0.93, 1.0)
        mirror = bool(rng.random() < 0.5)
        span = spans[k] * radius * squeeze
        middle = cursor + span / 2 + rng.uniform(-0.04, 0.04) * span
        cursor += span + gap
        x = middle - (-(left + right) if mirror else (left + right)) / 2 * scale
        if close_up:
            y = height + units[k].crop * scale * rng.uniform(0.4, 1.0)
        else:
            y = height * rng.uniform(0.9, 0.985) - raised
        if y + top * scale < -0.01 * height:
            y = -top * scale + 0.01 * height
        placed.append(Placed(units[k], scale, mirror, np.array((x, y))))
    return placed
