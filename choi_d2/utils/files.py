"""Reading JSON with errors that help, and writing files whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .errors import InputError


def read_json(path: str | os.PathLike, expected: type | None = None) -> Any:
    """Read a JSON file.

    Args:
        path: the file.
        expected: ``list`` or ``dict``; what the top level has to be.

    Raises:
        InputError: the file is missing, unreadable, empty, not UTF-8, not JSON, cut short, or its
            top level is not ``expected``.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError("no such file", path=path, hint="Check the path.") from None
    except UnicodeDecodeError:
        raise InputError("expected a JSON text file, found binary data", path=path) from None
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", path=path) from None
    if not text.strip():
        raise InputError("expected JSON, found an empty file", path=path)
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        at_the_end = isinstance(error, json.JSONDecodeError) and error.pos >= len(text.rstrip()) - 1
        hint = "The file ends too early: was it copied whole?" if at_the_end else None
        raise InputError(
            f"expected JSON, found something else ({error})", path=path, hint=hint
        ) from None
    if expected is not None and not isinstance(content, expected):
        raise InputError(
            f"expected a JSON {_JSON_NAMES[expected]} at the top level, "
            f"found {_JSON_NAMES.get(type(content), type(content).__name__)}",
            path=path,
        )
    return content


_JSON_NAMES = {list: "list", dict: "object", str: "string", int: "number", float: "number"}


@contextlib.contextmanager
def atomic_path(path: str | os.PathLike) -> Iterator[Path]:
    """A temporary path beside ``path`` that takes its place when the block ends without an error.

    Nobody ever sees half a file: a reader finds the old one or the new one. Folders above are made.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(
        dir=path.parent, prefix=f".{path.stem}.", suffix=path.suffix
    )
    os.close(handle)
    temporary = Path(temporary)
    try:
        yield temporary
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: str | os.PathLike, content: Any, *, indent: int | None = None) -> None:
    """Write ``content`` as JSON, whole or not at all.

    Raises:
        ValueError: ``content`` holds NaN or infinity, which JSON has no word for.
    """
    text = json.dumps(content, indent=indent, allow_nan=False)
    with atomic_path(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")
