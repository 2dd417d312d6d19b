"""What the interaction networks say about an image, as pair-level ``Instances``."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from detectron2.structures import Boxes, Instances
from torch import Tensor

FACTORS = ("human", "object", "verb", "rank")


@dataclass(frozen=True)
class TripletScore:
    """The score of a triplet: a product of the scores of its parts.

    Attributes:
        factors: any of "human", "object", "verb", "rank". A self pair, whose verbs take no object,
            has no object score.
        highest_verb_score: the largest possible verb score, 2 for Eq. 16; verb scores are divided
            by it, so that a triplet's score is in [0, 1].
    """

    factors: tuple[str, ...] = ("human", "object", "verb")
    highest_verb_score: float = 1.0

    def __post_init__(self):
        unknown = set(self.factors) - set(FACTORS)
        if unknown or not self.factors:
            raise ValueError(f"TRIPLET_SCORE: expected some of {FACTORS}, got {self.factors}")

    def __call__(self, interactions: Instances) -> Tensor:
        """Tensor[P, N] from the other fields of ``make_interactions``."""
        verb = interactions.verb_scores
        # A verb that a pair cannot have has no score, whichever factors are asked for.
        if "verb" in self.factors:
            score = verb / self.highest_verb_score
        else:
            score = (verb > 0).to(verb)
        is_self = interactions.pair_indices[:, 0] == interactions.pair_indices[:, 1]
        factors = {
            "human": interactions.human_scores,
            "object": torch.where(is_self, 1.0, interactions.object_scores),
            "rank": interactions.rank_scores,
        }
        for name in self.factors:
            if name != "verb":
                score = score * factors[name][:, None]
        return score


def make_interactions(
    instances: Instances,
    pairs: Tensor,
    rank_scores: Tensor,
    verb_scores: Tensor,
    triplet_score: TripletScore,
) -> Instances:
    """The pair-level prediction of one image.

    Args:
        instances: its R detections, with ``pred_boxes``, ``scores`` and ``pred_classes``.
        pairs: Tensor[P, 2] int64 into ``instances``, best ranked first.
        rank_scores: Tensor[P], g of Eq. 13.
        verb_scores: Tensor[P, N], s of Eq. 16.
        triplet_score: how a triplet is scored.

    Returns:
        ``Instances`` of length P: ``pair_indices`` (P, 2), ``human_boxes``, ``object_boxes``,
        ``human_scores``, ``object_scores``, ``human_classes``, ``object_classes``,
        ``rank_scores`` (P,), ``verb_scores`` and ``triplet_scores`` (P, N).
    """
    interactions = Instances(instances.image_size)
    interactions.pair_indices = pairs
    for column, name in enumerate(("human", "object")):
        rows = pairs[:, column]
        interactions.set(f"{name}_boxes", Boxes(instances.pred_boxes.tensor[rows]))
        interactions.set(f"{name}_scores", instances.scores[rows])
        interactions.set(f"{name}_classes", instances.pred_classes[rows])
    interactions.rank_scores = rank_scores
    interactions.verb_scores = verb_scores
    interactions.triplet_scores = triplet_score(interactions)
    return interactions


def no_interactions(instances: Instances, num_verbs: int) -> Instances:
    """What a model without interaction networks says of an image with these detections."""
    return make_interactions(
        instances,
        instances.pred_classes.new_zeros(0, 2),
        instances.scores.new_zeros(0),
        instances.scores.new_zeros(0, num_verbs),
        TripletScore(),
    )
