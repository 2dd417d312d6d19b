"""Config keys that name a file for each data set."""

from __future__ import annotations

from collections.abc import Sequence

from choi_d2.utils import InputError


def named_files(entries: Sequence[str], field: str) -> dict[str, str]:
    """Parse a key such as ``INPUT.FACES.FILES``.

    Args:
        entries: ``"name=path"`` strings.
        field: the key, for messages.

    Returns:
        data set name -> path.

    Raises:
        InputError: an entry is not like that, or a name occurs twice.
    """
    files: dict[str, str] = {}
    for entry in entries:
        name, separator, path = str(entry).partition("=")
        if not (name and separator and path) or name in files:
            problem = "is there twice" if name in files else "is not 'name=path'"
            raise InputError(
                f"expected a 'name=path' for each data set, but {entry!r} {problem}", field=field
            )
        files[name] = path
    return files
