"""Detections as the official Matlab code takes them: ``all_boxes``.

A cell for each class and image, the images in the order of the ground truth, of an array (D, 9):
human box, object box, score; pixels are counted from 0. ``detections.mat`` has all 600 classes, or
``detections_01.mat`` to ``detections_80.mat`` have those of one object each, in COCO's order.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from choi_d2.categories.hicodet import COCO_IDS, HOIS, OBJECTS
from choi_d2.formats.hicodet.mat import read_mat
from choi_d2.utils import InputError
from choi_d2.utils.columns import shown

from .hicodet_forms import FoundPairs

NUM_HOIS = len(HOIS)


def pairs_of_mat(path: str | os.PathLike, names: Sequence[str]) -> FoundPairs:
    """Read ``detections.mat``.

    Args:
        path: the file.
        names: (I,) the ground truth's images.

    Raises:
        InputError: the file is broken or of another layout.
    """
    return pairs_of_cells(read_mat(path, ["all_boxes"])["all_boxes"], names, path)


def pairs_of_folder(folder: str | os.PathLike, names: Sequence[str]) -> FoundPairs:
    """Read ``detections_01.mat`` to ``detections_80.mat``.

    Args:
        folder: where they are.
        names: (I,) the ground truth's images.

    Raises:
        InputError: a file is missing, broken, or of another layout.
    """
    cells = np.empty((NUM_HOIS, len(names)), object)
    for number, place in enumerate(np.argsort(COCO_IDS).tolist(), 1):
        path = Path(folder) / f"detections_{number:02d}.mat"
        hois = [i for i, hoi in enumerate(HOIS) if hoi.object == place]
        found = read_mat(path, ["all_boxes"])["all_boxes"]
        if found.shape != (len(hois), len(names)):
            raise InputError(
                f"expected cells, {len(hois)} classes of {OBJECTS[place]} x {len(names)} images, "
                f"found an array of {found.shape}",
                path=path,
                field="all_boxes",
            )
        cells[hois] = found
    return pairs_of_cells(cells, names, folder)


def pairs_of_cells(cells: Any, names: Sequence[str], path: str | os.PathLike) -> FoundPairs:
    """Read ``all_boxes``.

    Args:
        cells: (600, I) array of arrays, or 600 lists of I arrays.
        names: (I,) the ground truth's images, in whose order the cells are.
        path: the file, for messages.

    Raises:
        InputError: the shape is another one, or a number is not finite.
    """
    if not isinstance(cells, np.ndarray):
        cells = _table_of_lists(cells)
    shape = (NUM_HOIS, len(names))
    if cells is None or cells.shape != shape or cells.dtype != object:
        found = "rows of unlike lengths" if cells is None else f"an array of {cells.shape}"
        problem = f"expected cells, {shape[0]} classes x {shape[1]} images, found {found}"
        raise InputError(problem, path=path, field="all_boxes")

    def place_of(image: int, hoi: int) -> Mapping:
        field = f"all_boxes{{{hoi + 1}, {image + 1}}}"
        return {"path": path, "image": names[image], "field": field}

    images, hois = np.nonzero(np.array(_sizes(cells.T.ravel().tolist())).reshape(cells.T.shape))
    parts = cells[hois, images].tolist()
    for row, part in enumerate(parts):
        if not _is_table(part):
            parts[row] = _table(part, place_of(int(images[row]), int(hois[row])))
    counts = [len(part) for part in parts]
    table = np.concatenate([np.zeros((0, 9)), *parts])
    entries, hoi_ids = np.repeat(images, counts), np.repeat(hois + 1, counts)
    if not np.isfinite(table).all():
        row = int(np.flatnonzero(~np.isfinite(table).all(axis=1))[0])
        place = place_of(int(entries[row]), int(hoi_ids[row]) - 1)
        raise InputError(f"expected finite numbers, found {shown(table[row].tolist())}", **place)
    return FoundPairs(
        names,
        entries,
        hoi_ids,
        table[:, :4],
        table[:, 4:8],
        table[:, 8],
        lambda row: place_of(int(entries[row]), int(hoi_ids[row]) - 1),
    )


def _table_of_lists(rows: Sequence[Any]) -> np.ndarray | None:
    """(rows, columns) array of objects; None where it is no table."""
    if not all(isinstance(row, list | tuple | np.ndarray) for row in rows):
        return None
    if len({len(row) for row in rows}) != 1:
        return None
    table = np.empty((len(rows), len(rows[0])), object)
    for place, row in enumerate(rows):
        for column, cell in enumerate(row):
            table[place, column] = cell
    return table


def _sizes(cells: Sequence[Any]) -> list[int]:
    """How much is in each; a number or a text is no empty cell."""
    try:
        return [cell.size for cell in cells]
    except AttributeError:  # lists
        return [getattr(cell, "size", _length(cell)) for cell in cells]


def _length(cell: Any) -> int:
    return len(cell) if hasattr(cell, "__len__") else 1


def _is_table(cell: Any) -> bool:
    """Is it an array (D, 9) of numbers?"""
    is_array = isinstance(cell, np.ndarray)
    return is_array and cell.ndim == 2 and cell.shape[1] == 9 and cell.dtype.kind in "fiu"


def _table(cell: Any, place: Mapping) -> np.ndarray:
    """(D, 9) numbers of lists.

    Raises:
        InputError: it is something else.
    """
    try:
        array = np.asarray(cell)
    except ValueError:
        raise InputError("expected numbers, (D, 9), found unlike lists", **place) from None
    if not _is_table(array):
        found = f"{array.dtype} of {array.shape}"
        raise InputError(f"expected numbers, (D, 9), found {found}", **place)
    return array
