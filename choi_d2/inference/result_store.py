"""Results of many pictures on disk: what is there is whole, and is known when a run goes on."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Protocol

from choi_d2.utils import InputError

from .results import HOIResult
from .run_items import Item

LINES = "results"
"""The file of all results: ``results.jsonl``, with ``--shard 2/8`` ``results-2-of-8.jsonl``."""
_LINES_FILE = re.compile(rf"{LINES}(-\d+-of-\d+)?\.jsonl")
_HEAD = re.compile(r'\{"file_name": ("(?:[^"\\]|\\.)*")')


class ResultStore(Protocol):
    """Where results go."""

    def write(self, item: Item, lines: IO[bytes]) -> None:
        """Keep what was found in an item.

        Args:
            item: its drawing is there already.
            lines: JSON lines: one for a photo, one for each frame of a video.
        """

    def results(self) -> Iterator[HOIResult]:
        """Everything that is kept, for a table of it."""


def find_written(output: Path) -> dict[str, str]:
    """The results that are whole in a folder: :attr:`Item.key` -> name, of all shards."""
    written: dict[str, str] = {}
    if not output.is_dir():
        return written
    for path in sorted(output.rglob("*.json*")):
        inside = path.relative_to(output)
        if any(part.startswith(".") for part in inside.parts):
            continue
        if len(inside.parts) == 1 and _LINES_FILE.fullmatch(path.name):
            written.update((key, name) for key, name, _ in _whole_units(path) if key is not None)
        elif path.suffix in (".json", ".jsonl"):
            with open(path, encoding="utf-8", errors="replace") as file:
                head = _HEAD.match(file.read(1 << 14))
            if head:
                written[os.path.abspath(json.loads(head[1]))] = inside.with_suffix("").as_posix()
    return written


class JSONFiles:
    """A JSON file for each photo, beside its drawing; JSON lines for a video.

    Args:
        output: the folder.
        items: whose results are told by :meth:`results`.
    """

    def __init__(self, output: Path, items: list[Item]):
        self._output, self._items = output, items

    def write(self, item: Item, lines: IO[bytes]) -> None:
        """See :class:`ResultStore`; ``lines`` is a file in the output's file system."""
        target = self._path(item)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(lines.name, target)

    def results(self) -> Iterator[HOIResult]:
        """In the items' order."""
        for item in self._items:
            path = self._path(item)
            if path.is_file():
                yield from _read_lines(path)

    def _path(self, item: Item) -> Path:
        return self._output / f"{item.name}{'.jsonl' if item.is_video else '.json'}"


class JSONLines:
    """One file with a line for each photo and each frame.

    A line has the name of its drawing as ``name``, and the last line of a video ``frames``, their
    number: without it the video is not whole. A run that was killed may have left a part of a line,
    or of a video: that is cut off before the file is written to.

    Args:
        path: the file.
        overwrite: begin anew.
    """

    def __init__(self, path: Path, *, overwrite: bool = False):
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        if overwrite:
            path.unlink(missing_ok=True)
        elif path.exists():
            whole = max((end for _, _, end in _whole_units(path)), default=0)
            if whole < path.stat().st_size:
                os.truncate(path, whole)

    def write(self, item: Item, lines: IO[bytes]) -> None:
        """See :class:`ResultStore`; all of it, or, where the disk is full, nothing."""
        lines.seek(0)
        # Unbuffered: closing writes nothing that a full disk has refused.
        with open(self._path, "ab", buffering=0) as file:
            before = file.tell()
            try:
                while block := lines.read(1 << 20):
                    rest = memoryview(block)
                    while rest:
                        rest = rest[file.write(rest) :]
            except BaseException:
                os.truncate(self._path, before)
                raise

    def results(self) -> Iterator[HOIResult]:
        """In the order in which they were written."""
        if self._path.exists():
            yield from _read_lines(self._path)


def _whole_units(path: Path) -> Iterator[tuple[str | None, str, int]]:
    """Key, name and the offset behind it of each photo and each video that is whole."""
    offset = 0
    with open(path, "rb") as file:
        for line in file:
            offset += len(line)
            if not line.endswith(b"\n"):
                return
            try:
                content = json.loads(line)
                file_name, name = content["file_name"], content["name"]
            except (ValueError, KeyError, TypeError):
                raise InputError(
                    f"is no result of `choi predict`: {line[:60]!r}...",
                    path=path,
                    hint="Give another --output, or --overwrite.",
                ) from None
            if file_name is None or content.get("frame") is None or "frames" in content:
                yield file_name and os.path.abspath(file_name), name, offset


def _read_lines(path: Path) -> Iterator[HOIResult]:
    with open(path, encoding="utf-8") as file:
        for line in file:
            yield HOIResult.from_dict(json.loads(line))
