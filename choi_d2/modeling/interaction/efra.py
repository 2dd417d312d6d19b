"""Explicit facial region attending: the attention scores of Eqs. 8 and 9."""

import torch
from torch import Tensor, nn


class FacialAttention(nn.Module):
    """alpha = sigmoid(FC_x2([region, O])): how much a region of the human matters for the object.

    The first layer is linear on a concatenation, so its two halves are applied to humans and to
    objects on their own, and a pair only adds them up.

    Shape shorthand:
        M: humans; Q: objects; P: pairs; D: length of a flattened region; A: hidden width.

    Args:
        region_dim: D.
        hidden_dim: A.
    """

    def __init__(self, region_dim: int, hidden_dim: int):
        super().__init__()
        self.region = nn.Linear(region_dim, hidden_dim)
        self.object = nn.Linear(region_dim, hidden_dim, bias=False)
        self.score = nn.Linear(hidden_dim, 1)
        # As one layer over the concatenation would be initialized.
        for half in (self.region, self.object):
            nn.init.normal_(half.weight, std=(2 * region_dim) ** -0.5)
        nn.init.zeros_(self.region.bias)

    def project(self, regions: Tensor, objects: Tensor) -> tuple[Tensor, Tensor]:
        """The hidden layer's summands.

        Args:
            regions: Tensor[M, D], F or F-bar of each human.
            objects: Tensor[Q, D], O of each object.

        Returns:
            Tensor[M, A], Tensor[Q, A]
        """
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
