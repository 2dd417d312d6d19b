"""What fits in a hand or on a table: phone, cigarette, drink, food, ball, computer, document.

Each thing is drawn around its middle, upright; the unit is a head's radius. `THINGS` says how big
each kind is, so that hands and mouths can meet it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .canvas import NOBODY, Color, Pen, ellipse, hull, rectangle, shade


@dataclass(frozen=True)
class Thing:
    """One object of a category, with the looks that were drawn for it."""

    category: str
    kind: str
    color: Color
    width: float
    height: float


# fmt: off
THINGS: dict[str, dict[str, tuple[float, float]]] = {
    # category: {kind: (width, height)}
    "cellphone": {"screen": (1.0, 1.75), "back": (1.0, 1.75)},
    "cigarette": {"lit": (0.56, 2.0)},
    "drink": {"cup": (1.25, 1.7), "bottle": (1.0, 2.2), "mug": (1.4, 1.35)},
    "food": {"burger": (1.65, 1.35), "pizza": (1.65, 1.7), "donut": (1.5, 1.5)},
    "ball": {"soccer": (1.7, 1.7), "basket": (1.8, 1.8), "beach": (1.9, 1.9)},
    "computer": {"open": (2.5, 1.9), "lid": (2.5, 1.6), "closed": (2.3, 1.5)},
    "document": {"sheet": (1.6, 2.0), "book": (2.3, 1.7), "news": (2.3, 1.9)},
}
_COLORS = {
    "cellphone": ((25, 25, 28), (45, 40, 40), (60, 30, 140), (110, 60, 25)),
    "cigarette": ((245, 245, 248),),
    "drink": ((45, 45, 210), (60, 150, 40), (190, 110, 20)),
    "food": ((60, 140, 215),),
    "ball": ((245, 245, 245),),
    "computer": ((150, 145, 140), (70, 66, 62), (205, 205, 210)),
    "document": ((248, 250, 250), (225, 240, 246)),
}
# fmt: on


def make_thing(rng: np.random.Generator, category: str, kind: str | None = None) -> Thing:
    """A thing of a category, of a random kind (or the given one) and colour."""
    kinds = THINGS[category]
    if kind is None:
        options = [k for k in kinds if category != "computer" or k == "open"]
        kind = str(options[rng.integers(len(options))])
    colors = _COLORS[category]
    width, height = kinds[kind]
    grow = rng.uniform(0.95, 1.15)
    return Thing(category, kind, colors[rng.integers(len(colors))], width * grow, height * grow)


def draw_thing(pen: Pen, thing: Thing) -> None:
    """Draw a thing around the origin of ``pen``."""
    _DRAW[thing.category](pen, thing)


def _cellphone(pen: Pen, thing: Thing) -> None:
    w, h = thing.width, thing.height
    corners = [
        ((sx * (w / 2 - 0.14), sy * (h / 2 - 0.14)), 0.14) for sx in (-1, 1) for sy in (-1, 1)
    ]
    pen.fill(hull(corners), thing.color, outline=True)
    if thing.kind == "back":
        pen.fill(rectangle((-w * 0.2, -h * 0.28), w * 0.42, h * 0.3), shade(thing.color, 1.5))
        for y in (-0.35, -0.21):
            pen.disc((-w * 0.2, h * y), 0.13, (20, 20, 20))
            pen.disc((-w * 0.2, h * y), 0.06, (240, 190, 90))
        return
    pen.fill(rectangle((0, -0.02), w * 0.8, h * 0.76), (250, 215, 90))
    pen.fill(rectangle((0, -h * 0.2), w * 0.8, h * 0.36), (235, 165, 40))
    for x in (-0.2, 0.2):
        for y in (0.02, 0.36):
            pen.fill(rectangle((x, y), 0.2, 0.2), (60, 60, 235) if x * y > 0.01 else (90, 200, 60))


def _cigarette(pen: Pen, thing: Thing) -> None:
    # The filter is at the top, the burning tip at the bottom.
    w, h = thing.width, thing.height
    pen.fill(rectangle((0, 0.05), w, h * 0.86), thing.color, outline=True)
    pen.fill(rectangle((0, -h * 0.36), w, h * 0.28), (40, 130, 225), outline=True)
    pen.fill(rectangle((0, h * 0.44), w, h * 0.13), (40, 60, 250))
    pen.disc((0, h * 0.48), w * 0.36, (60, 170, 255))


def draw_smoke(pen: Pen, rng: np.random.Generator) -> None:
    """Curls of smoke that rise from the origin; they belong to nobody."""
    heights = np.linspace(0, 1, 9)
    for lag in (0.0, 1.7):
        phase = rng.uniform(0, 6.28) + lag
        sway = 0.3 * heights * np.sin(phase + heights * 7) + 0.12 * (lag - 0.8) * heights
        pen.on(owner=NOBODY).line(np.stack([sway, -0.15 - 1.5 * heights], 1), (222, 222, 222), 0.13)


def _drink(pen: Pen, thing: Thing) -> None:
    w, h, color = thing.width, thing.height, thing.color
    if thing.kind == "bottle":
        pen.fill(rectangle((0, -h * 0.39), w * 0.4, h * 0.22), shade(color, 0.9), outline=True)
        pen.fill(rectangle((0, -h * 0.455), w * 0.5, h * 0.1), (240, 240, 240))
        corners = [((s * (w / 2 - 0.15), y), 0.15) for s in (-1, 1) for y in (-h * 0.12, h * 0.43)]
        pen.fill(hull([*corners, ((0, -h * 0.24), 0.16)]), color, outline=True)
        pen.fill(rectangle((0, h * 0.16), w, h * 0.24), (245, 245, 245))
    elif thing.kind == "mug":
        pen.line(ellipse((w * 0.42, 0), w * 0.2, h * 0.27)[-7:], color, 0.16)
        pen.line(ellipse((w * 0.42, 0), w * 0.2, h * 0.27)[:8], color, 0.16)
        pen.fill(rectangle((-w * 0.08, 0.02), w * 0.8, h * 0.94), color, outline=True)
        pen.fill(ellipse((-w * 0.08, -h * 0.42), w * 0.4, 0.13), (40, 60, 90))
        pen.fill(rectangle((-w * 0.08, 0.12), w * 0.8, h * 0.16), (245, 245, 245))
    else:
        pen.line([(0.1, -h * 0.3), (0.3, -h * 0.62)], (250, 250, 250), 0.14)
        body = np.array(
            [(-w / 2, -h * 0.36), (w / 2, -h * 0.36), (w * 0.36, h / 2), (-w * 0.36, h / 2)]
        )
        pen.fill(body, color, outline=True)
        pen.fill(rectangle((0, -h * 0.38), w * 1.08, h * 0.14), (245, 245, 245), outline=True)
        pen.fill(rectangle((0, h * 0.08), w * 0.84, h * 0.26), (245, 245, 245))


def _food(pen: Pen, thing: Thing) -> None:
    w, h = thing.width, thing.height
    if thing.kind == "burger":
        bun = (80, 160, 225)
        pen.fill(hull([((s * w * 0.33, h * 0.3), 0.2) for s in (-1, 1)]), bun, outline=True)
        pen.fill(rectangle((0, h * 0.12), w, h * 0.2), (35, 55, 95))
        pen.fill(rectangle((0, -h * 0.02), w * 1.06, h * 0.14), (60, 190, 70))
        pen.fill(rectangle((0, -h * 0.1), w, h * 0.08), (40, 60, 230))
        top = ellipse((0, -h * 0.12), w * 0.5, h * 0.4)
        pen.fill(np.minimum(top, (9, -h * 0.12)), bun, outline=True)
        for x in (-0.3, 0.0, 0.3):
            pen.disc((x, -h * 0.32), 0.06, (215, 240, 250))
    elif thing.kind == "pizza":
        # The point is at the top, where one bites.
        slice_ = np.array([(0, -h / 2), (w / 2, h * 0.36), (-w / 2, h * 0.36)])
        pen.fill(slice_, (70, 205, 250), outline=True)
        pen.limb(
            (-w * 0.45, h * 0.38), (w * 0.45, h * 0.38), 0.17, 0.17, (50, 120, 190), outline=True
        )
        for x, y in ((0.0, -0.1), (-0.22, 0.28), (0.24, 0.25)):
            pen.disc((x, y), 0.15, (40, 50, 200))
    else:
        pen.disc((0, 0), w / 2, (70, 140, 205), outline=True)
        pen.disc((0, 0), w * 0.43, (180, 120, 245))
        for x, y in (
            (-0.4, 0.1),
            (0.1, -0.42),
            (0.35, 0.2),
            (-0.1, 0.42),
            (0.4, -0.2),
            (-0.33, -0.3),
        ):
            pen.fill(rectangle((x, y), 0.16, 0.07, 50 * x * 9), (255, 250, 120))
        pen.disc((0, 0), w * 0.15, (60, 80, 110))


def _ball(pen: Pen, thing: Thing) -> None:
    r = thing.width / 2
    if thing.kind == "basket":
        pen.disc((0, 0), r, (40, 120, 240), outline=True)
        dark = (20, 40, 70)
        pen.line([(-r, 0), (r, 0)], dark, 0.1)
        pen.line([(0, -r), (0, r)], dark, 0.1)
        for side in (-1, 1):
            arc = ellipse((side * r * 1.15, 0), r * 0.8, r * 0.95)
            pen.line(arc[8:17] if side > 0 else np.roll(arc, 4, axis=0)[:9], dark, 0.1)
        return
    if thing.kind == "beach":
        pen.disc((0, 0), r, (245, 245, 245), outline=True)
        for start, color in ((0, (50, 50, 235)), (8, (230, 140, 30)), (16, (40, 210, 250))):
            arc = np.roll(ellipse((0, 0), r * 0.97, r * 0.97), -start, axis=0)[:5]
            pen.fill(np.concatenate([[(0.0, 0.0)], arc]), color)
        pen.disc((0, 0), 0.13, (245, 245, 245))
        return
    pen.disc((0, 0), r, (248, 248, 248), outline=True)
    corners = ellipse((0, 0), 1, 1)[[1, 6, 11, 15, 20]]
    pen.fill(corners * r * 0.36, (25, 25, 25))
    for corner in corners:
        pen.line([corner * r * 0.36, corner * r * 0.7], (60, 60, 60), 0.08)
        pen.fill(ellipse(corner * r * 0.82, r * 0.17, r * 0.17), (25, 25, 25))


def _computer(pen: Pen, thing: Thing) -> None:
    w, h, color = thing.width, thing.height, thing.color
    if thing.kind == "closed":
        corners = [
            ((sx * (w / 2 - 0.15), sy * (h / 2 - 0.15)), 0.15) for sx in (-1, 1) for sy in (-1, 1)
        ]
        pen.fill(hull(corners), color, outline=True)
        pen.line([(-w * 0.46, h * 0.36), (w * 0.46, h * 0.36)], shade(color, 0.5), 0.1)
        pen.disc((0, -0.05), 0.24, shade(color, 1.7 if sum(color) < 400 else 0.55))
        return
    if thing.kind == "lid":
        lid = np.array(
            [(-w * 0.46, -h / 2), (w * 0.46, -h / 2), (w / 2, h * 0.4), (-w / 2, h * 0.4)]
        )
        pen.fill(lid, color, outline=True)
        pen.fill(rectangle((0, h * 0.44), w * 1.04, h * 0.13), shade(color, 0.7), outline=True)
        pen.disc((0, -0.08), 0.24, shade(color, 1.7 if sum(color) < 400 else 0.55))
        return
    # Open, the screen stands at +x, leaning away; the keyboard reaches to -x, towards its user.
    base = np.array(
        [(-w * 0.5, h * 0.34), (w * 0.2, h * 0.34), (w * 0.3, h * 0.5), (-w * 0.44, h * 0.5)]
    )
    lid = np.array(
        [(-w * 0.12, -h * 0.48), (w * 0.5, -h * 0.48), (w * 0.3, h * 0.36), (-w * 0.3, h * 0.36)]
    )
    pen.fill(lid, color, outline=True)
    middle = lid.mean(axis=0)
    pen.fill(middle + (lid - middle) * 0.8, (245, 190, 70))
    pen.fill(middle + (lid - middle) * (0.8, 0.3) + (-0.05, -0.32), (250, 240, 225))
    pen.fill(middle + (lid - middle) * (0.3, 0.2) + (-0.2, 0.28), (80, 200, 90))
    pen.fill(base, shade(color, 0.75), outline=True)
    pen.line([(-w * 0.4, h * 0.42), (w * 0.18, h * 0.42)], shade(color, 0.35), 0.12)


def _document(pen: Pen, thing: Thing) -> None:
    w, h, ink = thing.width, thing.height, (95, 90, 90)
    if thing.kind == "sheet":
        pen.fill(rectangle((0, 0), w, h), thing.color, outline=True)
        pages = [(0.0, w)]
    else:
        sag = 0.12
        page = np.array([(0, -h / 2 + sag), (w / 2, -h / 2), (w / 2, h / 2 - sag), (0, h / 2)])
        pen.fill(page, thing.color, outline=True)
        pen.fill(page * (-1, 1), shade(thing.color, 0.93), outline=True)
        if thing.kind == "book":
            for side in (-1, 1):
                pen.line([(0, h / 2), (side * w / 2, h / 2 - sag)], (50, 50, 170), 0.16)
        pages = [(-w / 4, w / 2), (w / 4, w / 2)]
    for middle, width in pages:
        for row, y in enumerate(np.linspace(-h * 0.3, h * 0.32, 5)):
            if thing.kind == "news" and middle < 0 and row in (1, 2):
                pen.fill(rectangle((middle, y), width * 0.7, h * 0.16), (140, 140, 140))
                continue
            end = 0.36 if row != 4 else 0.1
            pen.line([(middle - width * 0.36, y), (middle + width * end, y)], ink, 0.11)


_DRAW = {
    "cellphone": _cellphone,
    "cigarette": _cigarette,
    "drink": _drink,
    "food": _food,
    "ball": _ball,
    "computer": _computer,
    "document": _document,
}
