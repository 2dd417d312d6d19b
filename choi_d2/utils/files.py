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
from .file_kinds import other_kind


def read_text(path: str | os.PathLike, what: str = "a text file") -> str:
    """Read a text file that begins in ASCII: in UTF-8, or UTF-16 or -32 where its bytes say so.

    A byte-order mark is no part of the text.

    Args:
        path: the file.
        what: what is expected, for messages.

    Raises:
        InputError: the file is missing or unreadable, or holds something else.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise InputError("no such file", path=path, hint="Check the path.") from None
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", path=path) from None
    try:
        text = data.decode(json.detect_encoding(data))
        # Two bytes that happen to be a byte-order mark; bytes that no text begins with.
        if text and not "\t" <= text[0] <= "~":
            raise InputError(f"expected {what}, found binary data", path=path)
        return text
    except UnicodeDecodeError as error:
        kind = other_kind(path)
        if kind is not None:
            problem, hint = f"expected {what}, found binary data: {kind.name}", kind.hint
        elif any(byte < 9 for byte in data[:4096]):
            problem, hint = f"expected {what}, found binary data", None
        else:
            # Every byte is a character there, so that it cannot be told from other encodings.
            found = data[error.start : error.start + 1]
            problem = (
                f"expected {what} in UTF-8, found another encoding: byte 0x{found.hex()} at "
                f"{error.start}, which is {found.decode('latin-1')!r} in Latin-1 (Windows-1252)"
            )
            hint = "Save it in UTF-8: iconv -f WINDOWS-1252 -t UTF-8."
        raise InputError(problem, path=path, hint=hint) from None


def read_json(
    path: str | os.PathLike, expected: type | None = None, *, unique_keys: bool = False
) -> Any:
    """Read a JSON file.

    Args:
        path: the file.
        expected: ``list`` or ``dict``; what the top level has to be.
        unique_keys: refuse an object that has a key twice, of which the last would win.

    Raises:
        InputError: the file is missing, unreadable, empty, in another encoding than
            :func:`read_text` knows, not JSON, cut short, or its top level is not ``expected``.
    """
    path = Path(path)
    text = read_text(path, "a JSON text file")
    if not text.strip():
        raise InputError("expected JSON, found an empty file", path=path)
    try:
        content = json.loads(text, object_pairs_hook=_unique if unique_keys else None)
    except _RepeatedKeyError as error:
        raise InputError(
            "the key is there twice in one object",
            path=path,
            field=str(error),
            hint="Take one of them out: which one was meant cannot be told.",
        ) from None
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"expected JSON, found something else ({error})",
            path=path,
            hint=_what_else(path, text, error),
        ) from None
    if expected is not None and not isinstance(content, expected):
        raise InputError(
            f"expected a JSON {_JSON_NAMES[expected]} at the top level, "
            f"found {_JSON_NAMES.get(type(content), type(content).__name__)}",
            path=path,
        )
    return content


class _RepeatedKeyError(Exception):
    pass


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _RepeatedKeyError(next(key for key in keys if keys.count(key) > 1))
    return content


def _what_else(path: Path, text: str, error: Exception) -> str | None:
    """What to do about a file that is no JSON."""
    kind = other_kind(path)
    if kind is not None and kind.hint is not None:
        return f"It is {kind.name}. {kind.hint}"
    if isinstance(error, json.JSONDecodeError):
        if error.msg.startswith("Extra data"):
            return "It goes on after its end: is it one JSON on each line?"
        if error.pos >= len(text.rstrip()) - 1 or error.msg.startswith("Unterminated string"):
            return "The file ends too early: was it copied whole?"
    return None


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
