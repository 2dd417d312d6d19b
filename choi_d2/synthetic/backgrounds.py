"""Backgrounds: rooms, streets, parks, plain backdrops, and the colour of a shadow there."""

from __future__ import annotations

import cv2
import numpy as np

from .canvas import Color, Pen, ellipse, paint, rectangle, shade


def _gradient(height: int, width: int, top, bottom) -> np.ndarray:
    t = np.linspace(0, 1, height)[:, None]
    column = (1 - t) * np.asarray(top, float) + t * np.asarray(bottom, float)
    return np.ascontiguousarray(np.broadcast_to(column[:, None], (height, width, 3))).astype(
        np.uint8
    )


def _muted(rng: np.random.Generator, low: int, high: int, tint: int = 30) -> Color:
    base = int(rng.integers(low, high))
    return tuple(int(np.clip(base + rng.integers(-tint, tint + 1), 0, 255)) for _ in range(3))


def draw_background(
    rng: np.random.Generator, width: int, height: int
) -> tuple[np.ndarray, Color, float]:
    """A random background.

    Returns:
        The image (height, width, 3) uint8 BGR; the colour of a shadow on its ground; y of the line
        where the ground begins.
    """
    kind = (_room, _street, _park, _plain)[int(rng.choice(4, p=(0.38, 0.24, 0.24, 0.14)))]
    horizon = height * rng.uniform(0.58, 0.74)
    shapes: list = []
    # The pen's unit is a hundredth of the picture's height.
    pen = Pen(shapes).at((0, 0), scale=height / 100)
    image, ground = kind(rng, pen, width / height * 100, horizon / height * 100, (height, width))
    return paint(image, shapes).image, shade(ground, 0.72), horizon


def _room(rng, pen: Pen, w: float, horizon: float, size) -> tuple[np.ndarray, Color]:
    wall = _muted(rng, 130, 225)
    image = _gradient(*size, shade(wall, 1.1), shade(wall, 0.9))
    floor = tuple(int(c) for c in np.clip(np.array((70, 110, 150)) * rng.uniform(0.7, 1.4), 0, 255))
    if rng.random() < 0.4:
        floor = _muted(rng, 90, 190, 15)
    pattern = rng.random()
    if pattern < 0.3:
        for x in np.arange(0, w, rng.uniform(7, 14)):
            pen.line([(x, 0), (x, horizon)], shade(wall, 0.93), rng.uniform(1.0, 3.0))
    elif pattern < 0.45:
        for y in np.arange(4, horizon, 6):
            pen.line([(0, y), (w, y)], shade(wall, 0.88), 0.5)
            for x in np.arange((y // 6 % 2) * 7, w, 14):
                pen.line([(x, y), (x, y + 6)], shade(wall, 0.88), 0.5)
    if rng.random() < 0.6:
        _window(rng, pen, rng.uniform(0.1, 0.9) * w, rng.uniform(18, 34))
    if rng.random() < 0.5:
        center = (rng.uniform(0.1, 0.9) * w, rng.uniform(16, 36))
        pw, ph = rng.uniform(12, 24), rng.uniform(10, 18)
        pen.fill(rectangle(center, pw + 2.5, ph + 2.5), _muted(rng, 40, 110))
        pen.fill(rectangle(center, pw, ph), _muted(rng, 120, 220, 40))
        pen.fill(ellipse(center, pw * 0.25, ph * 0.3), _muted(rng, 80, 180, 60))
    if rng.random() < 0.4:
        _shelf(rng, pen, rng.uniform(0.05, 0.95) * w, horizon)
    floor_box = np.array([(0, horizon), (w, horizon), (w, 101), (0, 101)])
    pen.fill(floor_box, floor)
    for k in range(1, 6):
        y = horizon + (101 - horizon) * (k / 6) ** 1.5
        pen.line([(0, y), (w, y)], shade(floor, 0.9), 0.5)
    if rng.random() < 0.35:
        rug = ellipse((w * rng.uniform(0.3, 0.7), 93), w * 0.3, 6)
        pen.fill(rug, _muted(rng, 60, 190, 50), outline=True)
    pen.fill(
        np.array([(0, horizon - 2.2), (w, horizon - 2.2), (w, horizon), (0, horizon)]),
        shade(wall, 0.7),
    )
    return image, floor


def _window(rng, pen: Pen, x: float, y: float) -> None:
    w, h = rng.uniform(18, 34), rng.uniform(22, 32)
    pen.fill(rectangle((x, y), w + 4, h + 4), _muted(rng, 170, 240, 10), outline=True)
    pen.fill(rectangle((x, y), w, h), (235, 205, 165))
    pen.fill(rectangle((x, y + h * 0.35), w, h * 0.3), _muted(rng, 90, 150))
    pen.line([(x, y - h / 2), (x, y + h / 2)], (225, 225, 225), 1.6)
    pen.line([(x - w / 2, y), (x + w / 2, y)], (225, 225, 225), 1.6)


def _shelf(rng, pen: Pen, x: float, horizon: float) -> None:
    w, wood = rng.uniform(20, 34), _muted(rng, 60, 130, 25)
    pen.fill(rectangle((x, horizon - 20), w, 42), wood, outline=True)
    for row in range(3):
        y = horizon - 33 + row * 13
        pen.fill(rectangle((x, y), w - 3, 10.5), shade(wood, 0.55))
        left = x - w / 2 + 2.5
        while left < x + w / 2 - 5:
            bw, bh = rng.uniform(1.8, 3.6), rng.uniform(6, 9.5)
            pen.fill(rectangle((left + bw / 2, y + 5.2 - bh / 2), bw, bh), _muted(rng, 60, 180, 60))
            left += bw + 0.3


def _street(rng, pen: Pen, w: float, horizon: float, size) -> tuple[np.ndarray, Color]:
    image = _gradient(*size, (235, 190, 140), (240, 225, 210))
    x = -rng.uniform(0, 15)
    while x < w:
        bw, top = rng.uniform(22, 45), rng.uniform(2, 30)
        color = _muted(rng, 90, 200, 25)
        pen.fill(
            np.array([(x, top), (x + bw, top), (x + bw, horizon), (x, horizon)]),
            color,
            outline=True,
        )
        glass = _muted(rng, 70, 235, 15)
        for wy in np.arange(top + 6, horizon - 12, 11):
            for wx in np.arange(x + 4, x + bw - 6, 9.5):
                pen.fill(rectangle((wx + 2.5, wy + 2.5), 4.6, 6), glass)
        x += bw
    pavement = _muted(rng, 130, 190, 6)
    pen.fill(np.array([(0, horizon), (w, horizon), (w, 101), (0, 101)]), pavement)
    if rng.random() < 0.6:
        pen.fill(np.array([(0, 91), (w, 91), (w, 101), (0, 101)]), _muted(rng, 70, 110, 4))
        pen.line([(0, 91), (w, 91)], shade(pavement, 1.4), 1.2)
    else:
        for x in np.arange(0, w * 1.5, 16):
            pen.line([(x, horizon), (x * 1.3 - w * 0.15, 101)], shade(pavement, 0.88), 0.5)
    if rng.random() < 0.5:
        x = rng.uniform(0, w)
        pen.line([(x, 8), (x, horizon + 2)], (70, 75, 75), 1.6)
        pen.disc((x, 8), 3.2, (190, 240, 255), outline=True)
    return image, pavement


def _park(rng, pen: Pen, w: float, horizon: float, size) -> tuple[np.ndarray, Color]:
    image = _gradient(*size, (235, 180, 120), (245, 230, 205))
    for _ in range(int(rng.integers(0, 4))):
        x, y = rng.uniform(0, w), rng.uniform(4, 26)
        for dx in (-6, 0, 6):
            pen.fill(ellipse((x + dx, y + abs(dx) * 0.2), 6, 3.6), (250, 250, 250))
    if rng.random() < 0.5:
        hills = _muted(rng, 130, 160, 10)
        for x in rng.uniform(0, w, 3):
            pen.fill(ellipse((x, horizon + 4), w * 0.3, rng.uniform(12, 26)), shade(hills, 0.9))
    grass = (int(rng.integers(50, 90)), int(rng.integers(140, 185)), int(rng.integers(80, 140)))
    pen.fill(np.array([(0, horizon), (w, horizon), (w, 101), (0, 101)]), grass)
    for x in rng.uniform(0, w, int(rng.integers(0, 5))):
        crown = rng.uniform(9, 16)
        top = horizon - rng.uniform(26, 40)
        pen.limb((x, top), (x, horizon + 2), 1.8, 2.6, (45, 75, 110))
        leaf = (int(rng.integers(40, 80)), int(rng.integers(95, 140)), int(rng.integers(40, 90)))
        for dx, dy, r in ((-0.6, 0.2, 0.75), (0.6, 0.2, 0.75), (0, -0.35, 0.9)):
            pen.disc((x + dx * crown, top + dy * crown), r * crown, leaf, outline=True)
    for _ in range(25):
        x, y = rng.uniform(0, w), rng.uniform(horizon + 2, 100)
        pen.line([(x, y), (x + 0.8, y - 2)], shade(grass, 0.8), 0.5)
    if rng.random() < 0.4:
        pen.fill(np.array([(0, 88), (w, 86), (w, 97), (0, 99)]), (150, 190, 215))
    return image, grass


def _plain(rng, pen: Pen, w: float, horizon: float, size) -> tuple[np.ndarray, Color]:
    top, bottom = _muted(rng, 70, 235, 40), _muted(rng, 100, 220, 25)
    image = _gradient(*size, top, shade(top, 0.85))
    pen.fill(np.array([(0, horizon), (w, horizon), (w, 101), (0, 101)]), bottom)
    for _ in range(int(rng.integers(0, 7))):
        center = (rng.uniform(0, w), rng.uniform(0, horizon))
        box = rectangle(center, rng.uniform(8, 30), rng.uniform(8, 30), rng.uniform(0, 90))
        box[:, 1] = np.minimum(box[:, 1], horizon)
        pen.fill(box, shade(top, rng.uniform(0.8, 1.2)))
    return image, bottom


def weather(rng: np.random.Generator, image: np.ndarray, noise: float) -> np.ndarray:
    """The image under another light and with the grain of a camera; same shape and type."""
    gain = rng.uniform(0.85, 1.12) * rng.uniform(0.96, 1.04, 3)
    grain = rng.standard_normal(
        (image.shape[0] // 2 + 1, image.shape[1] // 2 + 1), dtype=np.float32
    )
    grain = cv2.resize(grain, None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR)
    grain = grain[: image.shape[0], : image.shape[1], None] * noise
    return np.clip(image * gain.astype(np.float32) + grain, 0, 255).astype(np.uint8)
