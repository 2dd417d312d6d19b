"""HICO-DET's official ``anno_bbox.mat``, and any other Matlab file, by way of SciPy."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from choi_d2.utils import InputError
from choi_d2.utils.rows import check_unique

from .annotations import NUM_HOIS, HICODETAnnotations


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


def read_mat_annotations(path: str | os.PathLike, split: str) -> HICODETAnnotations:
    """``bbox_train`` or ``bbox_test`` of ``anno_bbox.mat``.

    Args:
        path: the file.
        split: "train" or "test".

    Raises:
        InputError: the file is broken or of another layout.
    """
    variable = f"bbox_{split}"
    images = _fields(
        read_mat(path, [variable])[variable], ("filename", "size", "hoi"), path, variable
    )
    names, sizes, rows, invisible = [], [], [], []
    for image in range(len(images["filename"])):
        place = {"path": path, "field": f"{variable}({image + 1})"}
        names.append(text_of(images["filename"][image], place))
        place["image"] = names[-1]
        size = _fields(images["size"][image], ("width", "height"), **place)
        sizes.append([_number(size[key], place) for key in ("width", "height")])
        for entry, (hoi_id, visible, pairs) in enumerate(_hois(images["hoi"][image], place)):
            if visible:
                rows += [(image, hoi_id, entry, *pair) for pair in pairs]
            else:
                invisible.append((image, hoi_id))
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


def _hois(hois: np.ndarray, place: Mapping[str, Any]):
    """(HOI id, visible?, pairs of 8 coordinates) of each entry of an image."""
    if hois.size == 0:
        return
    names = ("id", "bboxhuman", "bboxobject", "connection", "invis")
    table = _fields(hois, names, **{**place, "field": f"{place['field']}.hoi"})
    for entry in range(hois.size):
        here = {**place, "field": f"{place['field']}.hoi({entry + 1})"}
        hoi_id = _number(table["id"][entry], here)
        if not (1 <= hoi_id <= NUM_HOIS and hoi_id == int(hoi_id)):
            raise InputError(f"expected an HOI class 1..{NUM_HOIS}, found {hoi_id:g}", **here)
        if _number(table["invis"][entry], here):
            yield int(hoi_id), False, ()
            continue
        humans = _boxes(table["bboxhuman"][entry], here)
        objects = _boxes(table["bboxobject"][entry], here)
        connection = table["connection"][entry]
        if connection.size and (connection.ndim != 2 or connection.shape[1] != 2):
            problem = f"expected pairs (human, object), found an array of {connection.shape}"
            raise InputError(problem, **here)
        pairs = []
        for human, target in connection.reshape(-1, 2).astype(np.int64).tolist():
            if not (1 <= human <= len(humans) and 1 <= target <= len(objects)):
                problem = (
                    f"the connection ({human}, {target}) is none between "
                    f"{len(humans)} humans and {len(objects)} objects"
                )
                raise InputError(problem, **here)
            pairs.append(humans[human - 1] + objects[target - 1])
        yield int(hoi_id), True, pairs


def _boxes(array: np.ndarray, place: Mapping[str, Any]) -> list[list[float]]:
    if array.size == 0:
        return []
    table = _fields(array, ("x1", "y1", "x2", "y2"), **place)
    try:
        columns = [[float(value.item()) for value in column] for column in table.values()]
    except (ValueError, TypeError, AttributeError):
        raise InputError("expected boxes of four finite numbers", **place) from None
    return [list(box) for box in zip(*columns, strict=True)]


def _fields(array: np.ndarray, names: Sequence[str], path, field: str, image=None) -> dict:
    """The columns of a struct array, flat."""
    found = array.dtype.names
    if found is None or not set(names) <= set(found):
        what = f"a struct of {', '.join(found)}" if found else f"{array.dtype} of {array.shape}"
        problem = f"expected a struct array of {', '.join(names)}, found {what}"
        hint = "Is this the official anno_bbox.mat?"
        raise InputError(problem, path=path, image=image, field=field, hint=hint)
    return {name: array[name].ravel() for name in names}


def _number(value: Any, place: Mapping[str, Any]) -> float:
    try:
        while isinstance(value, np.ndarray):
            value = value.item()
        return float(value)
    except (ValueError, TypeError, AttributeError):
        raise InputError(f"expected a number, found {value!r}"[:120], **place) from None


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
