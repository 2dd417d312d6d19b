"""A figure of EFRA: the face that is used for each human, and what it counts (Eqs. 8, 9)."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse

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

TITLE = "Facial attention: whose face counts for which object"
MOST_PAIRS = 14
_REST = "#b4b8c2"


def draw_faces(view: InnerView, *, score_thresh: float = 0.15) -> Figure:
    """Faces on the picture, each in the colour of its human, and two bars for each pair.

    alpha is how much of the face F enters the object's feature, alpha-bar how much of the rest of
    the human, F-bar. The best ranked pairs are shown.

    Args:
        view: of the picture.
        score_thresh: the least score of a triplet that is told.
    """
    if not len(view.pairs):
        return message(view, TITLE, "There is no pair, so nobody's face is looked at.")
    if view.alphas is None:
        return message(view, TITLE, "This model does not attend to faces (EFRA.ENABLED False).")
    shown = view.order()[:MOST_PAIRS]
    colors = colors_of(view)
    wide, high = picture_size(view)
    bars = 0.3 * len(shown) + 0.9
    figure = Figure(figsize=(wide + 4.6, max(high, bars) + 0.4), layout="constrained")
    heading(figure, TITLE)
    left, right = figure.subplots(1, 2, width_ratios=(wide, 4.4))
    show_picture(left, view)
    show_instances(left, view, {*view.pairs[shown].ravel().tolist()}, colors)
    _draw_faces(left, view, colors)
    _draw_bars(right, view, shown, colors, score_thresh)
    return figure


def _draw_faces(ax: Axes, view: InnerView, colors: dict[int, str]) -> None:
    faces = np.zeros((0, 4)) if view.faces is None else view.faces
    owners: dict[int, list[int]] = {}
    for human, face in zip(view.humans.tolist(), view.face_of.tolist(), strict=True):
        if face >= 0:
            owners.setdefault(face, []).append(human)
    for number, (x1, y1, x2, y2) in enumerate(faces.tolist()):
        mine = owners.get(number, [])
        center, size = ((x1 + x2) / 2, (y1 + y2) / 2), np.array([x2 - x1, y2 - y1])
        ax.add_patch(Ellipse(center, *size, fill=False, ec=INK, lw=3.4, zorder=4))
        style = {"lw": 2.2, "zorder": 4} if mine else {"lw": 1.4, "ls": "--", "zorder": 4}
        # Of people who share a face, one ellipse in another.
        for place, human in enumerate(mine or [None]):
            color = "white" if human is None else colors[human]
            ax.add_patch(Ellipse(center, *(size * 0.85**place), fill=False, ec=color, **style))
    without = sum(face < 0 for face in view.face_of)
    text = f"{len(faces)} face(s) found"
    if view.faces is None:
        text = "nobody looked for faces"
    if without:
        text += f"; {without} of {len(view.humans)} humans have none: F is 0"
    if len(faces) > len(owners):
        text += "; dashed: nobody's"
    ax.set_xlabel(text, fontsize=8, color=PALE)


def _draw_bars(
    ax: Axes, view: InnerView, shown: np.ndarray, colors: dict[int, str], score_thresh: float
) -> None:
    face_of = dict(zip(view.humans.tolist(), view.face_of.tolist(), strict=True))
    for y, pair in enumerate(shown.tolist()):
        human, object_ = view.pairs[pair].tolist()
        alpha, rest = view.alphas[pair].tolist()
        has_face = face_of[human] >= 0
        for offset, value, color in ((-0.18, alpha, colors[human]), (0.18, rest, _REST)):
            ax.barh(y + offset, 1, 0.3, color=NO_PAIR, zorder=1)
            if offset > 0 or has_face:
                ax.barh(y + offset, value, 0.3, color=color, zorder=2)
            told = f"{value:.2f}" if offset > 0 or has_face else "no face"
            ax.text(1.02, y + offset, told, va="center", fontsize=6.5, color=INK)
    ax.set(xlim=(0, 1), ylim=(len(shown) - 0.4, -0.6), xticks=(0, 0.5, 1))
    ax.set_yticks(range(len(shown)), labels=[""] * len(shown))
    for y, pair in enumerate(shown.tolist()):
        ax.text(-0.03, y, _told(view, pair, score_thresh), ha="right", va="center", fontsize=7.5,
                color=INK, parse_math=False, transform=ax.get_yaxis_transform())  # fmt: skip
    ax.tick_params(axis="x", labelsize=7.5)
    ax.tick_params(axis="y", length=0)
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    ax.set_xlabel(
        "coloured: $\\alpha$ of the face      grey: $\\bar{\\alpha}$ of the rest of the human",
        fontsize=8,
        color=INK,
    )
    if len(view.pairs) > len(shown):
        title = f"the {len(shown)} best ranked of {len(view.pairs)} pairs"
        if view.ranks is None:
            title = f"{len(shown)} of {len(view.pairs)} pairs"
        ax.set_title(title, fontsize=8, color=PALE)


def _told(view: InnerView, pair: int, score_thresh: float) -> str:
    human, object_ = view.pairs[pair].tolist()
    best = view.best_verb(pair)
    verb = words(best[0]) if best is not None and best[1] >= score_thresh else "–"
    end = "" if human == object_ else f" {name_of(view, object_)}"
    return f"{name_of(view, human)} {verb}{end}"
