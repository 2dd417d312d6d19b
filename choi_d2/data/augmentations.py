"""Detectron2's augmentations, which leave even the narrowest strip a pixel."""

from __future__ import annotations

import numpy as np
from detectron2.config import CfgNode
from detectron2.data import detection_utils
from detectron2.data import transforms as T


def build_augmentations(cfg: CfgNode, is_train: bool) -> list[T.Augmentation]:
    """What Detectron2 builds of ``cfg.INPUT``: cropping (training), resizing, flipping.

    A picture of 3000 x 1 would be resized to 1333 x 0; here no side becomes less than 1.
    """
    augmentations = [
        ResizeShortestEdge.of(each) if isinstance(each, T.ResizeShortestEdge) else each
        for each in detection_utils.build_augmentation(cfg, is_train)
    ]
    if is_train and cfg.INPUT.CROP.ENABLED:
        augmentations.insert(0, RandomCrop(cfg.INPUT.CROP.TYPE, cfg.INPUT.CROP.SIZE))
    return augmentations


class ResizeShortestEdge(T.ResizeShortestEdge):
    """As Detectron2's, with sides of at least 1."""

    @classmethod
    def of(cls, other: T.ResizeShortestEdge) -> ResizeShortestEdge:
        """The same sizes."""
        kind = "range" if other.is_range else "choice"
        return cls(other.short_edge_length, other.max_size, kind, other.interp)

    def get_transform(self, image: np.ndarray) -> T.Transform:
        """Transform of one image (H, W, C)."""
        transform = super().get_transform(image)
        if isinstance(transform, T.ResizeTransform):
            transform.new_h, transform.new_w = max(transform.new_h, 1), max(transform.new_w, 1)
        return transform


class RandomCrop(T.RandomCrop):
    """As Detectron2's, with sides of at least 1."""

    def get_crop_size(self, image_size: tuple[int, int]) -> tuple[int, int]:
        """Height and width of the crop of an image of this height and width."""
        height, width = super().get_crop_size(image_size)
        return max(height, 1), max(width, 1)
