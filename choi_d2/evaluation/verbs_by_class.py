"""Verbs from the object's class alone: what can be had without looking at the picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from detectron2.evaluation import DatasetEvaluator
from detectron2.structures import Instances
from torch import Tensor


class VerbsByClass(DatasetEvaluator):
    """Any evaluator, of the model's detections and pairs with p(verb | object class) for verbs.

    Args:
        evaluator: gets the predictions.
        prior: Tensor[K, N], p(verb | object class), in the model's ids.
    """

    def __init__(self, evaluator: DatasetEvaluator, prior: Tensor):
        self._evaluator, self._prior = evaluator, prior.detach()

    def reset(self) -> None:
        """Begin anew."""
        self._evaluator.reset()

    def process(self, inputs: Sequence[Mapping], outputs: Sequence[Mapping]) -> None:
        """Hand a batch on, with other verbs."""
        changed = [
            {**output, "interactions": score_by_class(output["interactions"], self._prior)}
            for output in outputs
        ]
        self._evaluator.process(inputs, changed)

    def evaluate(self):
        """What the evaluator gives."""
        return self._evaluator.evaluate()


def score_by_class(interactions: Instances, prior: Tensor) -> Instances:
    """Pairs scored by human score * object score * p(verb | object class).

    Args:
        interactions: P pairs of a model; they are not changed.
        prior: Tensor[K, N].

    Returns:
        the same with other ``verb_scores`` and ``triplet_scores`` (P, N). A triplet score of zero
        says that the pair cannot have the verb, and stays one; a human alone (i, i) is not
        multiplied by itself, as in the model.
    """
    pairs, before = interactions.pair_indices, interactions.triplet_scores
    verbs = prior.to(before)[interactions.object_classes] * (before > 0)
    alone = pairs[:, 0] == pairs[:, 1]
    ends = interactions.human_scores * torch.where(alone, 1.0, interactions.object_scores)
    scored = {"verb_scores": verbs, "triplet_scores": ends[:, None] * verbs}
    return Instances(interactions.image_size, **{**interactions.get_fields(), **scored})
