"""Relation ranking module: Eqs. 12-14."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn


def ranking_loss(scores: Tensor, annotated: Tensor, margin: float, reduction: str) -> Tensor:
    """The pairwise ranking hinge loss of one image (Eq. 14).

    Args:
        scores: Tensor[P], g of every pair.
        annotated: Tensor[P] bool, has the pair a verb in the ground truth?
        margin: epsilon.
        reduction: "sum" is the paper's letter; "mean" divides by the number of (annotated,
            un-annotated) combinations, so that the loss does not grow with the square of the
            sample.

    Returns:
        Tensor[]: 0, connected to ``scores``, where one of the two sets is empty.
    """
    hinge = (scores[~annotated][None, :] - scores[annotated][:, None] + margin).clamp(min=0)
    total = hinge.sum() + scores.sum() * 0.0
    return total / max(hinge.numel(), 1) if reduction == "mean" else total


@torch.no_grad()
def ranking_accuracy(scores: Tensor, annotated: Tensor) -> float | None:
    """The part of (annotated, un-annotated) combinations in the right order (Eq. 12).

    Args:
        scores: Tensor[P].
        annotated: Tensor[P] bool.

    Returns:
        A number in [0, 1]; None where there is no combination.
    """
    right = scores[annotated][:, None] > scores[~annotated][None, :]
    return right.float().mean().item() if right.numel() else None


def ranking_features(streams: Sequence[str]) -> tuple[str, ...]:
    """The features that pairs are ranked by, in the order of Eq. 13: of the streams in use.

    Args:
        streams: of RCM.

    Returns:
        "visual" and "geometric", as far as they are in use; "semantic" where neither is.
    """
    return tuple(name for name in ("visual", "geometric") if name in streams) or ("semantic",)


class RelationRankingModule(nn.Module):
    """g(P) = sigmoid(FC([X-bar_v, X_g])) (Eq. 13).

    Args:
        dims: length of each feature that pairs are ranked by, in the order of the concatenation.
        margin, reduction: see :func:`ranking_loss`.
    """

    def __init__(self, dims: Mapping[str, int], margin: float, reduction: str):
        super().__init__()
        if reduction not in ("mean", "sum"):
            raise ValueError(f"RRM.REDUCTION: expected 'mean' or 'sum', got {reduction!r}")
        self.features = tuple(dims)
        self.fc = nn.Linear(sum(dims.values()), 1)
        nn.init.normal_(self.fc.weight, std=0.01)
        nn.init.zeros_(self.fc.bias)
        self.margin, self.reduction = margin, reduction

    def forward(self, features: Mapping[str, Tensor]) -> Tensor:
        """Ranking scores.

        Args:
            features: Tensor[P, dim] by name; more than are ranked by do no harm.

        Returns:
            Tensor[P] in [0, 1], float32 under autocast.
        """
        logits = self.fc(torch.cat([features[name] for name in self.features], dim=1))[:, 0]
        return (logits if logits.dtype == torch.float64 else logits.float()).sigmoid()

    def losses(self, scores: list[Tensor], annotated: list[Tensor]) -> Tensor:
        """The mean of Eq. 14 over the images of a batch.

        Args:
            scores, annotated: for each image, see :func:`ranking_loss`.
        """
        per_image = [
            ranking_loss(s, a, self.margin, self.reduction) for s, a in zip(scores, annotated)
        ]
        return torch.stack(per_image).mean()
