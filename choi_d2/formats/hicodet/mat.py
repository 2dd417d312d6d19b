"""HICO-DET's official ``anno_bbox.mat``, and any other Matlab file, by way of SciPy."""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np

from choi_d2.utils import InputError
from choi_d2.utils.rows import check_unique

from .annotations import NUM_HOIS, HICODETAnnotations

_COMPRESSED = 15  # Matlab's number for an element that is


def is_mat_file(path: str | os.PathLike) -> bool:
    """By its name, or by how Matlab's files begin."""
    if Path(path).suffix.lower() == ".mat":
        return True
    try:
        with open(path, "rb") as file:
            return file.read(6) == b"MATLAB"
    except OSError:
        return False  # read_json says what is wrong


def read_mat(path: str | os.PathLike, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Variables of a Matlab file.

    Args:
        path: the file.
        names: the variables; others are not read.

    Raises:
        InputError: the file is missing, none of Matlab's up to version 7, broken, or lacks one.
    """
    # Here, because it takes longer to import than many a file takes to read.
    from scipy.io import loadmat, whosmat

    try:
        data = Path(path).read_bytes()
    except FileNotFoundError:
        raise InputError("no such file", path=path, hint="Check the path.") from None
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", path=path) from None
    if not data:
        raise InputError("expected a Matlab file, found an empty one", path=path)
    try:
        _check_compressed(data)
        content = loadmat(io.BytesIO(data), variable_names=list(names))
        missing = [name for name in names if name not in content]
        found = [name for name, _, _ in whosmat(io.BytesIO(data))] if missing else []
    except NotImplementedError:
        hint = "In Matlab: save(..., '-v7')."
        raise InputError("Matlab's version 7.3 is not read", path=path, hint=hint) from None
    except Exception as error:  # a broken file can fail in any way
        problem = f"expected a Matlab file, found something else or half of one ({error})"
        raise InputError(problem, path=path) from None
    if missing:
        problem = f"expected the variable {missing[0]}, found {', '.join(sorted(found)) or 'none'}"
        raise InputError(problem, path=path)
    return content


def _check_compressed(data: bytes) -> None:
    """Compare the compressed variables of a file with their checksums.

    SciPy reads while it inflates, and damaged bytes can crash it before it gets to the checksum.

    Raises:
        zlib.error, struct.error: the file is damaged, or not whole.
    """
    order = {b"IM": "<", b"MI": ">"}.get(data[126:128])
    start = 128 if order else len(data)  # version 4 has no such mark
    while start < len(data):
        kind, size = struct.unpack_from(f"{order}II", data, start)
        if kind == _COMPRESSED:
            zlib.decompress(data[start + 8 : start + 8 + size])
        start += 8 + size


def read_mat_annotations(path: str | os.PathLike, split: str) -> HICODETAnnotations:
    """``bbox_train`` or ``bbox_test`` of ``anno_bbox.mat``.

    Args:
        path: the file.
        split: "train" or "test".

    Raises:
        InputError: the file is broken or of another layout.
    """
    variable = f"bbox_{split}"
    array = read_mat(path, [variable])[variable]
    names, sizes, rows, invisible = [], [], [], []
    place: dict[str, Any] = {"path": path, "field": variable}
    try:
        for image, (name, size, hois) in enumerate(_rows(array, ("filename", "size", "hoi"))):
            place = {"path": path, "field": f"{variable}({image + 1})"}
            names.append(text_of(name, place))
            place["image"] = names[-1]
            sizes.append(_size(size))
            for entry, hoi in enumerate(_rows(hois, _HOI)):
                place["entry"] = entry
                hoi_id, visible, pairs = _hoi(*hoi)
                if visible:
                    rows += [(image, hoi_id, entry, *pair) for pair in pairs]
                else:
                    invisible.append((image, hoi_id))
    except _OtherLayout as error:
        if (entry := place.pop("entry", None)) is not None:
            place["field"] += f".hoi({entry + 1})"
        hint = "Is this the official anno_bbox.mat?"
        raise InputError(str(error), **place, hint=hint) from None
    check_unique(names, path)
    table = np.array(rows, np.float64).reshape(-1, 11)
    ints = table[:, :3].astype(np.int64)

    def place_of(row: int) -> Mapping[str, Any]:
        image, _, entry = ints[row].tolist()
        return {
            "path": path,
            "image": names[image],
            "field": f"{variable}({image + 1}).hoi({entry + 1})",
        }

    if not np.isfinite(table).all():
        row = int(np.flatnonzero(~np.isfinite(table).all(axis=1))[0])
        raise InputError("expected boxes of four finite numbers", **place_of(row))
    return HICODETAnnotations(
        path=str(path),
        form="mat",
        names=names,
        sizes=np.array(sizes, np.int64).reshape(-1, 2),
        images=ints[:, 0],
        hoi_ids=ints[:, 1],
        human_boxes=table[:, 3:7] - 1,
        object_boxes=table[:, 7:] - 1,
        entries=ints[:, 2],
        place=place_of,
        invisible=np.array(invisible, np.int64).reshape(-1, 2),
    )


_HOI = ("id", "bboxhuman", "bboxobject", "connection", "invis")
_BOX = ("x1", "y1", "x2", "y2")


class _OtherLayout(Exception):
    """Says what was expected and what was found."""


def _hoi(
    hoi_id: Any, humans: np.ndarray, objects: np.ndarray, connection: np.ndarray, invisible: Any
) -> tuple[int, bool, list[list[float]]]:
    """(HOI id, visible?, pairs of 8 coordinates) of an entry."""
    hoi_id = _number(hoi_id)
    if not (1 <= hoi_id <= NUM_HOIS and hoi_id == int(hoi_id)):
        raise _OtherLayout(f"expected an HOI class 1..{NUM_HOIS}, found {hoi_id:g}")
    if _number(invisible):
        return int(hoi_id), False, []
    humans, objects = (
        [list(map(_number, box)) for box in _rows(boxes, _BOX)] for boxes in (humans, objects)
    )
    if connection.size and (connection.ndim != 2 or connection.shape[1] != 2):
        raise _OtherLayout(f"expected pairs (human, object), found an array of {connection.shape}")
    pairs = []
    for human, target in map(_whole_numbers, connection.reshape(-1, 2).tolist()):
        if not (1 <= human <= len(humans) and 1 <= target <= len(objects)):
            raise _OtherLayout(
                f"the connection ({human}, {target}) is none between "
                f"{len(humans)} humans and {len(objects)} objects"
            )
        pairs.append(humans[human - 1] + objects[target - 1])
    return int(hoi_id), True, pairs


def _rows(array: np.ndarray, names: tuple[str, ...]) -> Iterator[tuple]:
    """These fields of each element of a struct array."""
    if array.size == 0:
        return iter(())
    order = _order(array.dtype.names, names)
    if order is None:
        found = array.dtype.names
        what = f"a struct of {', '.join(found)}" if found else f"{array.dtype} of {array.shape}"
        raise _OtherLayout(f"expected a struct array of {', '.join(names)}, found {what}")
    return map(order, array.ravel().tolist())


@cache
def _order(found: tuple[str, ...] | None, wanted: tuple[str, ...]) -> Callable | None:
    if found is None or not set(wanted) <= set(found):
        return None
    return itemgetter(*(found.index(name) for name in wanted))


def _size(size: np.ndarray) -> tuple[int, int]:
    for width, height in _rows(size, ("width", "height")):
        return _whole_numbers((_number(width), _number(height)))
    raise _OtherLayout("expected a size, found an empty one")


def _whole_numbers(pair: Sequence[float]) -> tuple[int, int]:
    try:
        return int(pair[0]), int(pair[1])
    except (ValueError, TypeError, OverflowError):
        raise _OtherLayout(f"expected whole numbers, found {pair[0]}, {pair[1]}") from None


def _number(value: Any) -> float:
    try:
        return float(value.item())
    except (ValueError, TypeError, AttributeError):
        raise _OtherLayout(f"expected a number, found {value!r}"[:120]) from None


def text_of(value: Any, place: Mapping[str, Any]) -> str:
    """The file name in a cell.

    Raises:
        InputError: there is something else.
    """
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.item()
    if not isinstance(value, str):
        raise InputError(f"expected a file name, found {value!r}"[:120], **place)
    return str(value)
