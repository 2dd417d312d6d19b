"""Reading a pickle without running code from it."""

from __future__ import annotations

import collections
import os
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np

from .errors import InputError
from .file_kinds import other_kind

_SCALAR = np.float64(0).__reduce__()[0]


class _Forbidden(Exception):
    """A name that a pickle must not have; or what stands for something else than plain data."""


class _DType:
    """What a pickle calls a dtype: numbers, strings, dates and objects; no fields.

    NumPy's own believes a pickle that objects were bytes, which would be taken for addresses.
    """

    def __init__(self, name: str, align: bool = False, copy: bool = False):
        if not isinstance(name, str) or not re.fullmatch(r"[<>=|]?[?a-zA-UW-Z]\d*", name):
            raise _Forbidden(f"it holds an array of {name!r}, expected numbers or strings")
        self.dtype = np.dtype(name)

    def __setstate__(self, state: tuple) -> None:
        self.dtype = self.dtype.newbyteorder(state[1])


class _Array(np.ndarray):
    """An array that takes its dtype from a :class:`_DType` only."""

    def __setstate__(self, state: tuple) -> None:
        *head, dtype, is_fortran, data = state
        super().__setstate__((*head, _checked(dtype), is_fortran, data))


def _checked(dtype: _DType) -> np.dtype:
    if not isinstance(dtype, _DType):
        raise _Forbidden(f"an array's dtype is {type(dtype).__name__}")
    return dtype.dtype


def _ndarray(*_: Any) -> None:
    raise _Forbidden("it makes an array of memory that it did not bring")


def _reconstruct(*_: Any) -> _Array:
    return np.ndarray.__new__(_Array, (0,), np.int8)


def _scalar(dtype: _DType, *data: Any) -> Any:
    return _SCALAR(_checked(dtype), *data)


def _from_buffer(buffer: Any, dtype: _DType, shape: tuple, order: str) -> np.ndarray:
    return np.frombuffer(buffer, _checked(dtype)).reshape(shape, order=order)


def _latin1(text: str, encoding: str) -> bytes:  # how old protocols write an array's bytes
    if encoding != "latin1":
        raise _Forbidden(f"it encodes text to {encoding!r}")
    return text.encode("latin1")


# What NumPy itself puts into a pickle of an array or a scalar; its modules changed their names.
_ALLOWED = {
    ("numpy", "ndarray"): _ndarray,
    ("numpy", "dtype"): _DType,
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("_codecs", "encode"): _latin1,
}
for _package in ("numpy.core", "numpy._core"):
    _ALLOWED[f"{_package}.multiarray", "_reconstruct"] = _reconstruct
    _ALLOWED[f"{_package}.multiarray", "scalar"] = _scalar
    _ALLOWED[f"{_package}.numeric", "_frombuffer"] = _from_buffer


class _DataUnpickler(pickle.Unpickler):
    """Lists, dicts, strings, numbers and NumPy's arrays of them; nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise _Forbidden(f"it names {module}.{name}")
        return _ALLOWED[module, name]


class _ForeignDict(dict):
    """What takes the place of a class that is not imported: a dict, whatever the class would do."""

    origin = ""

    def __new__(cls, *arguments: Any) -> _ForeignDict:
        # defaultdict is made with its factory, or with None; others with what they hold.
        if len(arguments) > 1 or not all(
            each is None or isinstance(each, dict) or _is_stand_in(each) for each in arguments
        ):
            raise _Forbidden(cls.origin)
        return super().__new__(cls)

    def __init__(self, *arguments: Any):
        super().__init__(*(each for each in arguments if isinstance(each, dict)))

    def __setstate__(self, state: Any) -> None:
        """Attributes of the object are no part of the dict."""


def _is_stand_in(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, _ForeignDict)


class _DictUnpickler(_DataUnpickler):
    """Also objects of unknown classes, as the dicts that they are taken for."""

    def find_class(self, module: str, name: str) -> Any:
        if module in ("copyreg", "copy_reg") and name == "_reconstructor":
            return _reconstruct_dict
        if module in ("builtins", "__builtin__") and name == "dict":
            return dict
        try:
            return super().find_class(module, name)
        except _Forbidden as error:
            return type("ForeignDict", (_ForeignDict,), {"origin": str(error)})


def _reconstruct_dict(kind: Any, base: Any, content: Any) -> dict:
    """How the oldest protocols make an object of a subclass of dict."""
    if base is not dict or not _is_stand_in(kind) or not isinstance(content, dict | None):
        raise _Forbidden(getattr(kind, "origin", f"it makes {kind!r}"))
    return kind(content)


def read_pickle(
    path: str | os.PathLike, *, foreign_dicts: bool = False, hint: str | None = None
) -> Any:
    """The content of a pickle of plain data.

    Python 2's pickles are read as well.

    Args:
        path: the file.
        foreign_dicts: take objects of classes that are not known for subclasses of dict, and what
            they hold for plain dicts. Neither the class nor its module is looked for; a class or
            function that would be called with anything else is refused as ever.
        hint: what to do about a pickle that holds more than plain data.

    Raises:
        InputError: the file is missing, empty, cut short or no pickle; or it names a function or
            class, which a plain ``pickle.load`` would run.
    """
    path = Path(path)
    try:
        kind = other_kind(path)
        if kind is not None:
            raise InputError(f"expected a pickle, found {kind.name}", path=path, hint=kind.hint)
        unpickler = _DictUnpickler if foreign_dicts else _DataUnpickler
        with path.open("rb") as file:
            return unpickler(file, encoding="latin1").load()
    except InputError:
        raise
    except FileNotFoundError:
        raise InputError("no such file", path=path, hint="Check the path.") from None
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", path=path) from None
    except _Forbidden as error:
        raise InputError(
            f"this pickle would execute code: {error}",
            path=path,
            hint="Nothing was run. "
            + (hint or "A list of detections holds only numbers, strings and arrays."),
        ) from None
    except Exception as error:  # a broken pickle can fail in any way
        problem = f"expected a pickle, found something else or half of one ({error})"
        raise InputError(problem, path=path) from None
