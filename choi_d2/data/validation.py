"""What is wrong with a data set: one set of rules for the loaders and the validator.

A loader reports whatever it meets to a :class:`Problems`. While training, the first fatal problem
ends the loading with an :class:`InputError`, and the others are counted and logged; the validator
(``choi validate``) runs the same loader and lists them all.
"""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import PurePath
from typing import Any

from choi_d2.utils import InputError
from choi_d2.utils.said import say

from .problem_kinds import FATAL_KINDS, TOLERATED_KINDS


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, and where.

    Attributes:
        kind: a key of ``FATAL_KINDS`` or ``TOLERATED_KINDS``.
        message: what was expected and what was found.
        file: the file that the problem is in.
        image: the image that it is about, as the data set calls it.
        field: the field, written as it would be typed: ``annotations[3].bbox``.
    """

    kind: str
    message: str
    file: str
    image: str | int | None = None
    field: str | None = None

    @property
    def fatal(self) -> bool:
        """Does loading end here?"""
        return self.kind in FATAL_KINDS

    def __str__(self) -> str:
        places = [self.file]
        if self.image is not None:
            places.append(f"image {self.image!r}")
        if self.field is not None:
            places.append(f"field '{self.field}'")
        return f"{', '.join(places)}: {self.message}"


class Problems:
    """Collects what is wrong while a data set is read.

    Args:
        file: the annotation file that is being read.
        collect: go on after fatal problems, so that all are listed. By default the first one
            raises :class:`InputError`.
    """

    def __init__(self, file: str | PathLike, *, collect: bool = False):
        self.file = str(file)
        self.collect = collect
        self.found: list[Problem] = []

    def add(
        self,
        kind: str,
        message: str,
        *,
        image: str | int | None = None,
        field: str | None = None,
        file: str | PathLike | None = None,
    ) -> None:
        """Report a problem.

        Raises:
            InputError: it is fatal and this object does not collect.
        """
        if kind not in FATAL_KINDS and kind not in TOLERATED_KINDS:
            raise ValueError(f"unknown kind of problem: {kind}")
        file = self.file if file is None else str(file)
        problem = Problem(kind, message, file, image, field)
        if problem.fatal and not self.collect:
            raise InputError(message, path=file, image=image, field=field)
        self.found.append(problem)

    def add_error(
        self,
        error: InputError,
        *,
        kind: str = "unreadable file",
        image: str | int | None = None,
        field: str | None = None,
    ) -> None:
        """Report an error as the fatal problem that it is.

        Args:
            error: what went wrong.
            kind: a key of ``FATAL_KINDS``.
            image, field: where the error does not say it.

        Raises:
            InputError: the same one, when this object does not collect.
        """
        path = self.file if error.path is None else error.path
        image = image if error.image is None else error.image
        field = field if error.field is None else error.field
        if not self.collect:
            hint = error.hint
            raise InputError(error.problem, path=path, image=image, field=field, hint=hint)
        message = f"{error.problem}. {error.hint}" if error.hint else error.problem
        self.found.append(Problem(kind, message, path, image, field))

    @property
    def num_fatal(self) -> int:
        """How many end the loading."""
        return sum(problem.fatal for problem in self.found)

    def counts(self) -> dict[str, int]:
        """How many of each kind, fatal kinds first."""
        kinds = [*FATAL_KINDS, *TOLERATED_KINDS]
        found = [problem.kind for problem in self.found]
        return {kind: found.count(kind) for kind in kinds if kind in found}

    def log(self, logger: logging.Logger) -> None:
        """One warning for each kind, with its count and its first case; a run says each once."""
        for kind, count in self.counts().items():
            first = next(problem for problem in self.found if problem.kind == kind)
            done = TOLERATED_KINDS.get(kind, FATAL_KINDS.get(kind))
            message = "%d x %s (%s); first: %s"
            say(logger, logging.WARNING, message, count, kind, done, first)

    # ------------------------------------------------------------------ fields of JSON objects
    def is_object(
        self, value: Any, *, image: str | int | None = None, field: str | None = None
    ) -> bool:
        """Is ``value`` a JSON object? Reports a problem where it is not."""
        if isinstance(value, Mapping):
            return True
        message = f"expected an object, found {short(value)}"
        self.add("wrong type", message, image=image, field=field)
        return False

    def value(
        self,
        mapping: Any,
        key: str,
        expected: type | tuple[type, ...],
        *,
        image: str | int | None = None,
        where: str = "",
    ) -> Any:
        """``mapping[key]``, or None with a problem reported.

        Args:
            mapping: what should be a JSON object.
            key: what should be in it.
            expected: the type (or types) that the value should have.
            where: the place of ``mapping`` itself: ``annotations[3]``.
        """
        field = f"{where}.{key}" if where else key
        if not self.is_object(mapping, image=image, field=where or None):
            return None
        if key not in mapping:
            message = f"the key is missing; found {short(sorted(mapping))}"
            self.add("missing key", message, image=image, field=field)
        elif not isinstance(mapping[key], expected) or isinstance(mapping[key], bool):
            expected = expected if isinstance(expected, tuple) else (expected,)
            names = " or ".join(dict.fromkeys(_JSON_NAMES[each] for each in expected))
            message = f"expected {names}, found {short(mapping[key])}"
            self.add("wrong type", message, image=image, field=field)
        else:
            return mapping[key]
        return None

    def integer(
        self, mapping: Any, key: str, *, image: str | int | None = None, where: str = ""
    ) -> int | None:
        """A whole number, which released files also write as a string (``"11"``, ``"3\\n"``)."""
        value = self.value(mapping, key, (int, float, str), image=image, where=where)
        if value is None:
            return None
        try:
            if isinstance(value, float) and not value.is_integer():
                raise ValueError
            return int(value)
        except (ValueError, OverflowError):
            message = f"expected a whole number, found {short(value)}"
            field = f"{where}.{key}" if where else key
            self.add("bad number", message, image=image, field=field)
            return None

    def flag(
        self,
        mapping: Mapping,
        key: str,
        *,
        default: bool,
        image: str | int | None = None,
        where: str = "",
    ) -> bool:
        """Yes or no, by its meaning: see :func:`read_flag`; ``default`` where it is not said."""
        value = mapping.get(key)
        if value is None:
            return default
        meaning = read_flag(value)
        if meaning is None:
            message = f"expected true or false, 1 or 0, found {short(value)}"
            field = f"{where}.{key}" if where else key
            self.add("bad flag", message, image=image, field=field)
            return default
        return meaning

    def file_name(self, mapping: Any, key: str, *, where: str = "") -> str | None:
        """A path that some file could have."""
        name = self.value(mapping, key, str, where=where)
        if name is None:
            return None
        try:
            if PurePath(name).name and b"\0" not in os.fsencode(name):
                return name
        except UnicodeEncodeError:
            pass
        message = f"expected a file name, found {short(name)}"
        self.add("bad file name", message, field=f"{where}.{key}" if where else key)
        return None

    def list_of_integers(
        self, mapping: Any, key: str, *, image: str | int | None = None, where: str = ""
    ) -> list[int] | None:
        """A list of whole numbers, written as numbers."""
        values = self.value(mapping, key, list, image=image, where=where)
        if values is None or all(type(value) is int for value in values):
            return values
        position = next(i for i, value in enumerate(values) if type(value) is not int)
        field = f"{where}.{key}[{position}]" if where else f"{key}[{position}]"
        message = f"expected a whole number, found {short(values[position])}"
        self.add("bad number", message, image=image, field=field)
        return None

    def number(
        self, mapping: Any, key: str, *, image: str | int | None = None, where: str = ""
    ) -> float | None:
        """A finite number."""
        value = self.value(mapping, key, (int, float), image=image, where=where)
        if value is not None and not _is_finite(value):
            field = f"{where}.{key}" if where else key
            message = f"expected a finite number, found {short(value)}"
            self.add("bad number", message, image=image, field=field)
            return None
        return value

    def box(
        self, mapping: Any, key: str, *, image: str | int | None = None, where: str = ""
    ) -> list[float] | None:
        """Four finite numbers."""
        value = self.value(mapping, key, list, image=image, where=where)
        if value is None:
            return None
        if len(value) == 4 and all(_is_finite(number) for number in value):
            return [float(number) for number in value]
        message = f"expected four finite numbers, found {short(value)}"
        self.add("bad box", message, image=image, field=f"{where}.{key}" if where else key)
        return None


def short(value: Any, limit: int = 80) -> str:
    """``value`` as it would be typed, cut to a length that a message can carry."""
    text = repr(value)
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def read_flag(value: Any) -> bool | None:
    """True or False of what files write for it; None for anything else.

    Booleans, 0 and 1 as whole numbers or not, and "0", "1", "true", "false", "yes", "no" in any
    case.
    """
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        return bool(value) if value in (0, 1) else None
    if isinstance(value, str):
        return _FLAGS.get(value.strip().lower())
    return None


_FLAGS = {"0": False, "0.0": False, "false": False, "no": False, "f": False, "n": False}
_FLAGS |= {"1": True, "1.0": True, "true": True, "yes": True, "t": True, "y": True}


def _is_finite(number: Any) -> bool:
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        return False
    try:
        return math.isfinite(number)
    except OverflowError:  # an integer beyond float64
        return False


_JSON_NAMES = {
    list: "a list",
    dict: "an object",
    str: "a string",
    int: "a number",
    float: "a number",
}
