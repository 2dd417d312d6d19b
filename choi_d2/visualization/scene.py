"""What there is to draw, whether it was annotated, augmented or predicted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from detectron2.structures import BoxMode, Instances

from .masks import (
    MaskOf,
    masks_of_annotations,
    masks_of_ground_truth,
    masks_of_predictions,
    no_masks,
)
from .triplets import Triplet, annotated_triplets, top_triplets


@dataclass
class Scene:
    """Instances, triplets and faces of one picture, in the picture's pixels.

    Args:
        boxes: float (R, 4), x1 y1 x2 y2.
        classes: int (R,), contiguous class ids.
        triplets: indices point into ``boxes``.
        mask_of: instance index -> bool (H, W) or None.
        faces: float (F, 4), x1 y1 x2 y2.
        other_pairs: (human, object) of pairs without a verb that are to be seen all the same.
        track_ids: int (R,), numbers over a video's frames, -1 for none; None outside of videos.
    """

    boxes: np.ndarray
    classes: np.ndarray
    triplets: list[Triplet]
    mask_of: MaskOf = no_masks
    faces: np.ndarray = field(default_factory=lambda: np.zeros((0, 4)))
    other_pairs: list[tuple[int, int]] = field(default_factory=list)
    track_ids: np.ndarray | None = None

    def number_of(self, index: int) -> int | None:
        """The number of an instance over a video's frames; None where it has none."""
        number = -1 if self.track_ids is None else int(self.track_ids[index])
        return number if number >= 0 else None

    @classmethod
    def from_record(cls, record: Mapping[str, Any], height: int, width: int) -> Scene:
        """From a dataset record, whose picture is ``height`` x ``width`` pixels."""
        annotations = record.get("annotations", [])
        boxes = [
            BoxMode.convert(list(each["bbox"]), each["bbox_mode"], BoxMode.XYXY_ABS)
            for each in annotations
        ]
        return cls(
            boxes=_box_array(boxes),
            classes=np.array([each["category_id"] for each in annotations], dtype=np.int64),
            triplets=annotated_triplets(record.get("interactions", [])),
            mask_of=masks_of_annotations(annotations, height, width),
            faces=_box_array([face["bbox"] for face in record.get("faces", [])]),
        )

    @classmethod
    def from_sample(
        cls, sample: Mapping[str, Any], other_pairs: torch.Tensor | None = None
    ) -> Scene:
        """From what the training mapper hands the model, in the augmented image's frame.

        Args:
            sample: the mapper's.
            other_pairs: Tensor[P, 2] of pairs without a verb.
        """
        instances, interactions = sample["instances"], sample["interactions"]
        rows, verbs = torch.nonzero(interactions.verbs, as_tuple=True)
        pairs = interactions.pairs.tolist()
        return cls(
            boxes=_box_array(instances.gt_boxes.tensor),
            classes=instances.gt_classes.cpu().numpy(),
            triplets=[
                Triplet(*pairs[row], verb)
                for row, verb in zip(rows.tolist(), verbs.tolist(), strict=True)
            ],
            mask_of=masks_of_ground_truth(instances),
            faces=_face_array(sample.get("faces")),
            other_pairs=[] if other_pairs is None else [(h, o) for h, o in other_pairs.tolist()],
        )

    @classmethod
    def from_predictions(
        cls,
        instances: Instances,
        interactions: Instances,
        score_thresh: float,
        max_triplets: int | None,
        faces: Instances | None = None,
    ) -> Scene:
        """From the model's output for one image."""
        return cls(
            boxes=_box_array(instances.pred_boxes.tensor),
            classes=instances.pred_classes.cpu().numpy(),
            triplets=top_triplets(interactions, score_thresh, max_triplets),
            mask_of=masks_of_predictions(instances),
            faces=_face_array(faces),
        )


def _box_array(boxes: list | torch.Tensor) -> np.ndarray:
    if isinstance(boxes, torch.Tensor):
        boxes = boxes.detach().float().cpu().numpy()
    return np.asarray(boxes, dtype=np.float64).reshape(-1, 4)


def _face_array(faces: Instances | None) -> np.ndarray:
    return _box_array([] if faces is None else faces.boxes.tensor)
