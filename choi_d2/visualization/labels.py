"""Writing a scene's labels: what they say, how large they are, what they must not cover."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from choi_d2.structures import Vocabulary

from . import palette
from .canvas import Canvas, Line, render_label
from .layout import LabelLayout, LabelRequest
from .palette import Color
from .scene import Scene
from .triplets import Triplet


@dataclass(frozen=True)
class Drawn:
    """What is on the canvas before the labels are, in the canvas's pixels.

    Args:
        scene: the instances' classes.
        boxes: float (R, 4), x1 y1 x2 y2, of all instances.
        faces: float (F, 4), of the faces that were drawn.
        pairs: ``{(human, object): its triplets}``.
        curves: of each pair, float (L, 2), from the human to the object.
        colors: of each instance in a pair.
        bystanders: the instances in no pair that were outlined.
    """

    scene: Scene
    boxes: np.ndarray
    faces: np.ndarray
    pairs: dict[tuple[int, int], list[Triplet]]
    curves: dict[tuple[int, int], np.ndarray]
    colors: dict[int, Color]
    bystanders: list[int]


def write_labels(canvas: Canvas, drawn: Drawn, vocabulary: Vocabulary) -> None:
    """Write one label for each pair, and a small one for each bystander where there is room."""
    texts = [_pair_lines(drawn, vocabulary, pair) for pair in drawn.pairs]
    stripes = [drawn.colors[human] for human, _ in drawn.pairs]
    size = fitting_font_size(canvas, texts)
    patches = [
        render_label(text, size, stripe) for text, stripe in zip(texts, stripes, strict=True)
    ]
    requests = [
        LabelRequest(patch.shape[1], patch.shape[0], _anchors(drawn, pair))
        for patch, pair in zip(patches, drawn.pairs, strict=True)
    ]
    layout = _layout(canvas, drawn, vocabulary)
    places = layout.place(requests)
    for place, request, stripe in zip(places, requests, stripes, strict=True):
        _draw_leader(canvas, place, request.nearest_anchor(place), stripe)
    for index in drawn.bystanders:
        name = _class_name(drawn, vocabulary, index)
        _write_bystander(canvas, layout, name, drawn.boxes[index], size)
    for place, patch in zip(places, patches, strict=True):
        canvas.paste(patch, place[0], place[1])


def fitting_font_size(canvas: Canvas, texts: Sequence[Sequence[Line]]) -> int:
    """The font size, in pixels, at which labels leave most of the picture to be seen.

    Args:
        canvas: its ``font_size`` is what few and short labels get.
        texts: the lines of each label.
    """
    size = canvas.font_size
    if not texts:
        return size
    shapes = [render_label(text, size).shape for text in texts]
    share = sum(height * width for height, width, _ in shapes) / (canvas.height * canvas.width)
    widest = max(width for _, width, _ in shapes)
    shrink = min(1.0, np.sqrt(0.14 / share), 0.98 * canvas.width / widest)
    return max(int(size * shrink), min(canvas.SMALLEST_FONT, size))


def _pair_lines(drawn: Drawn, vocabulary: Vocabulary, pair: tuple[int, int]) -> list[Line]:
    human, object_ = pair
    lines = []
    for triplet in drawn.pairs[pair]:
        name = _class_name(drawn, vocabulary, human)
        line = [(name + " ", palette.readable(drawn.colors[human]))]
        line.append((_words(vocabulary.verbs[triplet.verb]), palette.TEXT))
        if triplet.has_object:
            name = _class_name(drawn, vocabulary, object_)
            line.append((" " + name, palette.readable(drawn.colors[object_])))
        if triplet.score is not None:
            line.append((f" {triplet.score:.2f}", palette.SCORE))
        lines.append(line)
    return lines


def _anchors(drawn: Drawn, pair: tuple[int, int]) -> np.ndarray:
    """Where a pair's label belongs: along its arrow, or without an object on top of the human."""
    if pair[0] == pair[1]:
        x1, y1, x2, _ = drawn.boxes[pair[0]]
        return np.array([[(x1 + x2) / 2, y1]])
    curve = drawn.curves[pair]
    shares = np.array([0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74])
    return curve[(shares * (len(curve) - 1)).round().astype(int)]


def _layout(canvas: Canvas, drawn: Drawn, vocabulary: Vocabulary) -> LabelLayout:
    """What labels should rather not cover: faces, heads, small objects, ends of arrows."""
    layout = LabelLayout(canvas.height, canvas.width)
    for index in drawn.colors:
        x1, y1, x2, y2 = drawn.boxes[index]
        share = (x2 - x1) * (y2 - y1) / (canvas.height * canvas.width)
        layout.protect((x1, y1, x2, y2), float(np.clip(0.03 / max(share, 1e-6), 0.1, 1.2)))
        if drawn.scene.classes[index] == vocabulary.human_class:
            layout.protect((x1, y1, x2, y1 + 0.3 * (y2 - y1)), 0.8)
    for face in drawn.faces:
        layout.protect(face, 1.0)
    reach = 6 * canvas.unit
    for (human, object_), curve in drawn.curves.items():
        if human != object_:
            for x, y in (curve[0], curve[-1]):
                layout.protect((x - reach, y - reach, x + reach, y + reach), 2.0)
            for x, y in curve[1:-1]:
                layout.protect((x, y, x, y), 0.5)
    return layout


def _draw_leader(canvas: Canvas, place: np.ndarray, anchor: np.ndarray, color: Color) -> None:
    """A dotted line from a label that could not stay at its anchor."""
    nearest = np.clip(anchor, place[:2], place[2:])
    if np.hypot(*(anchor - nearest)) > 4 * canvas.unit:
        canvas.leader(anchor, nearest, color)


def _write_bystander(
    canvas: Canvas, layout: LabelLayout, name: str, box: np.ndarray, size: int
) -> None:
    """The class of an instance without triplet, in small letters, if there is room nearby."""
    small = max(round(0.75 * size), canvas.SMALLEST_FONT)
    patch = render_label([[(name, palette.BYSTANDER)]], small)
    height, width = patch.shape[:2]
    (place,) = layout.place([LabelRequest(width, height, box[None, :2], (0.0, 0.5))], rounds=1)
    moved = np.hypot(place[0] - box[0], (place[1] + place[3]) / 2 - box[1])
    if moved < 3 * height:
        canvas.paste(patch, place[0], place[1])
    else:
        layout.protect(place, -layout.LABEL_DENSITY)


def _class_name(drawn: Drawn, vocabulary: Vocabulary, index: int) -> str:
    name = _words(vocabulary.classes[int(drawn.scene.classes[index])])
    number = drawn.scene.number_of(index)
    return name if number is None else f"{name} #{number}"


def _words(name: str) -> str:
    return name.replace("_", " ")
