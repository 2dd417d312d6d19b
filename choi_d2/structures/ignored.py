"""Places of an image where a box is neither an instance nor background."""

from __future__ import annotations

import torch
from detectron2.structures import Boxes, pairwise_ioa, pairwise_iou
from torch import Tensor


class IgnoredRegions:
    """Regions of one image that hold something of which the annotation says too little.

    A crowd holds an unknown number of things of one class: a box is on it by the part of *the box*
    that the crowd's box covers (as in COCO's evaluation), however small the box. An uncertain
    instance is one thing, if it is anything: a box is on it by their IoU.

    I: number of regions; R: of boxes. Boxes are XYXY in the frame of the model's input.

    Args:
        boxes: Tensor[I, 4].
        is_crowd: Tensor[I] bool: a crowd, or else an uncertain instance.
    """

    def __init__(self, boxes: Tensor, is_crowd: Tensor):
        if boxes.dim() != 2 or boxes.shape[1] != 4:
            raise ValueError(f"boxes: expected (I, 4), got {tuple(boxes.shape)}")
        if is_crowd.dtype != torch.bool or is_crowd.shape != boxes.shape[:1]:
            raise ValueError(
                f"is_crowd: expected bool ({len(boxes)},), got {is_crowd.dtype} "
                f"{tuple(is_crowd.shape)}"
            )
        self.boxes = boxes
        self.is_crowd = is_crowd

    @classmethod
    def empty(cls) -> IgnoredRegions:
        """No region at all."""
        return cls(torch.zeros(0, 4), torch.zeros(0, dtype=torch.bool))

    def __len__(self) -> int:
        return len(self.boxes)

    def __repr__(self) -> str:
        return f"IgnoredRegions(boxes={self.boxes.tolist()}, is_crowd={self.is_crowd.tolist()})"

    def to(self, *args, **kwargs) -> IgnoredRegions:
        """The same on another device."""
        return IgnoredRegions(self.boxes.to(*args, **kwargs), self.is_crowd.to(*args, **kwargs))

    def hold(self, boxes: Boxes, *, iou: float, crowd_coverage: float) -> Tensor:
        """Which boxes are on a region?

        Args:
            boxes: R boxes.
            iou: from this IoU with an uncertain instance on.
            crowd_coverage: from this part of the box inside a crowd on.

        Returns:
            Tensor[R] bool; never a box without area.
        """
        uncertain = Boxes(self.boxes[~self.is_crowd].to(boxes.tensor))
        crowds = Boxes(self.boxes[self.is_crowd].to(boxes.tensor))
        held = (pairwise_iou(uncertain, boxes) >= iou).any(dim=0)
        held |= (pairwise_ioa(crowds, boxes) >= crowd_coverage).any(dim=0)
        return held & (boxes.area() > 0)
