"""Finding the photos that a user names."""

from __future__ import annotations

import glob
import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from choi_d2.pictures import as_bgr, read_picture
from choi_d2.utils import InputError

__all__ = ["EXTENSIONS", "Photo", "as_bgr", "find_photos", "read_photo"]

# What version 0.1 called it.
read_photo = read_picture

EXTENSIONS = frozenset(
    {".avif", ".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
)


@dataclass(frozen=True)
class Photo:
    """A photo that was asked for.

    Args:
        path: where it is.
        name: its path below the folder that was given; its file name where it was named itself.
    """

    path: Path
    name: Path


def find_photos(
    inputs: Sequence[str | os.PathLike],
    outside: Path | None = None,
    *,
    extensions: Collection[str] = EXTENSIONS,
) -> list[Photo]:
    """The photos that files, folders and patterns name, each once, in their order.

    Folders are searched with all folders in them, for files with a photo's extension that are not
    hidden. A file that is named, or found by a pattern, is taken whatever its extension is.

    Args:
        inputs: files, folders, or patterns such as ``"photos/*.jpg"`` or ``"photos/**/a*"``.
        outside: a folder that is left out where it is inside of a folder that is searched: the
            results of the last time are no photos.
        extensions: of the files that are taken from folders, in lower case with their dots.

    Raises:
        InputError: one of ``inputs`` does not exist, or there is no photo at all.
    """
    photos: dict[Path, Photo] = {}
    for given in inputs:
        for path in _expand(os.fspath(given)):
            found = [Photo(path, Path(path.name))]
            if path.is_dir():
                found = _in_folder(path, outside, extensions)
            for photo in found:
                photos.setdefault(photo.path.resolve(), photo)
    if not photos:
        raise InputError(
            f"no photo in {', '.join(str(given) for given in inputs)}",
            hint=f"Files with these extensions are photos: {' '.join(sorted(extensions))}.",
        )
    return list(photos.values())


def _expand(given: str) -> list[Path]:
    # A file may be called "[1].jpg": what exists is no pattern.
    path = Path(given).expanduser()
    if path.exists():
        return [path]
    matches = sorted(glob.glob(str(path), recursive=True))
    if not matches:
        raise InputError("no such file or folder, and no file matches it as a pattern", path=given)
    return [Path(match) for match in matches]


def _in_folder(folder: Path, outside: Path | None, extensions: Collection[str]) -> Iterator[Photo]:
    left_out = outside.resolve() if outside is not None else None
    if left_out == folder.resolve():
        left_out = None
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and Path(root, name).resolve() != left_out
        )
        for name in sorted(names):
            path = Path(root, name)
            if path.suffix.lower() in extensions and not name.startswith("."):
                yield Photo(path, path.relative_to(folder))
