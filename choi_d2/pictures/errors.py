"""What is told about a file that is no picture, or not the one that was annotated."""

from __future__ import annotations

import os

from PIL import UnidentifiedImageError

from choi_d2.utils import InputError
from choi_d2.utils.file_kinds import FileKind, other_kind

_CONVERT = "Convert it to JPEG or PNG, or install a plugin of Pillow that reads it (pillow-heif)."
_HEIF_BRANDS = (b"heic", b"heix", b"mif1", b"msf1", b"hevc")


def unreadable(path: str | os.PathLike, error: Exception) -> InputError:
    """The error for a file that no decoder takes.

    Args:
        path: the file.
        error: what the decoder said.
    """
    if isinstance(error, UnidentifiedImageError):
        with open(path, "rb") as file:
            head = file.read(12)
        kind = other_kind(path)
        if head[4:8] == b"ftyp" and head[8:12] in _HEIF_BRANDS:
            kind = FileKind("HEIF", _CONVERT)
        if kind is not None:
            problem = f"cannot be read as a picture: it is {kind.name}"
            return InputError(problem, path=path, hint=kind.hint)
        problem = "cannot be read as a picture: its format, or this kind of it, is not known"
        hint = "Was it copied whole? Otherwise convert it to JPEG or PNG."
        return InputError(problem, path=path, hint=hint)
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
    turn, hint = turn_between(found, expected)
    problem = (
        f"the image is {found[1]} x {found[0]} (width x height), {source} says {expected[1]} x "
        f"{expected[0]}{turn}"
    )
    hint = hint or "Correct the annotation's width and height, or put the right image there."
    return InputError(problem, hint=hint, **place)


def turn_between(found: tuple[int, int], expected: tuple[int, int]) -> tuple[str, str | None]:
    """What to add to an error where a size and the annotated one are a turn of 90 degrees apart.

    Args:
        found, expected: as :func:`size_error` takes them.

    Returns:
        the end of the problem's sentence, and the hint; "" and None where there is no such turn.
    """
    if found != expected[::-1]:
        return "", None
    turn = (
        ": a turn of 90 degrees, as an EXIF orientation makes it. Pictures are read upright, as "
        "EXIF says"
    )
    hint = (
        "Where the annotation fits the picture as viewers show it, exchange the annotation's width "
        "and height. Where it was made on the pixels as stored, take the orientation out of the "
        "file (exiftool -Orientation= FILE)."
    )
    return turn, hint
