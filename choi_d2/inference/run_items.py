"""What a run over many pictures has to do, and what its results are called."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from choi_d2.utils import InputError
from choi_d2.utils.output_names import OutputNames, path_below

from .photos import EXTENSIONS, Photo, find_photos
from .sources import VIDEO_EXTENSIONS, is_video

_JPEG = {".jpg", ".jpeg"}


@dataclass(frozen=True)
class Item:
    """A photo, a video or a camera.

    Attributes:
        source: the file, or the camera's number.
        name: of its results: a relative path without suffix, which no other item has.
    """

    source: Path | int
    name: str

    @property
    def is_video(self) -> bool:
        """Has it frames, as a video or a camera?"""
        return isinstance(self.source, int) or is_video(self.source)

    @property
    def key(self) -> str | None:
        """What tells it from others in every folder that one may be in; None for a camera."""
        return None if isinstance(self.source, int) else os.path.abspath(self.source)

    @property
    def drawing(self) -> str:
        """Its drawing, below the output folder: JPEGs become JPEGs, other photos PNGs."""
        if self.is_video:
            return f"{self.name}.mp4"
        return self.name + drawing_suffix(self.source)

    def __str__(self) -> str:
        return f"camera {self.source}" if isinstance(self.source, int) else str(self.source)


def drawing_suffix(photo: Path) -> str:
    """The ending of its drawing: .jpg for a JPEG, .png for other photos."""
    return ".jpg" if photo.suffix.lower() in _JPEG else ".png"


def list_items(
    sources: Sequence[str],
    output: Path | None = None,
    *,
    listed: Sequence[str] = (),
    written: Mapping[str, str] | None = None,
) -> tuple[list[Item], list[str]]:
    """Everything that sources name, each once, in their order.

    Names are given in the order of the list, and those of earlier results stay: whatever part of
    the list a run does, and however often it is stopped, an item has one name.

    Args:
        sources: files, folders, patterns, videos, numbers of cameras.
        output: where results go; left out where it is inside of a folder that is searched.
        listed: paths out of a list, of which some may not be there.
        written: :attr:`Item.key` -> name of earlier results.

    Returns:
        the items, and those of ``listed`` that are not there.

    Raises:
        InputError: one of ``sources`` is not there, or nothing is left.
    """
    cameras = [int(x) for x in sources if x.isdecimal() and not os.path.exists(x)]
    paths = [x for x in sources if not x.isdecimal() or os.path.exists(x)]
    missing = [x for x in listed if not os.path.exists(os.path.expanduser(x))]
    paths += [x for x in listed if x not in set(missing)]
    if not (paths or cameras or missing):
        raise InputError("no photo, folder, video or camera is given", field="SOURCE")
    extensions = EXTENSIONS | VIDEO_EXTENSIONS
    photos = find_photos(paths, outside=output, extensions=extensions) if paths else []
    written = written or {}
    names = OutputNames()
    for name in written.values():
        names.take(name)
    items = [Item(number, names.take(f"camera_{number}")) for number in cameras]
    for photo in photos:
        name = written.get(os.path.abspath(photo.path))
        items.append(Item(photo.path, name or names.take(str(photo.name.with_suffix("")))))
    return items, missing


def check_output(items: Sequence[Item], output: Path) -> None:
    """Refuse to draw where the photos are.

    Raises:
        InputError: drawings would go into a folder that photos are in, or out of ``output``.
    """
    folders = {x.source.resolve().parent for x in items if isinstance(x.source, Path)}
    checked = set()
    for item in items:
        folder = os.path.dirname(item.name)
        if folder in checked:
            continue
        checked.add(folder)
        target = path_below(output, item.drawing)
        if target.parent.resolve() in folders:
            raise InputError(
                "holds photos of the input, which must not be overwritten",
                path=target.parent,
                field="--output",
                hint="Choose another folder.",
            )


def plan_outputs(photos: Sequence[Photo], output: Path) -> list[Path]:
    """Where each photo's drawing goes, see :class:`Item`.

    Photos keep their names and the folders that they were found in; a name that is taken (a.jpg and
    a.png, or one/a.jpg and two/a.jpg) gets a number: a_2.png.

    Raises:
        InputError: drawings would go into a folder that the photos are in, or out of ``output``.
    """
    names = OutputNames()
    items = [Item(x.path, names.take(str(x.name.with_suffix("")))) for x in photos]
    check_output(items, output)
    return [path_below(output, item.drawing) for item in items]
