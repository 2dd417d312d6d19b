"""Regions of pixels instead of boxes: Sec. 3.4 and Table 8.

An instance mask is a soft mask in the frame of its own box, as mask heads predict it.

Shape shorthand:
    P: (mask, frame) pairs; C: channels; S: bins along one side of a region; m: side of a mask.
"""

import torch
from torch import Tensor

from .geometry import bin_coverage

REPRESENTATIONS = ("bbox", "mask", "max", "sum")


def masks_in_frames(masks: Tensor, boxes: Tensor, frames: Tensor, resolution: int) -> Tensor:
    """Masks, known in the frames of their boxes, seen in other frames. Exact areas, no sampling.

    A mask is constant on the cells of a grid over its box. What a cell covers of a bin is a product
    of what its row and its column cover, so the mean in all bins takes two matrices a mask. However
    large the frame, a mask that has area there is seen.

    Args:
        masks: Tensor[P, rows, columns] in [0, 1], in the frame of ``boxes``.
        boxes, frames: Tensor[P, 4], XYXY in one coordinate system.
        resolution: S.

    Returns:
        Tensor[P, S, S] in [0, 1]: the mean of the mask in each bin, 0 outside its box; float32 or
        float64.
    """
    rows, columns = bin_coverage(boxes, frames, resolution, masks.shape[-2:])
    with torch.autocast(masks.device.type, enabled=False):
        return rows @ masks.to(rows) @ columns.transpose(1, 2)


def represent(pooled: Tensor, masks: Tensor | None, representation: str) -> Tensor:
    """The region's feature by box, by pixels, or by both (Table 8).

    Args:
        pooled: Tensor[P, C, S, S], RoIAlign of the box.
        masks: Tensor[P, S, S] in [0, 1], the part of each bin that belongs to the region; unused
            for "bbox".
        representation: "bbox"; "mask": what the mask covers; "max", "sum" of these two.

    Returns:
        Tensor[P, C, S, S]
    """
    if representation == "bbox":
        return pooled
    pixels = pooled * masks[:, None].to(pooled)
    if representation == "mask":
        return pixels
    return torch.maximum(pooled, pixels) if representation == "max" else pooled + pixels
