"""A figure of IHSM: where on a human a position looks (Eq. 5)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from .figure_parts import (
    INK,
    PALE,
    badge,
    colors_of,
    heading,
    message,
    name_of,
    outline,
    picture_size,
    show_instances,
    show_picture,
)
from .inner_view import InnerView

TITLE = "Implicit human semantics: what a position sees of its human"
MOST_HUMANS = 3
_HEIGHTS = (("upper", 0.12), ("middle", 0.5), ("lower", 0.88))
_COLORS = colormaps["inferno"]
_SHARES = PowerNorm(0.5, 0, 1)
"""The same in all panels; small shares can be told apart."""
_POINT = "#35e0ff"
_PANEL = 2.3


def draw_attention(view: InnerView, point: Sequence[float] | None = None) -> Figure:
    """The map a_i over the human's box, for the position i of a point.

    Args:
        view: of the picture.
        point: x, y in the picture's pixels, on a human; None draws three positions of each of the
            best detected humans.
    """
    if not len(view.humans):
        return message(view, TITLE, "There is nobody who forms a pair with anything.")
    if view.attention is None:
        return message(
            view, TITLE, "This model does not mine human semantics (IHSM.ENABLED False)."
        )
    if point is None:
        best = np.argsort(-view.scores[view.humans], kind="stable")[:MOST_HUMANS]
        return _draw(view, [(int(human), _points_on(view, int(human))) for human in best], None)
    human = view.human_at(point)
    if human is None:
        x, y = point
        figure = message(view, TITLE, f"There is nobody at ({x:g}, {y:g}) who forms a pair.")
        _mark(figure.axes[0], point)
        return figure
    return _draw(view, [(human, [("point", point)])], point)


def _points_on(view: InnerView, human: int) -> list[tuple[str, tuple[float, float]]]:
    x1, y1, x2, y2 = view.boxes[view.humans[human]].tolist()
    return [(name, ((x1 + x2) / 2, y1 + share * (y2 - y1))) for name, share in _HEIGHTS]


def _draw(view: InnerView, rows: list, point: Sequence[float] | None) -> Figure:
    colors = colors_of(view)
    columns = len(rows[0][1])
    tall = _PANEL if columns > 1 else 1.6 * _PANEL
    boxes = view.boxes[view.humans[[human for human, _ in rows]]]
    shapes = (boxes[:, 2] - boxes[:, 0]) / np.maximum(boxes[:, 3] - boxes[:, 1], 1e-6)
    panel = tall * float(np.clip(shapes.max(), 0.62, 1.3)) + 0.15
    wide, high = picture_size(view)
    maps = max(columns * panel, 1.9) + 0.9
    size = wide + maps, max(high + 0.3, len(rows) * (tall + 0.4)) + 0.45
    figure = Figure(figsize=size, layout="constrained")
    heading(figure, TITLE)
    left, right = figure.subfigures(1, 2, width_ratios=(wide, maps))
    ax = left.subplots()
    show_picture(ax, view)
    show_instances(ax, view, [int(view.humans[human]) for human, _ in rows], colors)
    if point is not None:
        _mark(ax, point)
    side = view.attention.shape[1]
    ax.set_xlabel(f"{side} x {side} positions of each box", fontsize=8, color=PALE)
    panels = right.subplots(len(rows), columns, squeeze=False)
    for line, (human, points) in zip(panels, rows, strict=True):
        for panel_ax, (name, where) in zip(line, points, strict=True):
            _draw_map(panel_ax, view, human, where, colors, name if point is None else None)
    scale = right.colorbar(
        ScalarMappable(_SHARES, _COLORS), ax=panels, fraction=0.05, pad=0.03, shrink=0.7, aspect=28
    )
    scale.set_ticks((0, 0.01, 0.05, 0.2, 0.5, 1), labels=("0", ".01", ".05", ".2", ".5", "1"))
    scale.set_label("a, share of the attention", fontsize=8, color=INK)
    scale.ax.tick_params(labelsize=7.5, length=2)
    scale.outline.set_visible(False)
    return figure


def _draw_map(
    ax: Axes, view: InnerView, human: int, point: Sequence[float], colors: dict, name: str | None
) -> None:
    instance = int(view.humans[human])
    row, column = view.position(human, point)
    weights = view.attention[human, row, column]
    x1, y1, x2, y2 = view.boxes[instance].tolist()
    show_picture(ax, view)
    # Grey below the map: its colours are of one thing alone.
    grey = view.image.mean(axis=2, keepdims=True).repeat(3, axis=2).astype(np.uint8)
    height, width = view.image.shape[:2]
    ax.images[0].set_data(grey)
    ax.images[0].set_extent((0, width, height, 0))
    tint = _COLORS(_SHARES(weights))
    tint[..., 3] = 0.3 + 0.5 * _SHARES(weights)
    ax.imshow(tint, extent=(x1, x2, y2, y1), interpolation="nearest", zorder=2, aspect="equal")
    cell = np.array([x2 - x1, y2 - y1]) / weights.shape[::-1]
    for line in range(1, len(weights)):
        for across in ([x1 + line * cell[0]] * 2, (y1, y2)), ((x1, x2), [y1 + line * cell[1]] * 2):
            ax.plot(*across, color="white", lw=0.4, alpha=0.35, zorder=2)
    own = (x1 + column * cell[0], y1 + row * cell[1])
    for color, weight in ((INK, 3.2), (_POINT, 1.8)):
        ax.add_patch(Rectangle(own, *cell, fill=False, ec=color, lw=weight, zorder=3))
    outline(ax, (x1, y1, x2, y2), colors[instance], zorder=3)
    margin = 0.06 * max(x2 - x1, y2 - y1)
    ax.set(xlim=(x1 - margin, x2 + margin), ylim=(y2 + margin, y1 - margin))
    spread = float(np.exp(-(weights * np.log(np.maximum(weights, 1e-12))).sum()))
    title = name_of(view, instance) + ("" if name is None else f", {name}")
    ax.set_title(title, fontsize=8.5, color=INK, parse_math=False)
    ax.set_xlabel(
        f"itself {weights[row, column]:.2f}, most {weights.max():.2f}\n"
        f"as wide as {spread:.1f} of {weights.size}",
        fontsize=7.5,
        color=PALE,
    )


def _mark(ax: Axes, point: Sequence[float]) -> None:
    for color, weight in ((INK, 3.4), (_POINT, 1.8)):
        ax.plot(*point, marker="+", ms=13, mew=weight, color=color, zorder=5)
    badge(ax, point[0], point[1], f"{point[0]:g}, {point[1]:g}", _POINT, va="bottom")
