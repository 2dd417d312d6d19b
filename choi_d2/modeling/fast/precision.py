"""Half the bits where they are enough."""

from __future__ import annotations

import torch
from detectron2.modeling.roi_heads.fast_rcnn import FastRCNNOutputLayers
from torch import Tensor, nn

from choi_d2.utils import InputError

from ..interaction.rcm import RelationClassificationModule
from ..interaction.rrm import RelationRankingModule

PRECISIONS = ("float32", "bfloat16", "auto")


def resolve_precision(name: str, device: str | torch.device) -> torch.dtype:
    """What ``MODEL.INFERENCE.PRECISION`` is on a device.

    Args:
        name: one of ``PRECISIONS``. "auto" is bfloat16 where the hardware multiplies it: CPUs with
            AVX512-BF16 or AMX, or Arm's likewise; GPUs from Ampere on. Elsewhere it would be slower
            than float32.
        device: that the model is on.

    Raises:
        InputError: another name.
    """
    if name not in PRECISIONS:
        raise InputError(
            f"expected one of {', '.join(PRECISIONS)}, found {name!r}",
            field="MODEL.INFERENCE.PRECISION",
        )
    if name == "auto":
        name = "bfloat16" if _multiplies_bfloat16(torch.device(device)) else "float32"
    return getattr(torch, name)


def _multiplies_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    # PyTorch before 2.9 does not say; then it is taken for a no.
    capabilities = getattr(torch.cpu, "get_capabilities", dict)()
    names = ("avx512_bf16", "amx_bf16", "bf16")
    return device.type == "cpu" and any(capabilities.get(name, False) for name in names)


def lower_precision(model: nn.Module, dtype: torch.dtype, but: nn.Module | None = None) -> None:
    """Keep the weights of convolutions and FC layers in ``dtype``, in place.

    Autocast would convert them for each image. Layers whose outputs are scores of detections and
    pairs, or coordinates of detections, stay in float32: eight bits of a score are many ties.

    Args:
        model: to be changed.
        dtype: of the weights.
        but: a part of the model that stays as it is.
    """
    for module in model.modules():
        if isinstance(module, _OF_SCORES):
            _keep_in_float32(module)
    kept = set() if but is None else set(but.modules())
    for layer in model.modules():
        lowered = isinstance(layer, (nn.Conv2d, nn.Linear)) and not isinstance(layer, Float32Linear)
        if lowered and layer not in kept:
            layer.to(dtype)


_OF_SCORES = (FastRCNNOutputLayers, RelationClassificationModule, RelationRankingModule)


class Float32Linear(nn.Linear):
    """An FC layer that computes in float32 under autocast, too."""

    @classmethod
    def of(cls, layer: nn.Linear) -> Float32Linear:
        """With the parameters of another."""
        bias = layer.bias is not None
        own = cls(layer.in_features, layer.out_features, bias=bias, device="meta")
        own.weight, own.bias = layer.weight, layer.bias
        return own.train(layer.training)

    def forward(self, x: Tensor) -> Tensor:
        """Tensor[..., out], float32, of Tensor[..., in]."""
        with torch.autocast(x.device.type, enabled=False):
            return super().forward(x.float())


def _keep_in_float32(module: nn.Module) -> None:
    for name, child in module.named_children():
        if type(child) is nn.Linear:
            setattr(module, name, Float32Linear.of(child))
        else:
            _keep_in_float32(child)
