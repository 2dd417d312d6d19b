"""Implicit human semantic mining: Eqs. 5-7.

Shape shorthand:
    M: humans; C: channels; S: side of a region.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SIMILARITIES = ("dot", "scaled", "cosine")

INITIAL_SCALE = 5.0
"""What cosines are multiplied by before training."""


def attention_maps(
    human: Tensor, similarity: str = "dot", scale: Tensor | float = INITIAL_SCALE
) -> Tensor:
    """How much the positions of a human region have to do with each other (Eq. 5).

    Computed in float32 whatever the input: the exponents of Eq. 5 grow with the number of channels.

    Args:
        human: Tensor[M, C, S, S], H of Eq. 3.
        similarity: what stands in the exponent of Eq. 5. "dot": h_i . h_j, the paper's; "scaled":
            that by sqrt(C), as attention layers do; "cosine": the cosine of both, times ``scale``.
        scale: Tensor[] or number, for "cosine".

    Returns:
        Tensor[M, S * S, S * S], float32 or float64; row i is A^i.
    """
    with torch.autocast(human.device.type, enabled=False):
        pixels = _pixels(human)
        if similarity == "cosine":
            directions = F.normalize(pixels, dim=1)
            exponent = directions.transpose(1, 2) @ directions * scale
        else:
            exponent = pixels.transpose(1, 2) @ pixels
            if similarity == "scaled":
                exponent = exponent / math.sqrt(pixels.shape[1])
        return exponent.softmax(dim=2)


def mine_human_semantics(
    human: Tensor, similarity: str = "dot", scale: Tensor | float = INITIAL_SCALE
) -> Tensor:
    """Add to each position of a human region the context of its latent body part (Eqs. 5-7).

    Args:
        human, similarity, scale: see :func:`attention_maps`.

    Returns:
        Tensor[M, C, S, S], H-bar, in the input's dtype.
    """
    attention = attention_maps(human, similarity, scale)
    with torch.autocast(human.device.type, enabled=False):
        pixels = _pixels(human)
        context = pixels @ attention.transpose(1, 2)  # Eq. 6
        return (pixels + context).view_as(human).to(human.dtype)  # Eq. 7


def _pixels(human: Tensor) -> Tensor:
    pixels = human.flatten(2)
    return pixels if pixels.dtype == torch.float64 else pixels.float()


class HumanSemanticMining(nn.Module):
    """H to H-bar (Eqs. 5-7).

    Args:
        similarity: one of ``SIMILARITIES``, see :func:`attention_maps`; the scale of "cosine" is
            learnt.

    Raises:
        ValueError: another similarity.
    """

    def __init__(self, similarity: str):
        super().__init__()
        if similarity not in SIMILARITIES:
            raise ValueError(f"IHSM.SIMILARITY: expected one of {SIMILARITIES}, got {similarity!r}")
        self.similarity = similarity
        if similarity == "cosine":
            self.log_scale = nn.Parameter(torch.tensor(math.log(INITIAL_SCALE)))

    @property
    def scale(self) -> Tensor | float:
        """What cosines are multiplied by; positive."""
        return self.log_scale.exp() if self.similarity == "cosine" else 1.0

    def forward(self, human: Tensor) -> Tensor:
        """Tensor[M, C, S, S], H-bar of H."""
        return mine_human_semantics(human, self.similarity, self.scale)

    @torch.no_grad()
    def own_share(self, human: Tensor) -> Tensor:
        """Tensor[M, S * S], a_ii: 1 where a position sees itself alone, and Eq. 6 gives C = H."""
        return attention_maps(human, self.similarity, self.scale).diagonal(dim1=1, dim2=2)
