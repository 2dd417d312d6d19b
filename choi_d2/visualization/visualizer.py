"""Pictures of ⟨human, verb, object⟩ triplets."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from detectron2.structures import Instances
from PIL import Image

from choi_d2.utils import atomic_path

from . import palette
from .canvas import Canvas, render_label
from .layout import LabelLayout, LabelRequest
from .masks import inner_point
from .palette import Color
from .scene import Scene
from .triplets import Triplet, group_by_pair
from .vocabulary import Vocabulary


class TripletVisualizer:
    """Draws the triplets of one picture, of any size.

    Every human has its own colour, on its box or mask, on the arrow to each of its objects and on
    the edge of the arrow's label; objects are blue. A label says all verbs of its pair in words. ::

        visualizer = TripletVisualizer(image_rgb, MetadataCatalog.get("hoiw_test"))
        visualizer.draw_predictions(output["instances"], output["interactions"])
        visualizer.save("triplets.jpg")

    Args:
        image_rgb: uint8 (H, W, 3).
        metadata: the data set's, with ``thing_classes`` and ``verb_classes``.
        scale: how much larger than the picture the drawing is; None enlarges pictures that are
            too small for legible words, and leaves the others.

    Raises:
        InputError: the metadata lacks the names.
        ValueError: ``image_rgb`` is no uint8 RGB picture.
    """

    READABLE_SIZE = (320, 800)
    """Pictures whose shorter or longer side has fewer pixels are enlarged to so many."""

    ENLARGED_SIDE = 2400
    """A narrow picture's longer side never becomes longer than this by it."""

    def __init__(self, image_rgb: np.ndarray, metadata: Any, *, scale: float | None = None):
        if image_rgb.dtype != np.uint8 or image_rgb.ndim != 3 or image_rgb.shape[2] != 3:
            raise ValueError(f"expected uint8 (H, W, 3), got {image_rgb.dtype} {image_rgb.shape}")
        self.vocabulary = Vocabulary.from_metadata(metadata)
        self.picture_size = image_rgb.shape[:2]
        if scale is None:
            scale = self._readable_scale()
        self.canvas = Canvas(image_rgb, scale)

    def _readable_scale(self) -> float:
        wanted = np.divide(self.READABLE_SIZE, sorted(self.picture_size)).max()
        return max(min(wanted, self.ENLARGED_SIDE / max(self.picture_size)), 1.0)

    # ------------------------------------------------------------------------------- inputs
    def draw_ground_truth(
        self,
        record: Mapping[str, Any],
        *,
        masks: bool = False,
        faces: bool = False,
        all_instances: bool = True,
    ) -> TripletVisualizer:
        """Draw a dataset record.

        Args:
            record: Detectron2's standard dict with ``interactions`` and, perhaps, ``faces``.
            masks: draw masks instead of boxes, where there are masks.
            faces: draw an ellipse in each face box.
            all_instances: also outline the instances that are in no triplet.
        """
        scene = Scene.from_record(record, *self.picture_size)
        return self._draw(scene, masks, faces, range(len(scene.boxes)) if all_instances else ())

    def draw_sample(
        self,
        sample: Mapping[str, Any],
        *,
        masks: bool = False,
        faces: bool = False,
        all_instances: bool = True,
    ) -> TripletVisualizer:
        """Draw what the training mapper hands the model; see :meth:`draw_ground_truth`.

        Args:
            sample: a dict with ``instances``, ``interactions`` and, perhaps, ``faces``, in the
                frame of the (augmented) picture.
        """
        scene = Scene.from_sample(sample)
        return self._draw(scene, masks, faces, range(len(scene.boxes)) if all_instances else ())

    def draw_predictions(
        self,
        instances: Instances,
        interactions: Instances,
        score_thresh: float = 0.3,
        max_triplets: int | None = 20,
        *,
        faces: Instances | None = None,
        masks: bool = False,
        all_instances: bool = False,
    ) -> TripletVisualizer:
        """Draw the model's output for the picture.

        Args:
            instances: detections, in the picture's pixels.
            interactions: pairs of them.
            score_thresh: the least score of a triplet that is drawn.
            max_triplets: at most so many, those with the highest scores.
            faces: with field ``boxes``, in the picture's pixels; drawn where given.
            masks: draw masks instead of boxes, where there are masks.
            all_instances: also outline the instances that are in no drawn triplet, if their own
                score is at least ``score_thresh``.
        """
        scene = Scene.from_predictions(instances, interactions, score_thresh, max_triplets, faces)
        sure = np.flatnonzero(instances.scores.cpu().numpy() >= score_thresh).tolist()
        return self._draw(scene, masks, faces is not None, sure if all_instances else ())

    # ------------------------------------------------------------------------------ outputs
    def get_image(self) -> np.ndarray:
        """The drawing, uint8 (H, W, 3), RGB."""
        return self.canvas.pixels

    def save(self, path: str | os.PathLike) -> None:
        """Write the drawing in the format that the name's ending says, whole or not at all."""
        save_picture(path, self.get_image())

    # ------------------------------------------------------------------------------ drawing
    def _draw(
        self, scene: Scene, masks: bool, faces: bool, shown: Sequence[int]
    ) -> TripletVisualizer:
        """Draw all triplets, and the instances ``shown`` that are in none of them."""
        canvas = self.canvas
        boxes = np.clip(
            scene.boxes * canvas.scale,
            0,
            [canvas.width, canvas.height, canvas.width, canvas.height],
        )
        pairs = group_by_pair(scene.triplets)
        in_triplets = {index for pair in pairs for index in pair}
        colors = self._instance_colors(scene, pairs)
        others = [index for index in shown if index not in in_triplets]

        for index in others:
            self._draw_instance(scene, boxes, index, palette.BYSTANDER, masks, weight=0.5)
        # Large ones first: a cup in front of a table stays visible.
        handles = {
            index: self._draw_instance(scene, boxes, index, colors[index], masks, weight=1.0)
            for index in sorted(in_triplets, key=lambda i: -_area(boxes[i]))
        }
        face_boxes = scene.faces * canvas.scale if faces else np.zeros((0, 4))
        for face in face_boxes:
            canvas.ellipse(face, palette.FACE, weight=0.5)

        curves = {(human, o): _curve(handles[human], handles[o]) for human, o in pairs}
        for (human, object_), curve in curves.items():
            if human != object_:
                self._draw_arrow(curve, colors[human])
        self._draw_labels(scene, boxes, pairs, curves, colors, others, face_boxes)
        return self

    def _instance_colors(self, scene: Scene, pairs: Mapping) -> dict[int, Color]:
        humans = {human for human, _ in pairs}
        humans |= {o for _, o in pairs if scene.classes[o] == self.vocabulary.human_class}
        centers = {i: float(scene.boxes[i, 0] + scene.boxes[i, 2]) / 2 for i in humans}
        colors = palette.human_colors(centers)
        return {i: colors.get(i, palette.OBJECT) for pair in pairs for i in pair}

    def _draw_instance(
        self, scene: Scene, boxes: np.ndarray, index: int, color: Color, masks: bool, weight: float
    ) -> np.ndarray:
        """Draw box or mask; return the instance's handle (x, y), where arrows start and end."""
        mask = scene.mask_of(index) if masks else None
        if mask is None or not mask.any():
            self.canvas.box(boxes[index], color, weight)
            return (boxes[index, :2] + boxes[index, 2:]) / 2
        self.canvas.mask(mask, color, alpha=0.33 * weight)
        return inner_point(mask) * self.canvas.scale

    def _draw_arrow(self, curve: np.ndarray, color: Color) -> None:
        # The head stops short of the handle: an object that is itself a human has its dot there.
        gap = np.hypot(*(curve - curve[-1]).T)
        shaft = curve[gap >= min(5 * self.canvas.unit, 0.4 * gap[0])]
        self.canvas.curve(shaft, color, weight=0.9)
        self.canvas.arrow_head(shaft[-1], curve[-1] - curve[-3], color)
        self.canvas.dot(curve[0], color)

    def _draw_labels(
        self,
        scene: Scene,
        boxes: np.ndarray,
        pairs: Mapping[tuple[int, int], list[Triplet]],
        curves: Mapping[tuple[int, int], np.ndarray],
        colors: Mapping[int, Color],
        others: Sequence[int],
        face_boxes: np.ndarray,
    ) -> None:
        canvas = self.canvas
        texts = [
            self._pair_lines(scene, pair, triplets, colors) for pair, triplets in pairs.items()
        ]
        stripes = [colors[human] for human, _ in pairs]
        size = self._fitting_font_size(texts)
        patches = [
            render_label(text, size, stripe) for text, stripe in zip(texts, stripes, strict=True)
        ]
        layout = self._layout(scene, boxes, pairs, curves, face_boxes)
        requests = [
            LabelRequest(patch.shape[1], patch.shape[0], _anchors(pair, curves[pair], boxes))
            for patch, pair in zip(patches, pairs, strict=True)
        ]
        places = layout.place(requests)
        for place, request, stripe in zip(places, requests, stripes, strict=True):
            self._draw_leader(place, request.nearest_anchor(place), stripe)
        for index in others:
            self._draw_bystander_label(scene, boxes[index], index, layout, size)
        for place, patch in zip(places, patches, strict=True):
            canvas.paste(patch, place[0], place[1])

    def _pair_lines(
        self,
        scene: Scene,
        pair: tuple[int, int],
        triplets: Sequence[Triplet],
        colors: Mapping[int, Color],
    ) -> list[list[tuple[str, Color]]]:
        human, object_ = pair
        lines = []
        for triplet in triplets:
            line = [(self._class_name(scene, human) + " ", palette.readable(colors[human]))]
            line.append((_words(self.vocabulary.verbs[triplet.verb]), palette.TEXT))
            if triplet.has_object:
                name = " " + self._class_name(scene, object_)
                line.append((name, palette.readable(colors[object_])))
            if triplet.score is not None:
                line.append((f" {triplet.score:.2f}", palette.SCORE))
            lines.append(line)
        return lines

    def _class_name(self, scene: Scene, index: int) -> str:
        return _words(self.vocabulary.classes[int(scene.classes[index])])

    def _fitting_font_size(self, texts: Sequence[Sequence]) -> int:
        """Smaller letters where labels would cover much of the picture or be wider than it is."""
        canvas, size = self.canvas, self.canvas.font_size
        if not texts:
            return size
        shapes = [render_label(text, size).shape for text in texts]
        share = sum(height * width for height, width, _ in shapes) / (canvas.height * canvas.width)
        widest = max(width for _, width, _ in shapes)
        shrink = min(1.0, np.sqrt(0.14 / share), 0.98 * canvas.width / widest)
        return max(int(size * shrink), min(canvas.SMALLEST_FONT, size))

    def _layout(
        self,
        scene: Scene,
        boxes: np.ndarray,
        pairs: Mapping,
        curves: Mapping[tuple[int, int], np.ndarray],
        face_boxes: np.ndarray,
    ) -> LabelLayout:
        """What labels should rather not cover: faces, heads, small objects, ends of arrows."""
        canvas = self.canvas
        layout = LabelLayout(canvas.height, canvas.width)
        picture_area = canvas.height * canvas.width
        for index in {index for pair in pairs for index in pair}:
            x1, y1, x2, y2 = boxes[index]
            share = _area(boxes[index]) / picture_area
            layout.protect(boxes[index], float(np.clip(0.02 / max(share, 1e-6), 0.1, 1.5)))
            if scene.classes[index] == self.vocabulary.human_class:
                layout.protect((x1, y1, x2, y1 + 0.3 * (y2 - y1)), 0.8)
        for face in face_boxes:
            layout.protect(face, 1.0)
        reach = 6 * canvas.unit
        for (human, object_), curve in curves.items():
            if human != object_:
                for x, y in (curve[0], curve[-1]):
                    layout.protect((x - reach, y - reach, x + reach, y + reach), 2.0)
                for x, y in curve[1:-1]:
                    layout.protect((x, y, x, y), 0.5)
        return layout

    def _draw_leader(self, place: np.ndarray, anchor: np.ndarray, color: Color) -> None:
        """A thin line from a label that could not stay at its anchor."""
        nearest = np.clip(anchor, place[:2], place[2:])
        if np.hypot(*(anchor - nearest)) > 4 * self.canvas.unit:
            self.canvas.leader(anchor, nearest, color)

    def _draw_bystander_label(
        self, scene: Scene, box: np.ndarray, index: int, layout: LabelLayout, size: int
    ) -> None:
        """The class of an instance without triplet, in small letters, where there is room."""
        small = max(round(0.75 * size), self.canvas.SMALLEST_FONT)
        name = self._class_name(scene, index)
        patch = render_label([[(name, palette.BYSTANDER)]], small)
        height, width = patch.shape[:2]
        request = LabelRequest(width, height, box[None, :2], (0.0, 0.5))
        (place,) = layout.place([request], rounds=1)
        moved = np.hypot(place[0] - box[0], (place[1] + place[3]) / 2 - box[1])
        if moved < 3 * height:
            self.canvas.paste(patch, place[0], place[1])
        else:
            layout.protect(place, -layout.LABEL_DENSITY)


def side_by_side(images: Sequence[np.ndarray], titles: Sequence[str]) -> np.ndarray:
    """One picture of several, scaled to the height of the tallest, each under its title.

    Args:
        images: uint8 (H, W, 3) each, at least one.
        titles: one for each image.

    Returns:
        uint8 (H', W', 3).
    """
    height = max(image.shape[0] for image in images)
    panels = [Canvas(image, height / image.shape[0]).pixels for image in images]
    gap = max(round(height / 60), 4)
    size = max(round(height / 28), 13)
    background = np.array(palette.CHIP, dtype=np.uint8)
    columns = []
    for panel, title in zip(panels, titles, strict=True):
        label = render_label([[(title, palette.TEXT)]], size)
        shrunk = int(size * min(1.0, panel.shape[1] / label.shape[1]))
        label = render_label([[(title, palette.TEXT)]], max(shrunk, 6))[..., :3]
        bar = np.tile(background, (round(1.9 * size), panel.shape[1], 1))
        label = label[: bar.shape[0], : bar.shape[1]]
        y, x = (np.array(bar.shape[:2]) - label.shape[:2]) // 2
        bar[y : y + label.shape[0], x : x + label.shape[1]] = label
        if columns:
            columns.append(np.tile(background, (height + len(bar), gap, 1)))
        columns.append(np.concatenate([bar, panel]))
    return np.concatenate(columns, axis=1)


def save_picture(path: str | os.PathLike, image_rgb: np.ndarray) -> None:
    """Write uint8 (H, W, 3) in the format that the name's ending says, whole or not at all."""
    with atomic_path(path) as temporary:
        Image.fromarray(image_rgb).save(temporary, quality=92)


def _curve(start: np.ndarray, end: np.ndarray, points: int = 25) -> np.ndarray:
    """float (points, 2): a line from ``start`` to ``end``, bent to its right.

    The bend keeps "a talks to b" and "b talks to a" apart.
    """
    across = np.array([start[1] - end[1], end[0] - start[0]])
    control = (start + end) / 2 + 0.14 * across
    t = np.linspace(0, 1, points)[:, None]
    return (1 - t) ** 2 * start + 2 * t * (1 - t) * control + t**2 * end


def _anchors(pair: tuple[int, int], curve: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Where a pair's label belongs: along its arrow, or without an object on top of the human."""
    if pair[0] == pair[1]:
        x1, y1, x2, _ = boxes[pair[0]]
        return np.array([[(x1 + x2) / 2, y1]])
    shares = np.array([0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74])
    return curve[(shares * (len(curve) - 1)).round().astype(int)]


def _area(box: np.ndarray) -> float:
    return float((box[2] - box[0]) * (box[3] - box[1]))


def _words(name: str) -> str:
    return name.replace("_", " ")
