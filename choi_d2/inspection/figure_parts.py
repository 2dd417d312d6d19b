"""What the figures of a model's inner values have in common."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from functools import cache

import numpy as np
from anyascii import anyascii
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from matplotlib.patches import Rectangle

from choi_d2.utils import atomic_path
from choi_d2.visualization import palette
from choi_d2.visualization.fonts import DEJAVU

from .inner_view import InnerView

INK, PALE, NO_PAIR = "#1d1d22", "#8a8a92", "#ececf0"
OBJECT = "#1f7fc4"
DPI = 160
PICTURE_INCHES = 4.2
"""The longer side of the picture in a figure."""


def picture_size(view: InnerView) -> tuple[float, float]:
    """(width, height) in inches that the picture has in a figure; none is too narrow for words."""
    height, width = view.image.shape[:2]
    scale = PICTURE_INCHES / max(height, width)
    return max(width * scale, 1.2), max(height * scale, 1.2)


def colors_of(view: InnerView) -> dict[int, str]:
    """A colour for each instance: humans have their own, from left to right, objects are blue."""
    humans = sorted({*view.pairs[:, 0].tolist(), *view.humans.tolist()})
    centers = {i: float(view.boxes[i, 0] + view.boxes[i, 2]) / 2 for i in humans}
    colors = dict.fromkeys(range(len(view.boxes)), OBJECT)
    colors.update({i: as_hex(color) for i, color in palette.human_colors(centers).items()})
    return colors


def as_hex(color: palette.Color) -> str:
    """A colour for matplotlib."""
    return "#{:02x}{:02x}{:02x}".format(*color)


def name_of(view: InnerView, row: int) -> str:
    """The class, and the number by which results call the instance: "person 0"."""
    return f"{words(view.vocabulary.classes[view.classes[row]])} {row}"


def words(name: str) -> str:
    """A name as it can be drawn with the letters at hand."""
    return "".join(x if ord(x) in _letters() else anyascii(x) for x in name.replace("_", " "))


@cache
def _letters() -> frozenset[int]:
    return frozenset(FT2Font(DEJAVU).get_charmap())


def show_picture(ax: Axes, view: InnerView) -> None:
    """The picture, slightly pale, so that what is drawn on it stands out."""
    height, width = view.image.shape[:2]
    step = max(max(height, width) // 1200, 1)
    ax.imshow(view.image[::step, ::step], extent=(0, width, height, 0), aspect="equal")
    ax.set(xticks=[], yticks=[], xlim=(0, width), ylim=(height, 0))
    for spine in ax.spines.values():
        spine.set_visible(False)


def outline(ax: Axes, box: Sequence[float], color: str, weight: float = 1.8, **kwargs) -> None:
    """A box with a dark rim, which shows on any ground."""
    x1, y1, x2, y2 = box
    for paint, width in ((INK, weight + 1.2), (color, weight)):
        ax.add_patch(
            Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, ec=paint, lw=width, **kwargs)
        )


def badge(ax: Axes, x: float, y: float, text: str, color: str, **kwargs) -> None:
    """A small label on a plate."""
    ax.text(
        x, y, text, color="white", fontsize=7.5, fontweight="bold", parse_math=False, clip_on=True,
        bbox={"boxstyle": "round,pad=0.2", "fc": INK, "ec": color, "lw": 1.4, "alpha": 0.9},
        **{"ha": "left", "va": "top", **kwargs},
    )  # fmt: skip


def show_instances(ax: Axes, view: InnerView, rows: Iterable[int], colors: dict[int, str]) -> None:
    """Outline instances, each with its number; the large ones first."""
    height, width = view.image.shape[:2]

    def area(row: int) -> float:
        return float(np.prod(view.boxes[row, 2:] - view.boxes[row, :2]))

    rows = sorted(rows, key=area, reverse=True)
    for row in rows:
        outline(ax, view.boxes[row], colors[row])
    taken: list[tuple[float, float]] = []
    step = 0.06 * max(height, width)
    for row in rows:
        # Above the box, where there is room; numbers do not cover each other.
        x = float(np.clip(view.boxes[row, 0], 0, width - step))
        y = float(np.clip(view.boxes[row, 1], 0.7 * step, height))
        while any(abs(x - a) < step and abs(y - b) < 0.7 * step for a, b in taken):
            x += step
        taken.append((x, y))
        badge(ax, x, y, str(row), colors[row], va="bottom")


def message(view: InnerView, title: str, text: str) -> Figure:
    """The picture, and what there is to say in the place of what there is not to show."""
    width, height = picture_size(view)
    figure = Figure(figsize=(max(width, 3.6) + 0.3, height + 1.1), layout="constrained")
    heading(figure, title)
    ax = figure.subplots()
    show_picture(ax, view)
    ax.set_xlabel(text, fontsize=9, color=INK, wrap=True, parse_math=False)
    return figure


def heading(figure: Figure, title: str) -> None:
    """A figure's title."""
    figure.suptitle(title, fontsize=10.5, fontweight="bold", color=INK)


def save_figure(figure: Figure, path: str | os.PathLike) -> None:
    """Write a figure, whole or not at all; the ending says the format, such as .png or .pdf."""
    FigureCanvasAgg(figure)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=DPI, facecolor="white")
