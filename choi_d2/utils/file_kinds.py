"""What a file is that is not what was expected, told from its first bytes."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import NamedTuple

_HEAD = 4096

_PAGE = (
    "It was saved in place of the file, as a page for a log-in, a confirmation or a missing file: "
    "open the address in a browser and download the file itself."
)
_LFS = "Git left it in place of the file: run `git lfs pull` there, or download the file itself."
_UNPACK = "Unpack it first."
_EMPTY = "It was not written or downloaded to its end: get it again."

# First bytes -> name and what to do.
_BEGINNINGS: dict[bytes, tuple[str, str | None]] = {
    b"version https://git-lfs": ("a pointer of Git LFS", _LFS),
    b"\x1f\x8b": ("gzip's compressed data", _UNPACK),
    b"BZh": ("bzip2's compressed data", _UNPACK),
    b"\xfd7zXZ\0": ("xz's compressed data", _UNPACK),
    b"\x28\xb5\x2f\xfd": ("Zstandard's compressed data", _UNPACK),
    b"7z\xbc\xaf\x27\x1c": ("a 7z archive", _UNPACK),
    b"Rar!": ("a RAR archive", _UNPACK),
    b"\x93NUMPY": ("a NumPy array (.npy)", None),
    b"\x89HDF": ("an HDF5 file", None),
    b"\x89PNG": ("a PNG picture", None),
    b"\xff\xd8\xff": ("a JPEG picture", None),
    b"%PDF": ("a PDF document", None),
    b"\x7fELF": ("a program", None),
}

_TEXT_PICKLES = tuple("(]}cIFSVNLg")


class FileKind(NamedTuple):
    """What a file is.

    Attributes:
        name: with its article: "a web page (HTML)".
        hint: what to do to get the file that it stands for; None where that is not known.
    """

    name: str
    hint: str | None = None


def other_kind(path: str | os.PathLike) -> FileKind | None:
    """What a file is, if it is none that holds Python's, NumPy's or PyTorch's data.

    Args:
        path: the file.

    Returns:
        None for a file that may be a pickle, or a zip archive as PyTorch writes them.

    Raises:
        OSError: it cannot be read.
    """
    path = Path(path)
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if not head:
        return FileKind("an empty file", _EMPTY)
    for beginning, kind in _BEGINNINGS.items():
        if head.startswith(beginning):
            return FileKind(*kind)
    if head[257:262] == b"ustar":
        return FileKind("a tar archive", _UNPACK)
    if head.startswith(b"PK"):
        return _zip_kind(path)
    if not head.strip(b"\0"):
        return FileKind("a file of zeros", _EMPTY)
    return _text_kind(head)


def _zip_kind(path: Path) -> FileKind | None:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, EOFError):
        size = path.stat().st_size
        return FileKind(
            f"a file that was cut short or is damaged ({size} bytes)",
            "Copy or download it again, and compare the sizes.",
        )
    parts = {tuple(name.split("/")[1:]) for name in names}
    if ("constants.pkl",) in parts:
        return FileKind("a TorchScript program", "Save the model's state_dict() instead.")
    if ("data.pkl",) in parts:
        return None
    shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
    return FileKind(f"a zip archive of {shown or 'nothing'}", _UNPACK)


def _text_kind(head: bytes) -> FileKind | None:
    try:
        text = head.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if len(head) < _HEAD or error.start < _HEAD - 4:
            return None
        text = head[: error.start].decode("utf-8-sig")
    start = text.lstrip()
    lower = start[:200].lower()
    if lower.startswith(("<!doctype", "<html", "<head", "<body")) or "<html" in lower:
        return FileKind("a web page (HTML)", _PAGE)
    if lower.startswith(("<?xml", "<error")):
        return FileKind("XML, as a server's error message", _PAGE)
    if start.startswith(("{", '["', "[{", "[[")):
        return FileKind("JSON", None)
    # A pickle of protocol 0 is text too, with a full stop at the very end.
    is_whole = len(head) < _HEAD
    if start.startswith(_TEXT_PICKLES) and (text.endswith(".") or not is_whole):
        return None
    if any(ord(c) < 32 and c not in "\t\n\r\f" for c in text):
        return None
    return FileKind(f"text that begins with {start[:40]!r}")
