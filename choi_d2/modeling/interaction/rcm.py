"""Relation classification module: the triple-stream classifier of Eqs. 15 and 16."""

import math
from collections.abc import Mapping, Sequence
from functools import reduce

import torch
import torch.nn.functional as F
from torch import Tensor, nn

STREAMS = ("semantic", "geometric", "visual")
FUSIONS = ("(v+g)*s", "v+g+s", "v*g*s")

INITIAL_SCORE = 0.05
"""Verb score of a pair before training, as RetinaNet starts its classifier."""

SEMANTIC_GAIN = 5.0
"""Logits that a verb gains from X_s = 1 before training."""


def fuse_scores(scores: Mapping[str, Tensor], fusion: str) -> Tensor:
    """One score from the streams' (Eq. 16, Table 7).

    Args:
        scores: Tensor[P, N] in [0, 1] by stream; a stream that is absent is left out.
        fusion: one of ``FUSIONS``.

    Returns:
        Tensor[P, N]
    """
    visual_geometric = [scores[name] for name in ("visual", "geometric") if name in scores]
    semantic = [scores["semantic"]] if "semantic" in scores else []
    if fusion == "v+g+s":
        return sum(visual_geometric + semantic)
    if fusion == "v*g*s":
        return reduce(torch.mul, visual_geometric + semantic)
    added = [sum(visual_geometric)] if visual_geometric else []
    return reduce(torch.mul, added + semantic)


class RelationClassificationModule(nn.Module):
    """One FC layer and a sigmoid for each of X_s, X_g and X-bar_v (Eq. 15).

    Shape shorthand:
        P: pairs; N: verbs.

    Args:
        dims: length of the feature of each stream; the streams in use.
        num_verbs: N.
        fusion: one of ``FUSIONS``.
    """

    def __init__(self, dims: Mapping[str, int], num_verbs: int, fusion: str):
        super().__init__()
        if not dims or set(dims) - set(STREAMS):
            raise ValueError(f"RCM.STREAMS: expected some of {STREAMS}, got {tuple(dims)}")
        if fusion not in FUSIONS:
            raise ValueError(f"RCM.FUSION: expected one of {FUSIONS}, got {fusion!r}")
        self.fusion = fusion
        self.streams = nn.ModuleDict(
            {name: nn.Linear(dim, num_verbs) for name, dim in dims.items()}
        )
        for name, layer in self.streams.items():
            # Most verbs are wrong for most pairs: a start at 0.5 would drown the few positives.
            nn.init.constant_(layer.bias, math.log(INITIAL_SCORE / (1 - INITIAL_SCORE)))
            nn.init.normal_(layer.weight, std=0.01)
            if name == "semantic" and layer.in_features == num_verbs:
                # X_s is already a probability of each verb: start from believing it.
                with torch.no_grad():
                    layer.weight += SEMANTIC_GAIN * torch.eye(num_verbs)

    def forward(self, features: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The logits of each stream: Eq. 15 without its sigmoid.

        Args:
            features: Tensor[P, dim] by stream; more than the streams in use do no harm.

        Returns:
            Tensor[P, N] by stream, float32 under autocast.
        """
        logits = {name: layer(features[name]) for name, layer in self.streams.items()}
        return {k: v if v.dtype == torch.float64 else v.float() for k, v in logits.items()}

    def predict(self, logits: Mapping[str, Tensor]) -> Tensor:
        """The fused verb scores (Eq. 16).

        Args:
            logits: what ``forward`` returned.

        Returns:
            Tensor[P, N], in [0, 2] for Eq. 16.
        """
        return fuse_scores({name: x.sigmoid() for name, x in logits.items()}, self.fusion)

    @property
    def highest_score(self) -> float:
        """What ``predict`` gives when every stream is certain: 2 for Eq. 16 with all streams."""
        return float(
            fuse_scores({name: torch.ones((), device="cpu") for name in self.streams}, self.fusion)
        )

    def losses(
        self, logits: Mapping[str, Tensor], verbs: Tensor, valid: Tensor
    ) -> dict[str, Tensor]:
        """Binary cross-entropy of each stream; their sum is L_RCM.

        Args:
            logits: what ``forward`` returned.
            verbs: Tensor[P, N] of 0 and 1.
            valid: Tensor[P, N] bool: the verbs that a pair can have at all.

        Returns:
            Tensor[] by stream: the mean over the valid entries; 0, connected, where there is none.
        """
        count = max(int(valid.sum()), 1)
        return {
            name: F.binary_cross_entropy_with_logits(
                x, verbs.to(x), weight=valid.to(x), reduction="sum"
            )
            / count
            for name, x in logits.items()
        }


def check_streams(streams: Sequence[str]) -> tuple[str, ...]:
    """The streams in the paper's order; ValueError for one that does not exist."""
    unknown = set(streams) - set(STREAMS)
    if unknown:
        raise ValueError(f"RCM.STREAMS: expected some of {STREAMS}, got {sorted(unknown)}")
    return tuple(name for name in STREAMS if name in streams)
