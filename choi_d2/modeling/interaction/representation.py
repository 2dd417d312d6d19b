"""Regions of pixels instead of boxes: Sec. 3.4 and Table 8.

An instance mask is a soft mask in the frame of its own box, as mask heads predict it.

Shape shorthand:
    P: (mask, frame) pairs; C: channels; S: bins along one side of a region; m: side of a mask.
"""

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.ops import roi_align

REPRESENTATIONS = ("bbox", "mask", "max", "sum")


def masks_in_frames(masks: Tensor, boxes: Tensor, frames: Tensor, resolution: int) -> Tensor:
    """Masks, known in the frames of their boxes, seen in other frames.

    Args:
        masks: Tensor[P, m, m] in [0, 1], in the frame of ``boxes``.
        boxes, frames: Tensor[P, 4], XYXY in one coordinate system.
        resolution: S.

    Returns:
        Tensor[P, S, S] in [0, 1]: the mean of the mask in each bin, 0 outside its box.
    """
    side = masks.shape[-1]
    size = (boxes[:, 2:] - boxes[:, :2]).clamp(min=1e-6)
    # The frame in the mask's own pixels, of which a border of zeros is added all around.
    scale, origin = (side / size).repeat(1, 2), boxes[:, :2].repeat(1, 2)
    rois = (frames - origin) * scale + 1
    batch = torch.arange(len(masks), dtype=rois.dtype, device=rois.device)
    return roi_align(
        F.pad(masks, (1, 1, 1, 1))[:, None],
        torch.cat([batch[:, None], rois], dim=1).to(masks),
        resolution,
        sampling_ratio=max(1, -(-side // resolution)),
        aligned=True,
    )[:, 0]


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
