"""What is counted on a training split before training."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import torch


def count_semantic_prior(
    records: Iterable[Mapping],
    num_classes: int,
    num_verbs: int,
    objectless_verbs: Collection[int] = (),
) -> torch.Tensor:
    """X_s of Eq. 15: p(verb | object class), counted on the pairs of a training split.

    Verbs are multi-label, so each is a yes or no of its own. With n_k annotated pairs whose object
    is of class k, n_kv of them with verb v, add-one smoothing of both outcomes gives
    ``(n_kv + 1) / (n_k + 2)``: 0.5 for a class that no pair has.

    Verbs without an object are counted on pairs (i, i) alone, under the class of humans, and the
    others on pairs of two instances alone: neither kind of pair says anything about the other's
    verbs, and V-COCO's people would otherwise drown the humans that are objects.

    Args:
        records: dataset records with ``annotations`` and ``interactions``; of the training split
            only, never of one that is evaluated.
        num_classes: K.
        num_verbs: N.
        objectless_verbs: the verbs that take no object.

    Returns:
        Tensor[K, N] float32, in (0, 1).
    """
    # The first axis: pairs of two instances, pairs (i, i).
    pairs = torch.zeros(2, num_classes, 1, dtype=torch.float64)
    with_verb = torch.zeros(2, num_classes, num_verbs, dtype=torch.float64)
    for record in records:
        for interaction in record.get("interactions", ()):
            alone = int(interaction["human"] == interaction["object"])
            category = record["annotations"][interaction["object"]]["category_id"]
            pairs[alone, category] += 1
            with_verb[alone, category, sorted(set(interaction["verbs"]))] += 1
    of_two, of_one = (with_verb + 1) / (pairs + 2)
    is_objectless = torch.zeros(num_verbs, dtype=torch.bool)
    is_objectless[list(objectless_verbs)] = True
    return torch.where(is_objectless, of_one, of_two).float()
