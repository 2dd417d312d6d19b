"""What is counted on a training split before training."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch


def count_semantic_prior(
    records: Iterable[Mapping], num_classes: int, num_verbs: int
) -> torch.Tensor:
    """X_s of Eq. 15: p(verb | object class), counted on the pairs of a training split.

    Verbs are multi-label, so each is a yes or no of its own. With n_k annotated pairs whose object
    is of class k, n_kv of them with verb v, add-one smoothing of both outcomes gives
    ``(n_kv + 1) / (n_k + 2)``: 0.5 for a class that no pair has. A human acting without an object
    (pair (i, i)) counts under the class of humans.

    Args:
        records: dataset records with ``annotations`` and ``interactions``; of the training split
            only, never of one that is evaluated.
        num_classes: K.
        num_verbs: N.

    Returns:
        Tensor[K, N] float32, in (0, 1).
    """
    pairs = torch.zeros(num_classes, 1, dtype=torch.float64)
    pairs_with_verb = torch.zeros(num_classes, num_verbs, dtype=torch.float64)
    for record in records:
        for interaction in record.get("interactions", ()):
            category = record["annotations"][interaction["object"]]["category_id"]
            pairs[category] += 1
            pairs_with_verb[category, sorted(set(interaction["verbs"]))] += 1
    return ((pairs_with_verb + 1) / (pairs + 2)).float()
