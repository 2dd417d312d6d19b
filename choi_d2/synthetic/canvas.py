"""Shapes, pens and the painter: the few drawing tools that every scene is made of.

Things are drawn in their own frame (x to the right, y down, the unit is whatever the thing's author
likes); a `Pen` carries the transform from there to the frame that the pen was made in, and collects
`Shape`\\s. `paint` draws shapes from far to near and keeps, beside the picture, who owns a pixel.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import cv2
import numpy as np

Color = tuple[int, int, int]
"""Blue, green, red; 0..255."""

NOBODY = 0
"""The owner of background and furniture. Instances count from 1."""

BODY, FACE = 0, 1
"""Parts of an instance that the owner map tells apart."""

_SHIFT = 4  # fractional bits of OpenCV's sub-pixel coordinates
_CIRCLE = np.stack(
    [
        np.cos(np.linspace(0, 2 * np.pi, 24, endpoint=False)),
        np.sin(np.linspace(0, 2 * np.pi, 24, endpoint=False)),
    ],
    axis=1,
)


class Shape(NamedTuple):
    """A filled polygon, or an open line where ``width`` > 0."""

    points: np.ndarray  # (V, 2) float
    color: Color
    z: float  # drawn in ascending order
    owner: int
    part: int
    width: float
    outline: bool


def shade(color: Sequence[float], factor: float) -> Color:
    """The colour, darker (factor < 1) or mixed with white (factor > 1)."""
    if factor <= 1:
        return tuple(int(c * factor) for c in color)
    return tuple(int(255 - (255 - c) * (2 - factor)) for c in color)


def ellipse(center: Sequence[float], rx: float, ry: float, angle: float = 0.0) -> np.ndarray:
    """Polygon (24, 2) of an ellipse; ``angle`` in degrees, clockwise as seen."""
    points = _CIRCLE * (rx, ry)
    if angle:
        points = points @ _rotation(angle).T
    return points + np.asarray(center, dtype=float)


def rectangle(
    center: Sequence[float], width: float, height: float, angle: float = 0.0
) -> np.ndarray:
    """Polygon (4, 2) of a rectangle; ``angle`` in degrees."""
    w, h = width / 2, height / 2
    points = np.array([(-w, -h), (w, -h), (w, h), (-w, h)])
    if angle:
        points = points @ _rotation(angle).T
    return points + np.asarray(center, dtype=float)


def hull(discs: Iterable[tuple[Sequence[float], float]]) -> np.ndarray:
    """Convex hull (V, 2) of discs given as (center, radius): capsules, rounded trunks and boxes."""
    points = np.concatenate([_CIRCLE * r + np.asarray(c, dtype=float) for c, r in discs])
    return cv2.convexHull(points.astype(np.float32)).reshape(-1, 2).astype(float)


def _rotation(angle: float) -> np.ndarray:
    c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    return np.array([(c, -s), (s, c)])


@dataclass
class Pen:
    """Draws for one owner at one depth, in its own frame.

    Args:
        shapes: the list that shapes are added to, shared between the pens of a picture.
        matrix, offset: from the pen's frame to the frame of ``shapes``.
    """

    shapes: list[Shape]
    owner: int = NOBODY
    z: float = 0.0
    part: int = BODY
    matrix: np.ndarray = field(default_factory=lambda: np.eye(2))
    offset: np.ndarray = field(default_factory=lambda: np.zeros(2))

    def at(
        self, center: Sequence[float], angle: float = 0.0, scale: float = 1.0, mirror: bool = False
    ) -> Pen:
        """A pen with its origin at ``center``, turned by ``angle`` degrees, scaled, mirrored."""
        local = _rotation(angle) * scale
        if mirror:
            local = local @ np.diag((-1.0, 1.0))
        center = np.asarray(center, dtype=float)
        return self._but(matrix=self.matrix @ local, offset=self.matrix @ center + self.offset)

    def on(
        self, *, owner: int | None = None, z: float | None = None, part: int | None = None
    ) -> Pen:
        """The same pen for another owner, depth or part."""
        return self._but(
            owner=self.owner if owner is None else owner,
            z=self.z if z is None else z,
            part=self.part if part is None else part,
        )

    def _but(self, **changes) -> Pen:
        return Pen(**{**self.__dict__, **changes})

    def to_frame(self, points) -> np.ndarray:
        """Points of the pen's frame in the frame of ``shapes``; same shape."""
        return np.asarray(points, dtype=float) @ self.matrix.T + self.offset

    def fill(self, points: np.ndarray, color: Color, *, outline: bool = False) -> None:
        """A filled polygon, with a thin darker rim if ``outline``."""
        self.shapes.append(
            Shape(self.to_frame(points), color, self.z, self.owner, self.part, 0.0, outline)
        )

    def line(self, points, color: Color, width: float) -> None:
        """An open line through ``points``; ``width`` in the pen's units."""
        (a, b), (c, d) = self.matrix
        scale = math.sqrt(abs(a * d - b * c))
        self.shapes.append(
            Shape(self.to_frame(points), color, self.z, self.owner, self.part, width * scale, False)
        )

    def disc(self, center: Sequence[float], radius: float, color: Color, **kwargs) -> None:
        """A filled circle."""
        self.fill(ellipse(center, radius, radius), color, **kwargs)

    def limb(self, start, end, r_start: float, r_end: float, color: Color, **kwargs) -> None:
        """A tapered, round-ended bar."""
        self.fill(hull([(start, r_start), (end, r_end)]), color, **kwargs)


def moved(shape: Shape, *, scale: float, mirror: bool, offset, z: float, first_owner: int) -> Shape:
    """A shape of a unit's frame in the frame of the image.

    Args:
        scale, mirror, offset: image = offset + scale * (-x if mirror else x, y).
        z: depth of the unit; the shape's own depth orders only within the unit (|z| < 1000).
        first_owner: what to add to the unit's instance numbers.
    """
    points = shape.points * ((-scale if mirror else scale), scale) + np.asarray(offset, dtype=float)
    owner = shape.owner + first_owner if shape.owner != NOBODY else NOBODY
    return shape._replace(
        points=points, width=shape.width * scale, z=z * 1000 + shape.z, owner=owner
    )


class Painting(NamedTuple):
    """What `paint` makes. H, W: image size."""

    image: np.ndarray  # (H, W, 3) uint8, BGR
    owners: np.ndarray  # (H, W) int32: who owns the pixel
    parts: np.ndarray  # (H, W) int32: which part of the owner it shows
    full: dict[int, np.ndarray]  # owner -> (H, W) uint8 {0, 1}: the owner as if nothing hid it


def paint(background: np.ndarray, shapes: Iterable[Shape]) -> Painting:
    """Draw shapes, far to near, on a copy of ``background`` ((H, W, 3) uint8, BGR)."""
    image = background.copy()
    code = np.zeros(image.shape[:2], np.int32)
    full: dict[int, np.ndarray] = {}
    for shape in sorted(shapes, key=lambda s: s.z):
        points = [np.rint(shape.points * (1 << _SHIFT)).astype(np.int32)]
        targets = [(code, shape.owner * 2 + shape.part)]
        if shape.owner != NOBODY:
            if shape.owner not in full:
                full[shape.owner] = np.zeros(code.shape, np.uint8)
            targets.append((full[shape.owner], 1))
        if shape.width > 0:
            width = max(1, round(shape.width))
            cv2.polylines(image, points, False, shape.color, width, cv2.LINE_AA, _SHIFT)
            for target, value in targets:
                cv2.polylines(target, points, False, value, width, cv2.LINE_8, _SHIFT)
            continue
        cv2.fillPoly(image, points, shape.color, cv2.LINE_AA, _SHIFT)
        if shape.outline:
            rim = shade(shape.color, 0.62)
            cv2.polylines(image, points, True, rim, 1, cv2.LINE_AA, _SHIFT)
        for target, value in targets:
            cv2.fillPoly(target, points, value, cv2.LINE_8, _SHIFT)
    return Painting(image, code >> 1, code & 1, full)
