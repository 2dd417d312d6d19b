"""One list field of many JSON objects as one table."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Protocol

import numpy as np

from .columns import Place, column, lists, shown
from .errors import InputError


class Notes(Protocol):
    """Takes what was tolerated in a file; :class:`choi_d2.evaluation.findings.Findings` is one."""

    def note(
        self,
        kind: str,
        *,
        path: str | os.PathLike,
        image: str | int | None = None,
        field: str | None = None,
        count: int = 1,
    ) -> None:
        """Count ``count`` cases of ``kind``, the first one at this place."""


@dataclass
class Rows:
    """All elements of one list field of all entries.

    Attributes:
        path: the file.
        names: (E,) the image of each entry, for messages.
        field: the key of the list.
        elements: (R,) the elements of all lists, one after the other.
        starts: (E + 1,) int64, where each entry's begin.
    """

    path: str | os.PathLike
    names: Sequence[str]
    field: str
    elements: list[Any]
    starts: np.ndarray

    @classmethod
    def of(
        cls, entries: Sequence[Any], path: str | os.PathLike, names: Sequence[str], field: str
    ) -> Rows:
        """Gather ``entries[i][field]``.

        Raises:
            InputError: an entry is no object, lacks the field, or has no list there.
        """

        def place(entry: int) -> Mapping:
            return {"path": path, "image": names[entry], "field": field}

        nested = lists(column(entries, field, place), place)
        starts = np.cumsum([0, *map(len, nested)])
        return cls(path, names, field, list(chain.from_iterable(nested)), starts)

    @property
    def counts(self) -> np.ndarray:
        """(E,) how many elements each entry has."""
        return np.diff(self.starts)

    @property
    def owners(self) -> np.ndarray:
        """(R,) the entry of each element."""
        return np.repeat(np.arange(len(self.names)), self.counts)

    @property
    def positions(self) -> np.ndarray:
        """(R,) the place of each element in its own list."""
        return np.arange(len(self.elements)) - np.repeat(self.starts[:-1], self.counts)

    def place(self, key: str | None = None) -> Place:
        """Where an element, or what it has at ``key``, stands."""

        def place(row: int) -> Mapping:
            entry = int(np.searchsorted(self.starts, row, side="right")) - 1
            field = f"{self.field}[{row - self.starts[entry]}]"
            field = f"{field}.{key}" if key else field
            return {"path": self.path, "image": self.names[entry], "field": field}

        return place

    def column(self, key: str) -> list[Any]:
        """What each element has at ``key``.

        Raises:
            InputError: one is no object or lacks the key.
        """
        return column(self.elements, key, self.place())

    def note(self, notes: Notes, kind: str, rows: np.ndarray, key: str | None = None) -> None:
        """Count an oddity of these elements, if there are any."""
        if len(rows):
            notes.note(kind, count=len(rows), **self.place(key)(int(rows[0])))


def file_names(entries: Sequence[Any], path: str | os.PathLike) -> list[str]:
    """``entries[i]["file_name"]``.

    Raises:
        InputError: an entry is no object or has no file name.
    """
    names = column(entries, "file_name", lambda index: {"path": path, "field": f"[{index}]"})
    for index, name in enumerate(names):
        if not isinstance(name, str):
            raise InputError(
                f"expected a file name, found {shown(name)}",
                path=path,
                field=f"[{index}].file_name",
            )
    return names


def check_unique(names: Sequence[str], path: str | os.PathLike) -> None:
    """Every image of a ground truth is there once.

    Raises:
        InputError: there is none, or one occurs twice.
    """
    if not names:
        raise InputError("the data set is empty: no image to evaluate", path=path)
    first: dict[str, int] = {}
    for index, name in enumerate(names):
        if first.setdefault(name, index) != index:
            raise InputError("this file name occurs more than once", path=path, image=name)
