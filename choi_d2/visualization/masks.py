"""One instance's mask at a time, whatever form it is stored in.

Masks of a big photo are big (24 MB each at 6000 x 4000), so a picture's masks are never all
decoded at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import cv2
import numpy as np
import torch
from detectron2.structures import BitMasks, Instances, PolygonMasks, ROIMasks
from detectron2.structures.masks import polygons_to_bitmask
from pycocotools import mask as coco_mask

MaskOf = Callable[[int], "np.ndarray | None"]
"""Instance index -> its mask, bool (H, W), or None where it has none."""


def no_masks(index: int) -> None:
    """The MaskOf of a picture without masks."""
    return None


def decode_segmentation(segmentation: Any, height: int, width: int) -> np.ndarray | None:
    """Decode a COCO segmentation.

    Args:
        segmentation: polygons ``[[x, y, ...], ...]``, or an RLE dict, compressed or not; None or
            empty for no mask.
        height: picture height, in pixels.
        width: picture width, in pixels.

    Returns:
        bool (height, width), or None.
    """
    if not segmentation:
        return None
    if isinstance(segmentation, Mapping):
        if isinstance(segmentation["counts"], list):
            segmentation = coco_mask.frPyObjects(dict(segmentation), *segmentation["size"])
        return coco_mask.decode(segmentation).astype(bool)
    return polygons_to_bitmask([np.asarray(polygon) for polygon in segmentation], height, width)


def encode_mask(mask: np.ndarray) -> dict:
    """A bool (H, W) mask as a compressed COCO RLE that JSON can hold."""
    rle = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {"size": [int(side) for side in rle["size"]], "counts": rle["counts"].decode("ascii")}


def inner_point(mask: np.ndarray) -> np.ndarray:
    """A point (x, y) well inside of a non-empty bool (H, W) mask, near its centre of mass.

    The centre of a box can be outside of the thing; this is not. Large masks are thinned out
    first, so the point may be a few pixels off the best one.
    """
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    part = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    step = max(max(part.shape) // 256, 1)
    thin = part[::step, ::step]
    if not thin.any():
        thin, step = part, 1
    depth = cv2.distanceTransform(np.pad(thin.astype(np.uint8), 1), cv2.DIST_L2, 3)[1:-1, 1:-1]
    y, x = np.nonzero(thin)
    off_center = np.hypot(y - y.mean(), x - x.mean()) / (0.5 * max(thin.shape))
    best = np.argmax(depth[y, x] / depth.max() - off_center)
    return np.array([columns[0] + x[best] * step + 0.5, rows[0] + y[best] * step + 0.5])


def masks_of_annotations(annotations: Sequence[Mapping], height: int, width: int) -> MaskOf:
    """The masks of a dataset record's ``annotations``."""

    def mask_of(index: int) -> np.ndarray | None:
        return decode_segmentation(annotations[index].get("segmentation"), height, width)

    return mask_of


def masks_of_predictions(instances: Instances) -> MaskOf:
    """The masks of predicted instances.

    ``pred_masks`` may be bitmaps of the whole picture, Tensor[R, H, W], or soft masks in the frame
    of each box, Tensor[R, 1, M, M] or ROIMasks, which are pasted when asked for.
    """
    if not instances.has("pred_masks"):
        return no_masks
    masks, (height, width) = instances.pred_masks, instances.image_size
    tensor = masks.tensor if isinstance(masks, (BitMasks, ROIMasks)) else masks
    whole_picture = tensor.dim() == 3 and not isinstance(masks, ROIMasks)

    def mask_of(index: int) -> np.ndarray:
        mask = tensor[index : index + 1]
        if not whole_picture:
            roi_mask = ROIMasks(mask.reshape(1, *mask.shape[-2:]).float())
            mask = roi_mask.to_bitmasks(instances.pred_boxes[index], height, width).tensor
        return mask[0].cpu().numpy() > 0.5

    return mask_of


def masks_of_ground_truth(instances: Instances) -> MaskOf:
    """The masks of a mapper's ``instances`` (``gt_masks``: polygons or bitmaps)."""
    if not instances.has("gt_masks"):
        return no_masks
    masks, (height, width) = instances.gt_masks, instances.image_size

    def mask_of(index: int) -> np.ndarray:
        if isinstance(masks, PolygonMasks):
            return polygons_to_bitmask(masks.polygons[index], height, width)
        tensor = masks.tensor if isinstance(masks, BitMasks) else masks
        return torch.as_tensor(tensor[index]).cpu().numpy() > 0.5

    return mask_of
