"""Figures of what goes on inside a model, written to a folder."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from choi_d2.utils.output_names import OutputNames, path_below

from .figure_parts import save_figure
from .inner_attention import draw_attention
from .inner_faces import draw_faces
from .inner_ranking import draw_ranking
from .inner_view import InnerView


def save_inner(
    view: InnerView,
    output: str | os.PathLike,
    names: OutputNames,
    *,
    point: Sequence[float] | None = None,
    score_thresh: float = 0.15,
    suffix: str = ".png",
) -> list[Path]:
    """Write the three figures of a picture: ``NAME_ranking``, ``NAME_ihsm``, ``NAME_faces``.

    Args:
        view: of the picture.
        output: the folder.
        names: gives out their names.
        point: see :func:`draw_attention`.
        score_thresh: the least score of a triplet that is told.
        suffix: ".png", or another format that matplotlib writes: ".pdf", ".svg".

    Returns:
        their paths.

    Raises:
        OSError: they cannot be written.
    """
    figures = {
        "ranking": draw_ranking(view, score_thresh=score_thresh),
        "ihsm": draw_attention(view, point),
        "faces": draw_faces(view, score_thresh=score_thresh),
    }
    stem, paths = names.take(view.name), []
    for name, figure in figures.items():
        paths.append(path_below(output, f"{stem}_{name}{suffix}"))
        save_figure(figure, paths[-1])
    return paths


def summary(view: InnerView, point: Sequence[float] | None = None) -> str:
    """What there is to see, in a line for each thing."""
    if not len(view.pairs):
        return f"{view.name}: no pair among {len(view.boxes)} instances"
    lines = [f"{view.name}: {len(view.pairs)} pairs of {len(view.humans)} human(s)"]
    if view.ranks is None:
        lines.append("  no ranking module")
    else:
        best = view.order()[0]
        human, object_ = view.pairs[best].tolist()
        names = [f"{view.vocabulary.classes[view.classes[row]]} {row}" for row in (human, object_)]
        ends = names[0] if human == object_ else " and ".join(names)
        lines.append(f"  ranked first: {ends}, g = {view.ranks[best]:.2f}")
    if view.attention is None:
        lines.append("  no mining of human semantics")
    elif point is not None:
        lines.append(_at(view, point))
    if view.alphas is None:
        lines.append("  no facial attention")
    else:
        with_face = int((view.face_of >= 0).sum())
        lines.append(f"  {with_face} of {len(view.humans)} human(s) have a face")
    return "\n".join(lines)


def _at(view: InnerView, point: Sequence[float]) -> str:
    human = view.human_at(point)
    if human is None:
        return f"  nobody who forms a pair is at ({point[0]:g}, {point[1]:g})"
    row, column = view.position(human, point)
    weights = view.attention[human, row, column]
    name = view.vocabulary.classes[view.classes[view.humans[human]]]
    return (
        f"  at ({point[0]:g}, {point[1]:g}): {name} {view.humans[human]}, position ({row}, "
        f"{column}); it sees itself with {weights[row, column]:.2f} of 1"
    )
