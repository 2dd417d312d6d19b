"""The annotated human-object pairs of one image."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch


class HOIAnnotations:
    """The annotated ⟨human, verb, object⟩ triplets of one image, one row per ordered pair.

    P: number of pairs; N: number of verbs.

    Args:
        pairs: Tensor[P, 2] int64, (human, object) as indices into the image's instances. A pair
            (i, i) holds the verbs of human i that take no object.
        verbs: Tensor[P, N] float32 of 0 and 1; a pair has at least one verb.
    """

    def __init__(self, pairs: torch.Tensor, verbs: torch.Tensor):
        if pairs.dim() != 2 or pairs.shape[1] != 2 or pairs.dtype != torch.int64:
            raise ValueError(
                f"pairs: expected int64 (P, 2), got {pairs.dtype} {tuple(pairs.shape)}"
            )
        if verbs.dim() != 2 or len(verbs) != len(pairs):
            raise ValueError(
                f"verbs: expected (P, N) with P = {len(pairs)}, got {tuple(verbs.shape)}"
            )
        self.pairs = pairs
        self.verbs = verbs.float()

    @classmethod
    def from_records(cls, interactions: Iterable[Mapping], num_verbs: int) -> HOIAnnotations:
        """Build from the ``interactions`` of a dataset record.

        Args:
            interactions: dicts ``{"human": int, "object": int, "verbs": [int, ...]}``; a pair that
                occurs several times becomes one row with all of its verbs.
            num_verbs: N.
        """
        verbs_of_pair: dict[tuple[int, int], set[int]] = {}
        for interaction in interactions:
            pair = (int(interaction["human"]), int(interaction["object"]))
            verbs_of_pair.setdefault(pair, set()).update(interaction["verbs"])
        pairs = torch.tensor(list(verbs_of_pair), dtype=torch.int64).reshape(-1, 2)
        verbs = torch.zeros(len(pairs), num_verbs)
        for row, verb_ids in enumerate(verbs_of_pair.values()):
            verbs[row, list(verb_ids)] = 1.0
        return cls(pairs, verbs)

    @classmethod
    def empty(cls, num_verbs: int) -> HOIAnnotations:
        """No pair at all."""
        return cls(torch.zeros(0, 2, dtype=torch.int64), torch.zeros(0, num_verbs))

    def __len__(self) -> int:
        return len(self.pairs)

    def __repr__(self) -> str:
        return f"HOIAnnotations(pairs={self.pairs.tolist()}, num_verbs={self.num_verbs})"

    @property
    def num_verbs(self) -> int:
        """N."""
        return self.verbs.shape[1]

    def to(self, *args, **kwargs) -> HOIAnnotations:
        """The same on another device."""
        return HOIAnnotations(self.pairs.to(*args, **kwargs), self.verbs.to(*args, **kwargs))

    def filter_instances(self, keep: torch.Tensor) -> HOIAnnotations:
        """What is left when only some instances are kept.

        Pairs that lose an end go; the others point to the same instances at their new places.

        Args:
            keep: Tensor[R] bool over the image's instances.
        """
        keep = keep.to(self.pairs.device)
        new_index = keep.long().cumsum(0) - 1
        alive = keep[self.pairs].all(dim=1)
        return HOIAnnotations(new_index[self.pairs[alive]].reshape(-1, 2), self.verbs[alive])

    def verb_table(self, num_instances: int) -> torch.Tensor:
        """Tensor[R, R, N]: the verbs of every ordered pair, zero where un-annotated."""
        table = self.verbs.new_zeros(num_instances, num_instances, self.num_verbs)
        table[self.pairs[:, 0], self.pairs[:, 1]] = self.verbs
        return table
