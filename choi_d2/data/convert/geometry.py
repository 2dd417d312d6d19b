"""Upright boxes around what tools draw, in pixels."""

from __future__ import annotations

import math
from collections.abc import Sequence


def box_around(points: Sequence[tuple[float, float]]) -> list[float]:
    """``[x1, y1, x2, y2]`` around points (x, y)."""
    xs, ys = zip(*points, strict=True)
    return [min(xs), min(ys), max(xs), max(ys)]


def turned_box(
    box: Sequence[float], degrees: float, center: tuple[float, float] | None = None
) -> list[float]:
    """The upright box around a box that was turned clockwise.

    Args:
        box: ``[x1, y1, x2, y2]`` before it was turned.
        degrees: how far.
        center: the point it was turned about; by default its middle.
    """
    x1, y1, x2, y2 = box
    x0, y0 = center or ((x1 + x2) / 2, (y1 + y2) / 2)
    sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    corners = [(x - x0, y - y0) for x, y in ((x1, y1), (x2, y1), (x2, y2), (x1, y2))]
    # y points down: so this turns clockwise, as one sees it.
    turned = [(x * cosine - y * sine, x * sine + y * cosine) for x, y in corners]
    return box_around([(x0 + x, y0 + y) for x, y in turned])
