"""What is told about a file that is no picture, or not the one that was annotated."""

from __future__ import annotations

import os

from choi_d2.utils import InputError

# What pictures that cannot be read often are: how their files begin, and what to do.
_OTHER_FILES = (
    (b"version https://git-lfs", "a Git LFS pointer", "Fetch the file itself: git lfs pull."),
    (b"<!doctype", "an HTML page", "Download the file itself."),
    (b"<html", "an HTML page", "Download the file itself."),
    (b"<svg", "an SVG drawing", "Convert it to PNG."),
    (b"<?xml", "an XML file", "Convert it to PNG if it is an SVG drawing."),
    (b"%pdf", "a PDF", "Convert its pages to PNG."),
    (b"pk\x03\x04", "a zip archive", "Unpack it."),
    (b"\x1f\x8b", "a gzip archive", "Unpack it."),
)
_CONVERT = "Convert it to JPEG or PNG, or install a plugin of Pillow that reads it (pillow-heif)."
_HEIF_BRANDS = (b"heic", b"heix", b"mif1", b"msf1", b"hevc")


def unreadable(path: str | os.PathLike, error: Exception) -> InputError:
    """The error for a file that no decoder takes.

    Args:
        path: the file.
        error: what the decoder said.
    """
    with open(path, "rb") as file:
        head = file.read(64).lower()
    if not head:
        return InputError("cannot be read as a picture: the file is empty", path=path)
    if not head.strip(b"\0"):
        problem = "cannot be read as a picture: it begins with zeros only"
        return InputError(problem, path=path, hint="Was it copied whole?")
    for beginning, what, hint in _OTHER_FILES:
        if head.lstrip().startswith(beginning):
            return InputError(f"cannot be read as a picture: it is {what}", path=path, hint=hint)
    if head[4:8] == b"ftyp" and head[8:12] in _HEIF_BRANDS:
        return InputError("cannot be read as a picture: it is HEIF", path=path, hint=_CONVERT)
    hint = "Was it copied whole?" if "truncated" in str(error) else None
    return InputError(f"cannot be read as a picture ({error})", path=path, hint=hint)


def size_error(
    found: tuple[int, int],
    expected: tuple[int, int],
    *,
    source: str = "its record",
    **place: str | os.PathLike | int | None,
) -> InputError:
    """The error for a picture whose size is not the annotated one.

    Args:
        found: height and width of the picture, upright.
        expected: what was annotated.
        source: who says so.
        place: path, image and field, as :class:`InputError` takes them.
    """
    problem = (
        f"the image is {found[1]} x {found[0]} (width x height), {source} says {expected[1]} x "
        f"{expected[0]}"
    )
    if found == expected[::-1]:
        return InputError(
            f"{problem}: a turn of 90 degrees, as an EXIF orientation makes it. Pictures are read "
            "upright, as EXIF says",
            hint="Where the boxes fit the picture as viewers show it, exchange the annotation's "
            "width and height. Where they were made on the pixels as stored, take the orientation "
            "out of the file (exiftool -Orientation= FILE).",
            **place,
        )
    hint = "Correct the annotation's width and height, or put the right image there."
    return InputError(problem, hint=hint, **place)
