"""Weights in fewer bits, for files that are passed on; they are computed with in 32 bits."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

BITS = (8, 16, 32)
_SCALE = "::scale"
# Smaller tensors, and those that are no weights of a layer, are not worth eight bits' rounding.
_LEAST = 4096


def pack(state: Mapping[str, Tensor], bits: int) -> dict[str, Tensor]:
    """Write float32 tensors in fewer bits; others stay as they are.

    Args:
        state: tensors by name.
        bits: 32 changes nothing. 16: half precision, where no number is too large for it. 8: the
            large ``weight`` of a layer as whole numbers from -127 to 127 with a scale for each of
            its outputs (its first axis), and the rest in half precision.

    Returns:
        contiguous tensors by name, and scales beside those in 8 bits.
    """
    packed = {}
    for name, tensor in state.items():
        if bits < 32 and tensor.dtype == torch.float32:
            if bits == 8 and _is_large_weight(name, tensor):
                scale = tensor.flatten(1).abs().amax(dim=1).clamp(min=1e-12) / 127
                packed[name + _SCALE] = scale
                tensor = (tensor / _like(scale, tensor)).round().to(torch.int8)
            else:
                half = tensor.half()
                tensor = half if torch.equal(half.isfinite(), tensor.isfinite()) else tensor
        packed[name] = tensor.contiguous()
    return packed


def unpack(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What :func:`pack` was given, but for rounding; those in half precision stay so."""
    scales = {name: x for name, x in state.items() if name.endswith(_SCALE)}
    unpacked = {name: x for name, x in state.items() if name not in scales}
    for name, scale in scales.items():
        whole = unpacked.get(name.removesuffix(_SCALE))
        if whole is not None and whole.dtype == torch.int8:
            unpacked[name.removesuffix(_SCALE)] = whole.float() * _like(scale, whole)
    return unpacked


def _is_large_weight(name: str, tensor: Tensor) -> bool:
    if name.rpartition(".")[2] != "weight" or tensor.ndim < 2 or tensor.numel() < _LEAST:
        return False
    return bool(tensor.isfinite().all())


def _like(scale: Tensor, tensor: Tensor) -> Tensor:
    """A number for each entry of the first axis, to be multiplied with all of them."""
    return scale.view(-1, *[1] * (tensor.ndim - 1))
