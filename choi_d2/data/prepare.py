"""What ``datasets/prepare_*.py`` share: images put in place, and the page that they write."""

from __future__ import annotations

import hashlib
import logging
import os
import zipfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tqdm import tqdm

from choi_d2.utils import InputError, atomic_path

from .problem_kinds import TOLERATED_KINDS
from .validation import Problems

logger = logging.getLogger(__name__)


def place_images(source: Path, target: Path, names: Iterable[str]) -> None:
    """Make ``target`` the folder of a split's images.

    A folder is linked to. From a zip file the named images are extracted, wherever they are in it;
    those that are there already with the right length are not extracted again, so that an
    interrupted run is taken up where it ended.

    Args:
        source: a folder or a zip file.
        target: the folder to make.
        names: file names of the images.

    Raises:
        InputError: ``source`` is neither, or ``target`` is something else already.
    """
    if source.is_dir():
        link(source, target)
        return
    if not source.exists():
        raise InputError("no such file or folder", path=source, hint="Check the path.")
    if not zipfile.is_zipfile(source):
        raise InputError("expected a folder or a zip file", path=source)
    wanted = set(names)
    target.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(source) as archive:
        members = [m for m in archive.infolist() if os.path.basename(m.filename) in wanted]
        for member in tqdm(members, desc=f"{source.name} -> {target}", unit="image"):
            path = target / os.path.basename(member.filename)
            if path.exists() and path.stat().st_size == member.file_size:
                continue
            with atomic_path(path) as temporary:
                temporary.write_bytes(archive.read(member))


def link(source: Path, target: Path) -> None:
    """A symbolic link at ``target``, unless the same folder is there already.

    Raises:
        InputError: something else is there.
    """
    if target.exists() and target.resolve() == source.resolve():
        return
    if target.exists() or target.is_symlink():
        raise InputError(
            f"is there already, and is not {source}",
            path=target,
            hint="Remove it, or leave out the option that names the folder.",
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    target.symlink_to(source.resolve(), target_is_directory=True)


def sha256(path: Path) -> str:
    """Checksum of a file."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


class Report:
    """One page about a prepared data set, in Markdown.

    Args:
        title: its first line.
    """

    def __init__(self, title: str):
        self.lines = [f"# {title}"]
        self.num_fatal = 0
        self._counts: list[tuple[str, int, int | None]] = []

    def count(self, what: str, found: int, expected: int | None = None) -> None:
        """A number, beside the paper's where it has one."""
        self._counts.append((what, found, expected))
        if expected is not None and found != expected:
            logger.warning("%s: found %d, the paper has %d", what, found, expected)

    def records(
        self, split: str, records: Sequence[Mapping], metadata: Mapping, problems: Problems
    ) -> None:
        """A split: instances of each class, triplets of each verb, problems of each kind."""
        self.num_fatal += problems.num_fatal
        classes, verbs = Counter(), Counter()
        for record in records:
            classes.update(a["category_id"] for a in record.get("annotations", ()))
            for pair in record.get("interactions", ()):
                verbs.update(pair["verbs"])
        lines = ["", f"## {split}: {len(records)} images can be used"]
        for name, counts, names in (
            ("instances", classes, metadata["thing_classes"]),
            ("triplets", verbs, metadata["verb_classes"]),
        ):
            listed = ", ".join(f"{names[i]} {count}" for i, count in counts.most_common())
            lines.append(f"- {sum(counts.values())} {name}" + (f": {listed}" if listed else ""))
        for kind, count in problems.counts().items():
            first = next(problem for problem in problems.found if problem.kind == kind)
            lines.append(
                f"- {count} x {kind} ({TOLERATED_KINDS.get(kind, 'FATAL')}); first: {first}"
            )
        self.lines += lines

    def files(self, paths: Iterable[Path]) -> None:
        """Checksums of what was written."""
        self.lines += ["", "## Files (sha256)"]
        self.lines += [f"- `{sha256(path)}` {path}" for path in paths]

    def write(self, path: Path) -> None:
        """Write the page, and log where it is."""
        table = ["", "| | found | in the paper |", "| --- | ---: | ---: |"]
        for what, found, expected in self._counts:
            mark = "" if expected in (None, found) else " (differs)"
            table.append(f"| {what} | {found} | {'' if expected is None else expected}{mark} |")
        page = [self.lines[0], *table, *self.lines[1:]]
        with atomic_path(path) as temporary:
            temporary.write_text("\n".join(page) + "\n", encoding="utf-8")
        logger.info("Wrote %s", path)
