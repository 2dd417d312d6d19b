"""Implicit human semantic mining: Eqs. 5-7."""

import math

import torch
from torch import Tensor


def mine_human_semantics(human: Tensor, *, scaled: bool = False) -> Tensor:
    """Add to each position of a human region the context of its latent body part (Eqs. 5-7).

    Computed in float32 whatever the input: the exponents of Eq. 5 grow with the number of channels.

    Args:
        human: Tensor[M, C, S, S], H of Eq. 3.
        scaled: divide the inner products of Eq. 5 by sqrt(C). The paper does not.

    Returns:
        Tensor[M, C, S, S], H-bar, in the input's dtype.
    """
    with torch.autocast(human.device.type, enabled=False):
        pixels = human.flatten(2)
        pixels = pixels if pixels.dtype == torch.float64 else pixels.float()
        similarity = pixels.transpose(1, 2) @ pixels
        if scaled:
            similarity = similarity / math.sqrt(pixels.shape[1])
        attention = similarity.softmax(dim=2)  # Eq. 5: row i is A^i
        context = pixels @ attention.transpose(1, 2)  # Eq. 6
        return (pixels + context).view_as(human).to(human.dtype)  # Eq. 7
