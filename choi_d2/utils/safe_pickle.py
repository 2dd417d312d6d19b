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


def _latin1(text: str, encoding: str) -> bytes:
    if encoding != "latin1":
        raise _Forbidden(f"_codecs.encode to {encoding}")
    return text.encode("latin1")


def read_pickle(path: str | os.PathLike) -> Any:
    """The content of a pickle of plain data.

    Python 2's pickles are read as well.

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
        return _DataUnpickler(io.BytesIO(data), encoding="latin1").load()
    except _Forbidden as error:
        raise InputError(
            f"this pickle would execute code: it names {error}",
            path=path,
            hint="Nothing was run. A list of detections holds only numbers, strings and arrays.",
        ) from None
    except Exception as error:  # a broken pickle can fail in any way
        problem = f"expected a pickle, found something else or half of one ({error})"
        raise InputError(problem, path=path) from None
