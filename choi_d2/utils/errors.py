"""The error that a user sees when an input is not what it should be."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from os import PathLike


class InputError(ValueError):
    """Something that the user handed us is broken; the message says where, what, and what to do.

    Args:
        problem: what is wrong and what was expected, e.g.
            ``"expected four finite numbers, found [1, 2, nan, 4]"``.
        path: the file that the problem is in.
        image: the image (file name or id) that the problem is about.
        field: the field, written as it would be typed: ``"annotations[3].bbox"``.
        hint: what the user can do about it.
    """

    def __init__(
        self,
        problem: str,
        *,
        path: str | PathLike | None = None,
        image: str | int | None = None,
        field: str | None = None,
        hint: str | None = None,
    ):
        self.problem, self.image, self.field, self.hint = problem, image, field, hint
        self.path = None if path is None else str(path)
        places = []
        if self.path is not None:
            places.append(self.path)
        if image is not None:
            places.append(f"image {image!r}")
        if field is not None:
            places.append(f"field '{field}'")
        message = ": ".join([", ".join(places), problem] if places else [problem])
        super().__init__(f"{message}. {hint}" if hint else message)

    def __reduce__(self):
        # Keyword-only arguments: worker processes must be able to hand the error back.
        return _rebuild, (self.problem, self.path, self.image, self.field, self.hint)


def _rebuild(problem, path, image, field, hint):
    return InputError(problem, path=path, image=image, field=field, hint=hint)


@contextlib.contextmanager
def clean_exit() -> Iterator[None]:
    """For command lines: one line on stderr; ``InputError`` is exit code 2, Ctrl-C is 130."""
    try:
        yield
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
