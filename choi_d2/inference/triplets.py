"""The triplets of one picture, as something to iterate over, to filter and to count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

import numpy as np

if TYPE_CHECKING:
    from .results import HOIResult


@dataclass(frozen=True)
class Triplet:
    """One ⟨human, verb, object⟩, in words.

    Attributes:
        verb: the verb's name.
        object: the name of the object's class; None for a verb that takes no object.
        score: in [0, 1].
        human_index, object_index: rows of the result's instances; the same row for a verb that
            takes no object.
        human_box, object_box: float32 (4,), x1 y1 x2 y2 in the picture's pixels.
        human_track, object_track: the numbers that they keep over a video's frames; None where
            there is none, or no object.
    """

    verb: str
    object: str | None
    score: float
    human_index: int
    object_index: int
    human_box: np.ndarray
    object_box: np.ndarray
    human_track: int | None = None
    object_track: int | None = None

    def __str__(self) -> str:
        human = self.human_index if self.human_track is None else f"#{self.human_track}"
        words = self.verb if self.object is None else f"{self.verb} {self.object}"
        if self.object_track is not None:
            words += f" #{self.object_track}"
        return f"human {human} {words} ({self.score:.2f})"


class Triplets(Sequence[Triplet]):
    """The triplets of a result, best first.

    Indexing with an int gives a :class:`Triplet`; with a slice, an array of bools or an array of
    ints, the triplets that it chooses. ::

        result.triplets[result.triplets.scores >= 0.3]
        result.triplets.filter(verb="ride", score=0.3).count()

    Args:
        result: whose they are.
        rows: int64 (T',), rows of the result's triplets; by default all.
    """

    def __init__(self, result: HOIResult, rows: np.ndarray | None = None):
        self._result = result
        self._rows = np.arange(len(result.triplet_scores)) if rows is None else rows

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> Triplet: ...

    @overload
    def __getitem__(self, index: slice | np.ndarray | Sequence[bool]) -> Triplets: ...

    def __getitem__(self, index: Any) -> Triplet | Triplets:
        """A triplet, or some triplets.

        Raises:
            IndexError: there are not so many, or an array of bools has another length.
        """
        if isinstance(index, (int, np.integer)):
            return self._triplet(self._rows[index])
        if not isinstance(index, slice):
            index = np.asarray(index)
            if index.size == 0:
                index = index.astype(np.int64)
        return Triplets(self._result, self._rows[index])

    def __iter__(self) -> Iterator[Triplet]:
        return map(self._triplet, self._rows)

    def __repr__(self) -> str:
        return f"Triplets([{', '.join(map(str, self))}])"

    # ------------------------------------------------------------------------------- columns

    @property
    def scores(self) -> np.ndarray:
        """float32 (T,), in [0, 1], falling."""
        return self._result.triplet_scores[self._rows]

    @property
    def pairs(self) -> np.ndarray:
        """int64 (T, 2): rows of human and object among the result's instances."""
        return self._result.pairs[self._rows]

    @property
    def verb_ids(self) -> np.ndarray:
        """int64 (T,): contiguous ids, indices into the vocabulary's verbs."""
        return self._result.verbs[self._rows]

    @property
    def verbs(self) -> list[str]:
        """The verb's name of each triplet."""
        return [self._result.vocabulary.verbs[verb] for verb in self.verb_ids]

    @property
    def objects(self) -> list[str | None]:
        """The class name of each triplet's object; None for a verb that takes no object."""
        return [triplet.object for triplet in self]

    # ------------------------------------------------------------------------------ choosing

    def filter(
        self,
        *,
        verb: str | Sequence[str] | None = None,
        object: str | Sequence[str] | None = None,
        human: int | None = None,
        human_track: int | None = None,
        score: float = 0.0,
    ) -> Triplets:
        """The triplets that fulfil all conditions.

        Args:
            verb: a verb's name, or several.
            object: the class name of the object, or several.
            human: row of the human among the result's instances.
            human_track: number of the human in its video.
            score: the least score.

        Raises:
            ValueError: the model knows no such verb or class.
        """
        vocabulary = self._result.vocabulary
        keep = self.scores >= np.float32(score)
        if verb is not None:
            keep &= np.isin(self.verb_ids, _ids(verb, vocabulary.verbs, "verb"))
        if object is not None:
            classes = self._result.classes[self.pairs[:, 1]]
            keep &= np.isin(classes, _ids(object, vocabulary.classes, "class"))
            keep &= self.pairs[:, 0] != self.pairs[:, 1]
        if human is not None:
            keep &= self.pairs[:, 0] == human
        if human_track is not None:
            ids = self._result.track_ids
            keep &= False if ids is None else ids[self.pairs[:, 0]] == human_track
        return self[keep]

    @overload  # type: ignore[override]
    def count(self, value: None = None) -> Counter[str]: ...

    @overload
    def count(self, value: Triplet) -> int: ...

    def count(self, value: Triplet | None = None) -> Counter[str] | int:
        """How many triplets each verb has, the most frequent first: ``{"ride": 2, ...}``.

        Args:
            value: a triplet to be counted instead, as of any sequence.
        """
        if value is not None:
            return sum(triplet == value for triplet in self)
        return Counter(dict(Counter(self.verbs).most_common()))

    def _triplet(self, row: int) -> Triplet:
        result = self._result
        human, object_ = (int(x) for x in result.pairs[row])
        numbers = [None, None]
        if result.track_ids is not None:
            ids = result.track_ids[human], result.track_ids[object_] if human != object_ else -1
            numbers = [int(number) if number >= 0 else None for number in ids]
        return Triplet(
            verb=result.vocabulary.verbs[result.verbs[row]],
            object=None if human == object_ else result.vocabulary.classes[result.classes[object_]],
            score=float(result.triplet_scores[row]),
            human_index=human,
            object_index=object_,
            human_box=result.boxes[human],
            object_box=result.boxes[object_],
            human_track=numbers[0],
            object_track=numbers[1],
        )


def _ids(names: str | Sequence[str], known: Sequence[str], kind: str) -> list[int]:
    names = [names] if isinstance(names, str) else list(names)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"the model knows no {kind} {unknown[0]!r}, but {', '.join(known)}")
    return [known.index(name) for name in names]
