"""Reading a pickle without running code from it."""

from __future__ import annotations

import collections
import io
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from .errors import InputError

# What NumPy itself puts into a pickle of an array or a scalar; its modules changed their names.
_RECONSTRUCT = np.zeros(0).__reduce__()[0]
_SCALAR = np.float64(0).__reduce__()[0]
_FROM_BUFFER = np.zeros(0).__reduce_ex__(5)[0]

_ALLOWED = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("collections", "OrderedDict"): collections.OrderedDict,
}
for _package in ("numpy.core", "numpy._core"):
    _ALLOWED[f"{_package}.multiarray", "_reconstruct"] = _RECONSTRUCT
    _ALLOWED[f"{_package}.multiarray", "scalar"] = _SCALAR
    _ALLOWED[f"{_package}.numeric", "_frombuffer"] = _FROM_BUFFER


class _Forbidden(Exception):
    pass


class _DataUnpickler(pickle.Unpickler):
    """Lists, dicts, strings, numbers and NumPy's arrays of them; nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("_codecs", "encode"):  # how old protocols write an array's bytes
            return _latin1
        if (module, name) not in _ALLOWED:
            raise _Forbidden(f"{module}.{name}")
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
        raise _Forbidden(getattr(kind, "origin", repr(kind)))
    return kind(content)


def _latin1(text: str, encoding: str) -> bytes:
    if encoding != "latin1":
        raise _Forbidden(f"_codecs.encode to {encoding}")
    return text.encode("latin1")


def read_pickle(path: str | os.PathLike, *, foreign_dicts: bool = False) -> Any:
    """The content of a pickle of plain data.

    Python 2's pickles are read as well.

    Args:
        path: the file.
        foreign_dicts: take objects of classes that are not known for subclasses of dict, and what
            they hold for plain dicts. Neither the class nor its module is looked for; a class or
            function that would be called with anything else is refused as ever.

    Raises:
        InputError: the file is missing, empty, cut short or no pickle; or it names a function or
            class, which a plain ``pickle.load`` would run.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise InputError("no such file", path=path, hint="Check the path.") from None
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", path=path) from None
    if not data:
        raise InputError("expected a pickle, found an empty file", path=path)
    try:
        unpickler = _DictUnpickler if foreign_dicts else _DataUnpickler
        return unpickler(io.BytesIO(data), encoding="latin1").load()
    except _Forbidden as error:
        raise InputError(
            f"this pickle would execute code: it names {error}",
            path=path,
            hint="Nothing was run. A list of detections holds only numbers, strings and arrays.",
        ) from None
    except Exception as error:  # a broken pickle can fail in any way
        problem = f"expected a pickle, found something else or half of one ({error})"
        raise InputError(problem, path=path) from None
