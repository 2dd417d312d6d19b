"""Masks of run lengths in the frame of an augmented image, decoded no earlier than needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pycocotools.mask as mask_util
from detectron2.data import transforms as T

_BITS = 8
"""Masks in a label map: bits of its values, which transforms of labels do not mix."""


def transform_run_lengths(
    masks: Sequence[Mapping], transforms: T.TransformList, image_size: tuple[int, int]
) -> list[np.ndarray]:
    """Decode masks of one image and transform them, eight at a time.

    Of those that are cropped away nothing is decoded.

    Args:
        masks: compressed run lengths, checked.
        transforms: of the image.
        image_size: (height, width) afterwards.

    Returns:
        for each mask bool (height, width).

    Raises:
        ValueError: the masks differ in size, or are not of the image's.
    """
    sizes = {tuple(mask["size"]) for mask in masks}
    if len(sizes) > 1:
        raise ValueError(f"masks of different sizes {sorted(sizes)}")
    kept = [i for i, mask in enumerate(masks) if not _is_away(mask, transforms, image_size)]
    transformed: list[np.ndarray | None] = [None] * len(masks)
    for first in range(0, len(kept), _BITS):
        group = kept[first : first + _BITS]
        labels = np.zeros(masks[0]["size"], np.uint8, order="F")  # as masks are decoded
        for bit, index in enumerate(group):
            labels |= mask_util.decode(masks[index]) << np.uint8(bit)
        labels = transforms.apply_segmentation(np.ascontiguousarray(labels))
        if labels.shape != tuple(image_size):
            raise ValueError(f"masks of the size {list(labels.shape)} for {list(image_size)}")
        for bit, index in enumerate(group):
            transformed[index] = (labels & np.uint8(1 << bit)) != 0
    return [np.zeros(image_size, bool) if mask is None else mask for mask in transformed]


def _is_away(mask: Mapping, transforms: T.TransformList, image_size: tuple[int, int]) -> bool:
    """Is it outside of the image afterwards, by more than a pixel?"""
    x, y, width, height = mask_util.toBbox(mask).tolist()
    ((x1, y1, x2, y2),) = transforms.apply_box(np.array([[x, y, x + width, y + height]]))
    height, width = image_size
    return x2 < -1 or y2 < -1 or x1 > width + 1 or y1 > height + 1
