"""From pair-level scores and annotations to a plain list of triplets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from detectron2.structures import Instances


@dataclass(frozen=True)
class Triplet:
    """One ⟨human, verb, object⟩ of an image.

    Args:
        human: index of the human among the image's instances.
        object: index of the object; equal to ``human`` for a verb that takes no object.
        verb: contiguous verb id.
        score: the triplet's score, None for an annotation.
    """

    human: int
    object: int
    verb: int
    score: float | None = None

    @property
    def has_object(self) -> bool:
        """False for a verb without an object (V-COCO: walk, stand, smile, run)."""
        return self.human != self.object


def top_triplets(
    interactions: Instances, score_thresh: float = 0.0, max_triplets: int | None = None
) -> list[Triplet]:
    """The best predicted triplets of one image, highest score first.

    P: number of pairs; N: number of verbs.

    Args:
        interactions: the model's pair-level output, with fields ``pair_indices`` Tensor[P, 2] and
            ``triplet_scores`` Tensor[P, N].
        score_thresh: the least score. A score of 0 (or NaN) is no prediction and never returned.
        max_triplets: at most so many; None for all.
    """
    scores = interactions.triplet_scores.detach().float().cpu()
    pairs = interactions.pair_indices.cpu().tolist()
    rows, verbs = torch.nonzero((scores > 0) & (scores >= score_thresh), as_tuple=True)
    # Stable, so that equal scores keep the order of their pairs on every machine.
    order = torch.sort(scores[rows, verbs], descending=True, stable=True).indices[:max_triplets]
    return [
        Triplet(*pairs[row], verb, float(scores[row, verb]))
        for row, verb in zip(rows[order].tolist(), verbs[order].tolist(), strict=True)
    ]


def annotated_triplets(interactions: Iterable[Mapping]) -> list[Triplet]:
    """The triplets of a dataset record's ``interactions``."""
    return [
        Triplet(int(pair["human"]), int(pair["object"]), int(verb))
        for pair in interactions
        for verb in pair["verbs"]
    ]


def group_by_pair(triplets: Iterable[Triplet]) -> dict[tuple[int, int], list[Triplet]]:
    """``{(human, object): its triplets}``, pairs and triplets in the order in which they came."""
    groups: dict[tuple[int, int], list[Triplet]] = {}
    for triplet in triplets:
        groups.setdefault((triplet.human, triplet.object), []).append(triplet)
    return groups
