"""A figure of the ranking: g of every pair of a picture (Eq. 13)."""

from __future__ import annotations

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.offsetbox import AnnotationBbox, OffsetImage
from matplotlib.patches import Rectangle
from PIL import Image

from .figure_parts import (
    INK,
    NO_PAIR,
    PALE,
    colors_of,
    heading,
    message,
    name_of,
    picture_size,
    show_instances,
    show_picture,
    words,
)
from .inner_view import InnerView

TITLE = "Relation ranking: which pairs are worth a look"
MOST_HUMANS, MOST_OBJECTS = 10, 12
_COLORS = colormaps["YlGnBu"]
_CELL = 0.74, 0.56
_THUMB = 56


def draw_ranking(view: InnerView, *, score_thresh: float = 0.15) -> Figure:
    """A matrix of humans and objects beside the picture.

    A cell has g, and below it the verb with the highest score, if that is at least
    ``score_thresh``; such cells have a frame. Of many humans or objects the best ranked are shown.

    Args:
        view: of the picture.
        score_thresh: the least score of a triplet that is told.
    """
    if not len(view.pairs):
        return message(view, TITLE, "There is no pair: nobody, or nothing that goes with anybody.")
    if view.ranks is None:
        return message(view, TITLE, "This model has no ranking module (RRM.ENABLED False).")
    humans = _best(view, 0, MOST_HUMANS)
    # A pair of somebody alone has a column of its own, the last one.
    objects = _best(view, 1, MOST_OBJECTS)
    alone = bool((view.pairs[:, 0] == view.pairs[:, 1]).any())
    columns = [*objects, None] if alone else objects
    colors = colors_of(view)
    wide, high = picture_size(view)
    matrix = (len(columns) + 1.9) * _CELL[0], (len(humans) + 2.1) * _CELL[1]
    figure = Figure(
        figsize=(wide + matrix[0] + 1.2, max(high, matrix[1]) + 0.45), layout="constrained"
    )
    heading(figure, TITLE)
    left, right = figure.subplots(1, 2, width_ratios=(wide, matrix[0] + 0.7))
    show_picture(left, view)
    show_instances(left, view, {*humans, *objects}, colors)
    _draw_matrix(right, view, humans, columns, colors, score_thresh)
    _describe(left, view, humans, objects)
    return figure


def _best(view: InnerView, end: int, most: int) -> list[int]:
    """Rows of instances, from left to right: those of the best ranked pairs."""
    pairs = view.pairs[view.order()]
    if end == 1:
        pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    found = list(dict.fromkeys(pairs[:, end].tolist()))[:most]
    return sorted(found, key=lambda row: float(view.boxes[row, 0] + view.boxes[row, 2]))


def _draw_matrix(
    ax: Axes,
    view: InnerView,
    humans: list[int],
    columns: list[int | None],
    colors: dict[int, str],
    score_thresh: float,
) -> None:
    row_of = {tuple(pair): row for row, pair in enumerate(view.pairs.tolist())}
    framed = []
    for y, human in enumerate(humans):
        for x, object_ in enumerate(columns):
            pair = row_of.get((human, human if object_ is None else object_))
            if pair is None:
                ax.add_patch(Rectangle((x, y), 1, 1, fc=NO_PAIR, ec="white", lw=1.5))
                continue
            rank, best = float(view.ranks[pair]), view.best_verb(pair)
            told = best is not None and best[1] >= score_thresh
            ax.add_patch(Rectangle((x, y), 1, 1, fc=_COLORS(rank), ec="white", lw=1.5))
            ink = "white" if rank > 0.55 else INK
            ax.text(x + 0.5, y + (0.38 if told else 0.5), f"{rank:.2f}", ha="center", va="center",
                    fontsize=10, fontweight="bold", color=ink)  # fmt: skip
            if told:
                framed.append((x, y, colors[human]))
                ax.text(x + 0.5, y + 0.74, _shortened(words(best[0])), ha="center", va="center",
                        fontsize=6.5, color=ink, parse_math=False)  # fmt: skip
    for x, y, color in framed:
        ax.add_patch(Rectangle((x + 0.03, y + 0.03), 0.94, 0.94, fill=False, ec=color, lw=2.2))
    for y, human in enumerate(humans):
        _head(ax, view, human, (-0.62, y + 0.5), colors[human], below=False)
    for x, object_ in enumerate(columns):
        if object_ is None:
            ax.text(x + 0.5, -0.3, "alone", ha="center", va="center", fontsize=7.5, color=INK)
        else:
            _head(ax, view, object_, (x + 0.5, -0.98), colors[object_], below=True)
    ax.set(xlim=(-1.9, len(columns)), ylim=(len(humans), -1.75), xticks=[], yticks=[])
    ax.set_aspect(_CELL[1] / _CELL[0])
    for spine in ax.spines.values():
        spine.set_visible(False)
    scale = ax.figure.colorbar(
        _mappable(), ax=ax, fraction=0.035, pad=0.03, shrink=0.75, ticks=(0, 0.5, 1)
    )
    scale.set_label("g, ranking score", fontsize=8, color=INK)
    scale.ax.tick_params(labelsize=7.5, length=2)
    scale.outline.set_visible(False)


def _head(ax: Axes, view: InnerView, row: int, place: tuple, color: str, *, below: bool) -> None:
    """A thumbnail of an instance, with its name below it, or on its left."""
    image = OffsetImage(_thumbnail(view, row), zoom=0.5)
    plate = {"edgecolor": color, "lw": 1.8, "boxstyle": "square,pad=0"}
    ax.add_artist(AnnotationBbox(image, place, frameon=True, pad=0.1, bboxprops=plate))
    x, y = place
    style = {"fontsize": 7.5, "color": INK, "parse_math": False}
    name = _shortened(name_of(view, row))
    if below:
        ax.text(x, y + 0.78, name, ha="center", va="center", **style)
    else:
        ax.text(x - 0.42, y, name, ha="right", va="center", **style)


def _thumbnail(view: InnerView, row: int) -> np.ndarray:
    height, width = view.image.shape[:2]
    x1, y1, x2, y2 = np.clip(view.boxes[row].round(), 0, (width, height) * 2).astype(int)
    x1, y1 = min(x1, width - 1), min(y1, height - 1)
    crop = Image.fromarray(view.image[y1 : max(y2, y1 + 1), x1 : max(x2, x1 + 1)])
    crop.thumbnail((_THUMB, _THUMB))
    if max(crop.size) < _THUMB:
        zoom = _THUMB / max(crop.size)
        crop = crop.resize([max(round(side * zoom), 1) for side in crop.size])
    square = Image.new("RGB", (_THUMB, _THUMB), "white")
    square.paste(crop, ((_THUMB - crop.width) // 2, (_THUMB - crop.height) // 2))
    return np.asarray(square)


def _describe(ax: Axes, view: InnerView, humans: list[int], objects: list[int]) -> None:
    classified = int((~np.isnan(view.triplet_scores).all(axis=1)).sum())
    text = f"{len(view.pairs)} pairs ranked, {classified} classified"
    people, things = len(set(view.pairs[:, 0].tolist())), len(set(view.pairs[:, 1].tolist()))
    if people > len(humans) or things > len(objects) + len(humans):
        text += f"; shown: the best {len(humans)} humans and {len(objects)} objects"
    ax.set_xlabel(text, fontsize=8, color=PALE)


def _mappable():
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    return ScalarMappable(Normalize(0, 1), _COLORS)


def _shortened(text: str, most: int = 14) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
