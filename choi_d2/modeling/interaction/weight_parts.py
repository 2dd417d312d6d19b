"""A layer on a concatenation whose parts come in batches of their own."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def meet_parts(weight: Tensor, *factors: Tensor) -> tuple[Tensor, ...]:
    """The products of a weight's parts, equal in width, with a batch for each.

    As ``weight.chunk(len(factors), dim=1)`` and a product each, but the weight's gradient is
    written where it belongs: autograd makes one for each part, and then copies all to one.

    Args:
        weight: Tensor[D, n * K].
        factors: n times Tensor[*, K].

    Returns:
        n times Tensor[*, D]
    """
    device = weight.device.type
    if torch.is_autocast_enabled(device):
        dtype = torch.get_autocast_dtype(device)
        weight, *factors = (x.to(dtype) for x in (weight, *factors))
    return _MeetParts.apply(weight, *factors)


class _MeetParts(torch.autograd.Function):
    @staticmethod
    def forward(ctx, weight, *factors):
        ctx.save_for_backward(weight, *factors)
        parts = weight.chunk(len(factors), dim=1)
        return tuple(x @ part.t() for x, part in zip(factors, parts, strict=True))

    @staticmethod
    @once_differentiable
    def backward(ctx, *gradients):
        weight, *factors = ctx.saved_tensors
        weight_gradient = None
        if ctx.needs_input_grad[0]:
            weight_gradient = torch.empty_like(weight)
            outs = weight_gradient.chunk(len(factors), dim=1)
            for gradient, x, out in zip(gradients, factors, outs, strict=True):
                torch.mm(gradient.t(), x, out=out)
        parts = weight.chunk(len(factors), dim=1)
        factor_gradients = [
            gradient @ part if needed else None
            for gradient, part, needed in zip(gradients, parts, ctx.needs_input_grad[1:])
        ]
        return weight_gradient, *factor_gradients
