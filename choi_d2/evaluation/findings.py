"""What the official evaluators let pass in silence, counted and said."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass

from choi_d2.utils import InputError


@dataclass
class Finding:
    """One kind of oddity: how often it was met, where first, and what is done about it."""

    kind: str
    count: int
    first: str


class Findings:
    """Counts the oddities of an input, one entry for each kind.

    An oddity is what the official evaluators tolerate. It changes nothing in the numbers; the user
    hears of it once, with the number of cases and the place of the first one.
    """

    def __init__(self) -> None:
        self._findings: dict[str, Finding] = {}

    def note(
        self,
        kind: str,
        *,
        path: str | os.PathLike,
        image: str | int | None = None,
        field: str | None = None,
        count: int = 1,
    ) -> None:
        """Count ``count`` cases of ``kind``; the place is kept for the first case."""
        if kind in self._findings:
            self._findings[kind].count += count
            return
        places = [str(path)]
        if image is not None:
            places.append(f"image {image!r}")
        if field is not None:
            places.append(f"field '{field}'")
        self._findings[kind] = Finding(kind, count, ", ".join(places))

    def __iter__(self) -> Iterator[Finding]:
        return iter(self._findings.values())

    def __len__(self) -> int:
        return len(self._findings)

    def messages(self) -> list[str]:
        """One line for each kind."""
        return [f"{f.kind}: {f.count} (first: {f.first})" for f in self]

    def report(self, logger: logging.Logger, *, strict: bool) -> None:
        """Log one warning for each kind.

        Raises:
            InputError: ``strict`` and there is at least one.
        """
        if strict and len(self):
            raise InputError(
                "not allowed with --strict: " + "; ".join(self.messages()),
                hint="Mend the input, or leave --strict out: the numbers are the official ones.",
            )
        for message in self.messages():
            logger.warning(message)
