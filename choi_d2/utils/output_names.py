"""Names for output files, made of names that data sets, predictions and folders hold."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from pathlib import Path

from .errors import InputError

# What file systems in use do not take, Windows' among them: results are copied there.
_NOT_IN_NAMES = re.compile(r'[\x00-\x1f\x7f<>:"|?*]')
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
# Bytes of a part: below the 255 that are common, with room for a number, a suffix, and what
# atomic_path adds while it writes.
_LONGEST = 180
_DEEPEST = 16


class OutputNames:
    """Gives out names for files below one folder; each name once.

    Whatever a name is made of, it stays below the folder: ``..``, drives and leading slashes are
    dropped, letters that file systems do not take become ``_``, long names are cut. An ordinary
    name, with the folders in it, stays as it is.
    """

    def __init__(self):
        self._taken: set[str] = set()

    def take(self, name: str) -> str:
        """A relative path with forward slashes, without suffix.

        Args:
            name: anything; what is given a second time, or becomes what another name became, gets a
                number: ``a_2``.
        """
        first = plain_name(name)
        taken, number = first, 1
        # Without regard to case and to how accents are written, as some file systems are.
        while (key := unicodedata.normalize("NFC", taken).casefold()) in self._taken:
            number += 1
            taken = f"{first}_{number}"
        self._taken.add(key)
        return taken


def plain_name(name: str) -> str:
    """The relative path that :class:`OutputNames` makes of a name, but for numbers."""
    text = name.encode("utf-8", "replace").decode("utf-8")
    text = re.sub(r"^[a-zA-Z]:", "", text.replace("\\", "/"))
    parts = []
    for part in text.split("/"):
        part = _NOT_IN_NAMES.sub("_", part).rstrip(". ")
        if not part:
            continue
        if _DEVICES.match(part):
            part = f"_{part}"
        parts.append(_shortened(part))
    if len(parts) > _DEEPEST:
        parts = [_digest(name), *parts[-_DEEPEST:]]
    return "/".join(parts) or "_"


def path_below(folder: str | os.PathLike, name: str) -> Path:
    """``folder/name``, which is to be written.

    Args:
        folder: where output goes.
        name: from :meth:`OutputNames.take`, with a suffix.

    Raises:
        InputError: a link in the folder leads out of it.
    """
    path = Path(folder, name)
    if not path.parent.resolve().is_relative_to(Path(folder).resolve()):
        raise InputError(
            "a link leads out of the output folder",
            path=path.parent,
            hint="Remove it, or write to another folder.",
        )
    return path


def _shortened(part: str) -> str:
    encoded = part.encode()
    if len(encoded) <= _LONGEST:
        return part
    return f"{encoded[: _LONGEST - 9].decode(errors='ignore')}~{_digest(part)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:8]
