"""Checked columns: one field of many JSON objects as one array.

Checking a million values one by one in Python takes longer than evaluating them. Here a whole
column is checked at once, and only a column that fails is walked to find the culprit.
"""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from operator import itemgetter
from typing import Any

import numpy as np

from choi_d2.utils import InputError

Place = Callable[[int], Mapping[str, Any]]
"""Row -> where it stands, as InputError's keywords (path, image, field)."""


@contextmanager
def many_objects() -> Iterator[None]:
    """Read large files without the garbage collector, which would visit every object again and
    again although none can be garbage yet.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def column(rows: Sequence[Any], key: str, place: Place) -> list[Any]:
    """The values at ``key`` of all rows.

    Raises:
        InputError: a row is not an object or has no such key.
    """
    try:
        return [row[key] for row in rows]
    except (KeyError, TypeError, IndexError):
        for index, row in enumerate(rows):
            if not isinstance(row, dict):
                raise InputError(
                    f"expected an object, found {shown(row)}", **place(index)
                ) from None
            if key not in row:
                where = dict(place(index))
                raise InputError(f"the required key '{key}' is missing", **where) from None
        raise


def cells(rows: Sequence[Any], keys: Sequence[str], place: Place) -> list[Any]:
    """The values at two or more keys of all rows, row by row: faster than key by key where there
    are many keys, as it walks through memory once.

    Raises:
        InputError: a row is not an object or lacks a key.
    """
    try:
        return list(chain.from_iterable(map(itemgetter(*keys), rows)))
    except (KeyError, TypeError, IndexError):
        for key in keys:
            column(rows, key, place)
        raise


def lists(values: Sequence[Any], place: Place) -> Sequence[list]:
    """The values themselves, all of them lists.

    Raises:
        InputError: one is not.
    """
    if set(map(type, values)) <= {list}:
        return values
    index = next(i for i, value in enumerate(values) if type(value) is not list)
    raise InputError(f"expected a list, found {shown(values[index])}", **place(index))


def boxes(values: Sequence[Any], place: Place) -> np.ndarray:
    """(B, 4) float64 from lists of four finite numbers.

    Raises:
        InputError: one is not four finite numbers.
    """
    return number_rows(values, 4, place, "four finite numbers")


def number_rows(
    values: Sequence[Any], width: int, place: Place, expected: str, *, nan: bool = False
) -> np.ndarray:
    """(V, width) float64 from lists of numbers; arrays of NumPy will do.

    Args:
        expected: what an error says there should be.
        nan: is nan welcome?

    Raises:
        InputError: one has another length, or something that is not a finite number.
    """
    rows = values
    if not set(map(type, rows)) <= {list}:
        plain = map(_plain, rows)
        rows = [list(row) if isinstance(row, list | tuple) else None for row in plain]
    whole = None not in rows and set(map(len, rows)) <= {width}
    if whole and not set(map(type, chain.from_iterable(rows))) <= {int, float}:
        rows = [[_plain(number) for number in row] for row in rows]
        whole = set(map(type, chain.from_iterable(rows))) <= {int, float}
    if whole:
        array = _float_array(chain.from_iterable(rows), width * len(rows)).reshape(-1, width)
        if (np.isfinite(array) | (nan & np.isnan(array))).all():
            return array
    for index, row in enumerate(rows):
        if row is None or len(row) != width or not all(_is_number(n, nan) for n in row):
            problem = f"expected {expected}, found {shown(_plain(values[index]))}"
            raise InputError(problem, **place(index))
    raise AssertionError("a column failed its check, none of its rows did")


def numbers(values: Sequence[Any], place: Place, *, nan: bool = False) -> np.ndarray:
    """(V,) float64 from finite numbers, NumPy's too.

    Args:
        nan: is nan welcome?

    Raises:
        InputError: one is not a finite number.
    """
    if not set(map(type, values)) <= {int, float}:
        values = [_plain(value) for value in values]
    if set(map(type, values)) <= {int, float}:
        array = _float_array(values, len(values))
        if (np.isfinite(array) | (nan & np.isnan(array))).all():
            return array
    index = next(i for i, value in enumerate(values) if not _is_number(value, nan))
    expected = "a finite number or NaN" if nan else "a finite number"
    raise InputError(f"expected {expected}, found {shown(values[index])}", **place(index))


def integers(values: Sequence[Any], place: Place) -> tuple[np.ndarray, np.ndarray]:
    """Ids that may have been written as strings, as some releases do ("11", also "1\\n").

    Returns:
        (V,) int64 ids, and (S,) the rows in which they were strings.

    Raises:
        InputError: one is neither an integer nor a string of one.
    """
    types = set(map(type, values))
    if types <= {int}:
        return _int_array(values, place), np.zeros(0, np.int64)
    # Ids are many, different ones are few.
    try:
        integer_of = {value: _integer(value) for value in set(values)}
    except TypeError:  # a list, an object or an array among them
        integer_of = {None: None}
    if None in integer_of.values():
        index = next(i for i, value in enumerate(values) if _integer(value) is None)
        problem = f"expected an integer, found {shown(values[index])}"
        raise InputError(problem, **place(index))
    strings = [index for index, value in enumerate(values) if type(value) is str]
    converted = list(map(integer_of.__getitem__, values))
    return _int_array(converted, place), np.array(strings, np.int64)


def shown(value: Any) -> str:
    """A value as an error message can show it."""
    try:
        text = repr(value)
    except Exception:  # arrays of some types have no text
        text = f"something of type {type(value).__name__}"
    return text if len(text) <= 80 else text[:77] + "..."


def _integer(value: Any) -> int | None:
    """5, 5.0 and "5\\n" are 5; None for everything else."""
    if isinstance(value, np.ndarray):
        return None
    try:
        return int(value) if isinstance(value, int | str) or value == int(value) else None
    except (TypeError, ValueError, OverflowError):
        return None


def _plain(value: Any) -> Any:
    """NumPy's scalars and arrays as Python's own."""
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def _is_number(value: Any, nan: bool) -> bool:
    if type(value) not in (int, float):
        return False
    try:
        return math.isfinite(value) or (nan and math.isnan(value))
    except OverflowError:  # an integer beyond float64
        return False


def _float_array(values, count: int) -> np.ndarray:
    try:
        return np.fromiter(values, np.float64, count)
    except OverflowError:  # an integer beyond float64: infinite, so that the check names it
        return np.full(count, np.inf)


def _int_array(values: Sequence[int], place: Place) -> np.ndarray:
    try:
        return np.fromiter(values, np.int64, len(values))
    except OverflowError:
        index = next(i for i, value in enumerate(values) if abs(value) >= 2**63)
        raise InputError(f"too large an integer: {shown(values[index])}", **place(index)) from None
