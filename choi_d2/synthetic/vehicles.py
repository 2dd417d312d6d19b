"""What one rides: bike, motorbike, horse. They face +x; the origin is on the ground, mid-way.

`FITS` has the points where riders and people who stand by touch them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .canvas import Color, Pen, ellipse, hull, rectangle, shade


class Fit(NamedTuple):
    """Where a rider touches a vehicle, and how far it reaches; the unit is a head's radius."""

    saddle: tuple[float, float]  # the hip of a rider
    grip: tuple[float, float]  # handlebar or reins
    foot: tuple[float, float]  # pedal, peg, stirrup
    lean: float  # degrees the rider leans forward
    back: float  # x of the rear end
    front: float  # x of the front end


FITS = {
    "bike": Fit((-0.15, -3.75), (2.0, -4.05), (0.55, -0.75), 16.0, -3.4, 3.6),
    "motorbike": Fit((-0.3, -3.05), (1.75, -3.85), (0.75, -1.0), 8.0, -3.9, 3.9),
    "horse": Fit((-0.1, -4.45), (1.75, -5.1), (0.55, -2.1), 0.0, -3.1, 4.3),
}
# fmt: off
_COLORS = {
    "bike": ((40, 40, 220), (200, 120, 20), (60, 160, 50), (30, 190, 240), (160, 60, 150)),
    "motorbike": ((35, 35, 200), (180, 80, 20), (40, 150, 240), (60, 120, 40), (60, 60, 60)),
    "horse": ((35, 65, 110), (50, 90, 150), (40, 42, 52), (205, 210, 215), (95, 130, 165)),
}
# fmt: on


def vehicle_color(rng: np.random.Generator, category: str) -> Color:
    """A random colour that suits the category."""
    colors = _COLORS[category]
    return colors[rng.integers(len(colors))]


def draw_vehicle(pen: Pen, category: str, color: Color, stride: float) -> None:
    """Draw a vehicle; ``stride`` in [0, 1) turns wheels and moves a horse's legs."""
    {"bike": _bike, "motorbike": _motorbike, "horse": _horse}[category](pen, color, stride)


def _wheel(pen: Pen, center, radius: float, tyre: float, turn: float, spokes: int) -> None:
    rim = ellipse(center, radius, radius)
    pen.line(np.concatenate([rim, rim[:1]]), (30, 30, 32), tyre)
    for k in range(spokes):
        angle = np.pi * (k / spokes + turn)
        way = np.array((np.cos(angle), np.sin(angle))) * radius
        pen.line([np.asarray(center) - way, np.asarray(center) + way], (150, 150, 150), 0.07)


def _bike(pen: Pen, color: Color, turn: float) -> None:
    rear, front, crank = np.array((-1.95, -1.5)), np.array((2.15, -1.5)), np.array((0.05, -1.35))
    seat, head = np.array((-0.4, -3.35)), np.array((1.55, -3.3))
    for hub in (rear, front):
        _wheel(pen, hub, 1.36, 0.22, turn, 4)
    for start, end in (
        (rear, crank),
        (rear, seat),
        (crank, seat),
        (crank, head),
        (seat, head),
        (head, front),
    ):
        pen.line([start, end], shade(color, 0.6), 0.34)
        pen.line([start, end], color, 0.22)
    pen.line([head, (1.45, -3.85)], color, 0.22)
    pen.line([(1.3, -3.95), (2.0, -3.95), (2.05, -3.7)], (40, 40, 40), 0.22)
    pen.limb((-0.85, -3.5), (0.05, -3.48), 0.2, 0.13, (30, 30, 30))
    way = 0.65 * np.array((np.cos(6.28 * turn), np.sin(6.28 * turn)))
    pen.disc(crank, 0.35, (120, 120, 120))
    pen.line([crank - way, crank + way], (60, 60, 60), 0.16)


def _motorbike(pen: Pen, color: Color, turn: float) -> None:
    rear, front = np.array((-2.3, -1.35)), np.array((2.5, -1.35))
    for hub in (rear, front):
        pen.disc(hub, 1.35, (32, 32, 34))
        pen.disc(hub, 0.78, (165, 165, 165))
        _wheel(pen, hub, 0.75, 0.12, turn, 2)
        pen.disc(hub, 0.25, (60, 60, 60))
    pen.line([front, (1.6, -3.6)], (175, 175, 180), 0.34)
    pen.fill(
        hull([((-0.5, -1.3), 0.5), ((0.9, -1.3), 0.5), ((0.2, -2.0), 0.4)]),
        (105, 105, 110),
        outline=True,
    )
    for y in (-1.75, -1.45, -1.15):
        pen.line([(-0.4, y), (0.8, y)], (60, 60, 62), 0.12)
    pen.limb((-3.5, -0.95), (0.1, -0.75), 0.27, 0.16, (200, 200, 205), outline=True)
    pen.fill(
        hull([((-3.0, -2.75), 0.25), ((-1.2, -2.4), 0.45), ((0.1, -2.2), 0.3)]), color, outline=True
    )
    pen.fill(
        hull([((0.1, -2.7), 0.4), ((1.3, -3.0), 0.5), ((1.4, -2.4), 0.3)]), color, outline=True
    )
    pen.fill(hull([((-2.3, -3.0), 0.2), ((-0.9, -2.8), 0.2), ((0.0, -2.8), 0.18)]), (28, 28, 30))
    pen.fill(hull([((1.7, -3.3), 0.3), ((2.1, -2.6), 0.25)]), color, outline=True)
    pen.disc((2.15, -3.15), 0.36, (120, 240, 255), outline=True)
    pen.line([(1.2, -3.95), (1.8, -3.75), (1.75, -3.4)], (40, 40, 40), 0.24)
    fender = ellipse(front, 1.5, 1.5)[14:21]
    pen.line(fender, color, 0.3)
    pen.fill(rectangle((-3.35, -2.65), 0.4, 0.35), (40, 40, 235))


def _horse(pen: Pen, color: Color, stride: float) -> None:
    dark, mane = shade(color, 0.72), (35, 38, 45) if sum(color) > 200 else (120, 150, 180)
    swing = 0.55 * np.sin(6.28 * stride)
    for x, k, leg_color in (
        (-1.75, -1, dark),
        (1.45, 1, dark),
        (-1.35, 1, color),
        (1.75, -1, color),
    ):
        knee = np.array((x + 0.5 * k * swing + (0.15 if x > 0 else -0.15), -1.55))
        hoof = np.array((x + k * swing, -0.22))
        pen.limb((x, -3.0), knee, 0.5, 0.3, leg_color, outline=True)
        pen.limb(knee, hoof, 0.28, 0.22, leg_color, outline=True)
        pen.limb(hoof, hoof + (0.12, 0.05), 0.24, 0.2, (40, 40, 45))
    pen.line([(-2.35, -3.9), (-2.9, -3.5), (-2.95, -2.4), (-2.75, -1.7)], mane, 0.5)
    pen.fill(
        hull([((-1.6, -3.55), 0.92), ((1.5, -3.55), 0.9), ((0, -3.25), 0.95)]), color, outline=True
    )
    pen.fill(hull([((1.5, -3.8), 0.75), ((2.75, -5.75), 0.42)]), color, outline=True)
    pen.line([(1.35, -4.75), (1.9, -5.4), (2.35, -6.15)], mane, 0.5)
    pen.fill(hull([((2.85, -5.85), 0.52), ((3.85, -5.15), 0.34)]), color, outline=True)
    for x in (2.5, 2.8):
        pen.fill(np.array([(x - 0.17, -6.2), (x + 0.2, -6.25), (x + 0.05, -6.85)]), dark)
    pen.disc((3.0, -5.95), 0.13, (15, 15, 15))
    pen.disc((4.0, -5.15), 0.09, (20, 20, 30))
    strap = (30, 40, 130)
    pen.line([(3.35, -6.0), (3.45, -5.05)], strap, 0.12)
    pen.line([(3.45, -5.1), (1.75, -5.1)], strap, 0.12)
    pen.fill(
        hull([((-0.7, -4.35), 0.22), ((0.6, -4.35), 0.22), ((0, -3.9), 0.4)]),
        (40, 40, 120),
        outline=True,
    )
