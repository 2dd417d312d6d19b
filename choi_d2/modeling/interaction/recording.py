"""What R^t computes on its way to an answer, for those who want to see it.

Forward hooks of the modules concerned: without them nothing is computed or kept, and with them the
answers are the same.

Shape shorthand:
    M: humans; P: pairs; S: side of a region.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from .ihsm import attention_maps
from .interaction_head import InteractionHead
from .pair_batch import PairBatch


@dataclass
class InnerValues:
    """Of one run of R^t at inference.

    Attributes:
        batch: humans, objects and pairs, in whose order the values are.
        ranks: Tensor[P], g of every pair, whether it was classified or not (Eq. 13); None without
            ranking module.
        attention: Tensor[M, S * S, S * S], A^i in row i, at O^t (Eq. 5); None without IHSM.
        alpha, alpha_bar: Tensor[P], of F and F-bar at O^t (Eqs. 8, 9); None without EFRA.
    """

    batch: PairBatch
    ranks: Tensor | None = None
    attention: Tensor | None = None
    _alphas: dict[str, list[Tensor]] = field(default_factory=dict)

    @property
    def alpha(self) -> Tensor | None:
        """See the class."""
        return self._joined("face_aware")

    @property
    def alpha_bar(self) -> Tensor | None:
        """See the class."""
        return self._joined("face_agnostic")

    def _joined(self, name: str) -> Tensor | None:
        parts = self._alphas.get(name)
        return torch.cat(parts)[:, 0] if parts else None


@contextmanager
def record_inner(head: InteractionHead) -> Iterator[list[InnerValues]]:
    """Record the runs of R^t within the block.

    Args:
        head: in evaluation mode, usually the last one, ``roi_heads.interaction_heads[-1]``, whose
            verbs are the answer.

    Returns:
        a list that gets a member with each run.
    """
    runs: list[InnerValues] = []

    def begin(_: nn.Module, inputs: tuple) -> None:
        runs.append(InnerValues(batch=inputs[1]))

    def keep_ranks(_: nn.Module, inputs: tuple, output: Tensor) -> None:
        runs[-1].ranks = output.detach()

    def keep_attention(module: nn.Module, inputs: tuple, output: Tensor) -> None:
        with torch.no_grad():
            runs[-1].attention = attention_maps(inputs[0], module.similarity, module.scale)

    def keep_alphas(name: str):
        # Pairs come in chunks.
        def keep(_: nn.Module, inputs: tuple, output: Tensor) -> None:
            runs[-1]._alphas.setdefault(name, []).append(output.detach().float())

        return keep

    with ExitStack() as hooks:
        hooks.enter_context(head.register_forward_pre_hook(begin))
        if head.rrm is not None:
            hooks.enter_context(head.rrm.register_forward_hook(keep_ranks))
        if head.visual is not None:
            if head.visual.ihsm is not None:
                hooks.enter_context(head.visual.ihsm.register_forward_hook(keep_attention))
            for name in ("face_aware", "face_agnostic"):
                module = getattr(head.visual, name)
                if module is not None:
                    hooks.enter_context(module.register_forward_hook(keep_alphas(name)))
        yield runs
