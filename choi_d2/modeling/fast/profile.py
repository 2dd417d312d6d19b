"""``MODEL.INFERENCE``: how a trained model is made ready to answer."""

from __future__ import annotations

import copy
import logging
from dataclasses import dataclass, replace

import torch
from detectron2.config import CfgNode
from detectron2.modeling.proposal_generator import RPN
from torch import nn

from choi_d2.utils import InputError

from ..meta_arch import CHOIRCNN
from .norm_folding import fold_batch_norms
from .precision import lower_precision, resolve_precision

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class InferenceProfile:
    """What ``MODEL.INFERENCE`` asks for; see the keys' comments. The defaults change nothing.

    Attributes:
        max_proposals: of the RPN's, after NMS; 0: as it has them.
        fold_norm: fold batch normalization into convolutions.
        channels_last: lay out images and weights so.
        precision: of convolutions and FC layers, see :func:`resolve_precision`.
        float32_backbone: not of the backbone's.
        compile: let ``torch.compile`` make one program of the backbone.
    """

    max_proposals: int = 0
    fold_norm: bool = False
    channels_last: bool = False
    precision: str = "float32"
    float32_backbone: bool = False
    compile: bool = False

    @classmethod
    def from_config(cls, cfg: CfgNode) -> InferenceProfile:
        """Read ``MODEL.INFERENCE``.

        Raises:
            InputError: a value that it cannot have.
        """
        keys = cfg.MODEL.INFERENCE
        if keys.MAX_PROPOSALS < 0:
            raise InputError(
                f"expected at least 0, found {keys.MAX_PROPOSALS}",
                field="MODEL.INFERENCE.MAX_PROPOSALS",
            )
        resolve_precision(keys.PRECISION, "cpu")  # complain now
        return cls(
            max_proposals=keys.MAX_PROPOSALS,
            fold_norm=keys.FOLD_NORM,
            channels_last=keys.CHANNELS_LAST,
            precision=keys.PRECISION,
            float32_backbone=keys.FLOAT32_BACKBONE,
            compile=keys.COMPILE,
        )

    @property
    def changes_nothing(self) -> bool:
        """Is the model as it was trained what is asked for?"""
        return replace(self, float32_backbone=False) == InferenceProfile()

    def apply(self, model: CHOIRCNN) -> None:
        """Change a model in place; it is in evaluation mode then, for good."""
        model.eval()
        # What is kept there belongs to the model as it was.
        model.localization_cache = None
        if self.fold_norm:
            logger.info("%d batch normalizations folded", fold_batch_norms(model))
        if self.max_proposals and isinstance(model.proposal_generator, RPN):
            rpn = model.proposal_generator
            rpn.pre_nms_topk[False] = min(rpn.pre_nms_topk[False], 2 * self.max_proposals)
            rpn.post_nms_topk[False] = min(rpn.post_nms_topk[False], self.max_proposals)
        if self.channels_last:
            model.channels_last = True
            model.to(memory_format=torch.channels_last)
        dtype = resolve_precision(self.precision, model.device)
        if dtype != torch.float32:
            lower_precision(model, dtype, but=model.backbone if self.float32_backbone else None)
            model.inference_dtype = dtype
            model.float32_backbone = self.float32_backbone
        if self.compile:
            _compile_backbone(model)


def prepare_for_inference(model: nn.Module, cfg: CfgNode, *, in_place: bool = False) -> nn.Module:
    """A model as ``MODEL.INFERENCE`` wants it.

    Args:
        model: :class:`CHOIRCNN`; another one stays as it is, and a warning says so.
        cfg: the model's.
        in_place: change ``model`` itself, which cannot be trained or saved as its class any more;
            by default it stays as it is, and a copy is changed.

    Returns:
        ``model`` where it is changed in place, or where there is nothing to change; else the copy,
        in evaluation mode.

    Raises:
        InputError: a key has a value that it cannot have.
    """
    profile = InferenceProfile.from_config(cfg)
    if profile.changes_nothing:
        return model
    if not isinstance(model, CHOIRCNN):
        logger.warning("MODEL.INFERENCE does not change a %s", type(model).__name__)
        return model
    model = model if in_place else copy.deepcopy(model)
    profile.apply(model)
    return model


@torch.no_grad()
def _compile_backbone(model: CHOIRCNN) -> None:
    """As one program for images of any size, made now; where that fails, it stays as it is."""
    backbone = model.backbone
    side = 2 * max(backbone.size_divisibility, 32)
    image = torch.zeros(1, len(model.pixel_mean), side, side + 32, device=model.device)
    if model.channels_last:
        image = image.contiguous(memory_format=torch.channels_last)
    model.backbone = torch.compile(backbone, dynamic=True)
    try:
        with model.inference_precision():
            model.feature_maps(image)
    except Exception as error:  # no compiler, or whatever a backbone does that it does not know
        model.backbone = backbone
        reason = str(error).strip().splitlines()[0]
        logger.warning("torch.compile cannot have the backbone, which stays as it is: %s", reason)
