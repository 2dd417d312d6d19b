"""S^1..S^T: instance segmentation with mask information flow (Sec. 3.4, Eq. 17).

Shape shorthand:
    R: regions of all images; C: channels; K: classes; S: 14, side of a pooled region; m = 2 S.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from detectron2.config import configurable
from detectron2.layers import Conv2d
from detectron2.modeling.roi_heads import ROI_MASK_HEAD_REGISTRY
from detectron2.modeling.roi_heads.mask_head import MaskRCNNConvUpsampleHead
from detectron2.structures import BitMasks, PolygonMasks
from torch import Tensor, nn

from ..interaction.representation import masks_in_frames


@ROI_MASK_HEAD_REGISTRY.register()
class CascadeMaskHead(MaskRCNNConvUpsampleHead):
    """S^t: Mask R-CNN's head that also takes the features of S^{t-1} on the same regions."""

    @configurable
    def __init__(self, input_shape, *, conv_dims: Sequence[int], **kwargs):
        """Initialize.

        Args:
            input_shape, conv_dims, kwargs: as Detectron2's ``MaskRCNNConvUpsampleHead``.
        """
        super().__init__(input_shape, conv_dims=conv_dims, **kwargs)
        trunk_channels = [input_shape.channels, *conv_dims][-2]
        self.flow = Conv2d(trunk_channels, input_shape.channels, kernel_size=1)
        # S^t with the weights of a detector's mask head starts as that head.
        nn.init.zeros_(self.flow.weight)
        nn.init.zeros_(self.flow.bias)

    def trunk(self, pooled: Tensor, previous: Tensor | None) -> Tensor:
        """The head's convolutions.

        Args:
            pooled: Tensor[R, C, S, S].
            previous: what S^{t-1}'s trunk made of the same regions; None at the first stage.

        Returns:
            Tensor[R, C', S, S]
        """
        x = pooled if previous is None else pooled + self.flow(previous)
        for conv in self.conv_norm_relus:
            x = conv(x)
        return x

    def predict(self, trunk: Tensor) -> Tensor:
        """Tensor[R, K, m, m], mask logits (one channel if the head is class-agnostic)."""
        return self.predictor(self.deconv_relu(self.deconv(trunk)))


def cascade_mask_logits(heads: Sequence[CascadeMaskHead], pooled: Tensor) -> Tensor:
    """The logits of the last of ``heads``, through the trunks of all (Eq. 17).

    Args:
        heads: S^1..S^t.
        pooled: Tensor[R, C, S, S], RoIAlign at O^t.

    Returns:
        Tensor[R, K, m, m]
    """
    trunk = None
    for head in heads:
        trunk = head.trunk(pooled, trunk)
    return heads[-1].predict(trunk)


def soft_masks_of_classes(logits: Tensor, classes: Tensor) -> Tensor:
    """Each region's mask of its own class.

    Args:
        logits: Tensor[R, K, m, m] or class-agnostic Tensor[R, 1, m, m].
        classes: Tensor[R] int64.

    Returns:
        Tensor[R, m, m] in [0, 1], float32 under autocast, detached.
    """
    channel = torch.zeros_like(classes) if logits.shape[1] == 1 else classes
    rows = torch.arange(len(logits), device=logits.device)
    return logits[rows, channel].detach().float().sigmoid()


def soft_crops(masks: BitMasks | PolygonMasks, boxes: Tensor, resolution: int) -> Tensor:
    """True masks in the frames of boxes: which part of each cell the mask covers.

    ``crop_and_resize`` rounds the parts, and what is thinner than half a cell is lost.

    Args:
        masks: of R instances.
        boxes: Tensor[R, 4], XYXY.
        resolution: m.

    Returns:
        Tensor[R, m, m] in [0, 1]; polygons are sampled 8 x 8 times a cell, bitmaps are exact.
    """
    if isinstance(masks, PolygonMasks):
        fine = masks.crop_and_resize(boxes, 8 * resolution).to(boxes)
        return F.avg_pool2d(fine[:, None], 8)[:, 0]
    crops = boxes.new_zeros(len(boxes), resolution, resolution)
    height, width = masks.image_size
    frame = boxes.new_tensor([[0, 0, width, height]])
    for crop, bitmap, box in zip(crops, masks.tensor, boxes):  # one by one: a bitmap is large
        crop.copy_(masks_in_frames(bitmap[None].to(boxes), frame, box[None], resolution)[0])
    return crops
