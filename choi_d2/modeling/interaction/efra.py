"""Explicit facial region attending: the attention scores of Eqs. 8 and 9."""

import math

import torch
from torch import Tensor, nn

INPUT_NORMS = ("none", "rms")


def to_unit_rms(regions: Tensor) -> Tensor:
    """Divide each region by the root of its mean square.

    Args:
        regions: Tensor[M, D].

    Returns:
        Tensor[M, D] in the input's dtype; a region of zeros stays one.
    """
    with torch.autocast(regions.device.type, enabled=False):
        x = regions if regions.dtype == torch.float64 else regions.float()
        return (x * (x.square().mean(dim=1, keepdim=True) + 1e-12).rsqrt()).to(regions)


class FacialAttention(nn.Module):
    """alpha = sigmoid(FC_x2([region, O])): how much a region of the human matters for the object.

    The first layer is linear on a concatenation, so its two halves are applied to humans and to
    objects on their own, and a pair only adds them up.

    Shape shorthand:
        M: humans; Q: objects; P: pairs; D: length of a flattened region; A: hidden width.

    Args:
        region_dim: D.
        hidden_dim: A.
        input_norm: one of ``INPUT_NORMS``. "none" is the paper's; "rms" brings region and O to one
            scale first, see :func:`to_unit_rms`.
        initial_score: about what a score is before training, between 0 and 1.
    """

    def __init__(
        self,
        region_dim: int,
        hidden_dim: int,
        input_norm: str = "none",
        initial_score: float = 0.5,
    ):
        super().__init__()
        if input_norm not in INPUT_NORMS:
            raise ValueError(f"EFRA.INPUT_NORM: expected one of {INPUT_NORMS}, got {input_norm!r}")
        self.input_norm = input_norm
        if not 0 < initial_score < 1:
            raise ValueError(f"EFRA.INITIAL_SCORE: expected 0 < score < 1, got {initial_score}")
        self.region = nn.Linear(region_dim, hidden_dim)
        self.object = nn.Linear(region_dim, hidden_dim, bias=False)
        self.score = nn.Linear(hidden_dim, 1)
        # As one layer over the concatenation would be initialized.
        for half in (self.region, self.object):
            nn.init.normal_(half.weight, std=(2 * region_dim) ** -0.5)
        nn.init.zeros_(self.region.bias)
        with torch.no_grad():
            self.score.bias += math.log(initial_score / (1 - initial_score))

    def project(self, regions: Tensor, objects: Tensor) -> tuple[Tensor, Tensor]:
        """The hidden layer's summands.

        Args:
            regions: Tensor[M, D], F or F-bar of each human.
            objects: Tensor[Q, D], O of each object.

        Returns:
            Tensor[M, A], Tensor[Q, A]
        """
        if self.input_norm == "rms":
            regions, objects = to_unit_rms(regions), to_unit_rms(objects)
        return self.region(regions), self.object(objects)

    def forward(self, region_terms: Tensor, object_terms: Tensor) -> Tensor:
        """The attention scores of pairs.

        Args:
            region_terms, object_terms: Tensor[P, A], what ``project`` gave, gathered by pair.

        Returns:
            Tensor[P, 1] in [0, 1], float32 under autocast.
        """
        logits = self.score(torch.relu(region_terms + object_terms))
        return (logits if logits.dtype == torch.float64 else logits.float()).sigmoid()
