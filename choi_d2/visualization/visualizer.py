"""Pictures of ⟨human, verb, object⟩ triplets."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from detectron2.structures import Instances
from torch import Tensor

from choi_d2.structures import Vocabulary

from . import palette
from .canvas import Canvas
from .labels import Drawn, write_labels
from .masks import inner_point
from .palette import Color
from .pictures import save_picture
from .scene import Scene
from .triplets import group_by_pair


class TripletVisualizer:
    """Draws the triplets of one picture, of any size.

    Every human has its own colour, on its box or mask, on the arrow to each of its objects and on
    the edge of the arrow's label; objects are blue. A label says all verbs of its pair in words. In
    a video that was tracked the colour is that of the human's number, which labels say, too. ::

        visualizer = TripletVisualizer(image_rgb, MetadataCatalog.get("hoiw_test"))
        visualizer.draw_predictions(output["instances"], output["interactions"])
        visualizer.save("triplets.jpg")

    Args:
        image_rgb: uint8 (H, W, 3).
        metadata: the data set's, with ``thing_classes`` and ``verb_classes``; or a
            :class:`Vocabulary`.
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
        if not isinstance(metadata, Vocabulary):
            metadata = Vocabulary.from_metadata(metadata)
        self.vocabulary = metadata
        self.picture_size = image_rgb.shape[:2]
        if scale is None:
            scale = self._readable_scale()
        self.canvas = Canvas(image_rgb, scale)

    def _readable_scale(self) -> float:
        wanted = np.divide(self.READABLE_SIZE, sorted(self.picture_size)).max()
        return max(min(wanted, self.ENLARGED_SIDE / max(self.picture_size)), 1.0)

    # ------------------------------------------------------------------------------- inputs
    def draw_scene(
        self, scene: Scene, *, masks: bool = False, faces: bool = False, shown: Sequence[int] = ()
    ) -> TripletVisualizer:
        """Draw a scene's triplets.

        Args:
            scene: in the picture's pixels.
            masks: draw masks instead of boxes, where there are masks.
            faces: draw an ellipse in each face box.
            shown: instances to be outlined even where they are in no triplet.
        """
        return self._draw(scene, masks, faces, shown)

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
        other_pairs: Tensor | None = None,
    ) -> TripletVisualizer:
        """Draw what the training mapper hands the model; see :meth:`draw_ground_truth`.

        Args:
            sample: a dict with ``instances``, ``interactions`` and, perhaps, ``faces``, in the
                frame of the (augmented) picture.
            other_pairs: Tensor[P, 2] of (human, object), un-annotated pairs: grey lines with a dot
                at the human.
        """
        scene = Scene.from_sample(sample, other_pairs)
        return self._draw(scene, masks, faces, range(len(scene.boxes)) if all_instances else ())

    def draw_predictions(
        self,
        instances: Instances,
        interactions: Instances,
        score_thresh: float = 0.15,
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
        others = sorted({*shown, *itertools.chain(*scene.other_pairs)} - in_triplets)

        handles = {
            index: self._draw_instance(scene, boxes, index, palette.BYSTANDER, masks, weight=0.5)
            for index in others
        }
        # Large ones first: a cup in front of a table stays visible.
        for index in sorted(in_triplets, key=lambda i: -_area(boxes[i])):
            handles[index] = self._draw_instance(scene, boxes, index, colors[index], masks, 1.0)
        for human, object_ in scene.other_pairs:
            if human != object_:
                self._draw_line(_curve(handles[human], handles[object_]))
        face_boxes = scene.faces * canvas.scale if faces else np.zeros((0, 4))
        for face in face_boxes:
            canvas.ellipse(face, palette.FACE, weight=0.5)

        curves = {(human, o): _curve(handles[human], handles[o]) for human, o in pairs}
        for (human, object_), curve in curves.items():
            if human != object_:
                self._draw_arrow(curve, colors[human])
        drawn = Drawn(scene, boxes, face_boxes, pairs, curves, colors, others)
        write_labels(canvas, drawn, self.vocabulary)
        return self

    def _instance_colors(self, scene: Scene, pairs: Mapping) -> dict[int, Color]:
        humans = {human for human, _ in pairs}
        humans |= {o for _, o in pairs if scene.classes[o] == self.vocabulary.human_class}
        if scene.track_ids is not None:
            colors = palette.tracked_colors({i: scene.number_of(i) for i in humans})
            return {i: colors.get(i, palette.OBJECT) for pair in pairs for i in pair}
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

    def _draw_line(self, curve: np.ndarray) -> None:
        self.canvas.curve(curve, palette.OTHER_PAIR, weight=0.4)
        self.canvas.dot(curve[0], palette.OTHER_PAIR, radius=1.5)

    def _draw_arrow(self, curve: np.ndarray, color: Color) -> None:
        # The head stops short of the handle: an object that is itself a human has its dot there.
        gap = np.hypot(*(curve - curve[-1]).T)
        shaft = curve[gap >= min(5 * self.canvas.unit, 0.4 * gap[0])]
        self.canvas.curve(shaft, color, weight=0.9)
        self.canvas.arrow_head(shaft[-1], curve[-1] - curve[-3], color)
        self.canvas.dot(curve[0], color)


def _curve(start: np.ndarray, end: np.ndarray, points: int = 25) -> np.ndarray:
    """float (points, 2): a line from ``start`` to ``end``, bent to its right.

    The bend keeps "a talks to b" and "b talks to a" apart.
    """
    across = np.array([start[1] - end[1], end[0] - start[0]])
    control = (start + end) / 2 + 0.14 * across
    t = np.linspace(0, 1, points)[:, None]
    return (1 - t) ** 2 * start + 2 * t * (1 - t) * control + t**2 * end


def _area(box: np.ndarray) -> float:
    return float((box[2] - box[0]) * (box[3] - box[1]))
