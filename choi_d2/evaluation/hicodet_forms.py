"""Lists of images with their detections, in each of the forms that they have."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from choi_d2.formats.hicodet.hoia import (
    box_rows_of,
    hoi_ids_by_verb,
    hoi_ids_of,
    note_unlike,
)
from choi_d2.utils import InputError
from choi_d2.utils.columns import Place, boxes, column, integers, numbers, shown
from choi_d2.utils.rows import Rows, file_names

from .findings import Findings

_ARRAYS = {"human_boxes": 4, "object_boxes": 4, "hoi_ids": 0, "scores": 0}  # columns; 0: flat


@dataclass(frozen=True)
class FoundPairs:
    """D detections of a file's E entries, each of one image.

    Attributes:
        names: (E,) the images.
        entries: (D,) int64, the entry that each detection is of.
        hoi_ids: (D,) int64, as in the file; not all need be 1..600.
        human_boxes, object_boxes: (D, 4) float64, finite.
        scores: (D,) float64, finite.
        place: row of a detection -> where it stands, as InputError's keywords.
    """

    names: Sequence[str]
    entries: np.ndarray
    hoi_ids: np.ndarray
    human_boxes: np.ndarray
    object_boxes: np.ndarray
    scores: np.ndarray
    place: Place


def pairs_of_entries(entries: list[Any], path: str | os.PathLike, findings: Findings) -> FoundPairs:
    """Read a list of images, see :mod:`.hicodet_detections`.

    Raises:
        InputError: a field is broken.
    """
    names = file_names(entries, path)
    if any("hoi_prediction" in entry for entry in entries):
        return _of_pairs(entries, names, path, findings)
    if any("human_boxes" in entry for entry in entries):
        return _of_arrays(entries, names, path)
    return _of_list(entries, names, path, findings)


def _of_pairs(entries: list[dict], names: list[str], path, findings: Findings) -> FoundPairs:
    box_rows = Rows.of(entries, path, names, "predictions")
    xyxy = boxes(box_rows.column("bbox"), box_rows.place("bbox"))
    categories, _ = integers(box_rows.column("category_id"), box_rows.place("category_id"))
    rows = Rows.of(entries, path, names, "hoi_prediction")
    humans = box_rows_of(rows, "subject_id", box_rows)
    objects = box_rows_of(rows, "object_id", box_rows)
    return FoundPairs(
        names,
        rows.owners,
        hoi_ids_of(rows, categories[objects], findings, "predicted"),
        xyxy[humans],
        xyxy[objects],
        numbers(rows.column("score"), rows.place("score")),
        rows.place(),
    )


def _of_list(entries: list[dict], names: list[str], path, findings: Findings) -> FoundPairs:
    rows = Rows.of(entries, path, names, "detections")

    def ids_of(key: str) -> np.ndarray:
        return integers(rows.column(key), rows.place(key))[0]

    def has(key: str) -> bool:
        return any(key in row for row in rows.elements if isinstance(row, dict))

    made = None
    if not has("hoi_id") or (has("object_category_id") and has("verb_id")):
        made = hoi_ids_by_verb(ids_of("object_category_id"), ids_of("verb_id"))
    hoi_ids = ids_of("hoi_id") if has("hoi_id") or made is None else made
    if made is not None:
        note_unlike(rows, "hoi_id", hoi_ids, made, findings, "predicted")
    return FoundPairs(
        names,
        rows.owners,
        hoi_ids,
        boxes(rows.column("human_box"), rows.place("human_box")),
        boxes(rows.column("object_box"), rows.place("object_box")),
        numbers(rows.column("score"), rows.place("score")),
        rows.place(),
    )


def _of_arrays(entries: list[dict], names: list[str], path) -> FoundPairs:
    parts: dict[str, list[np.ndarray]] = {key: [] for key in _ARRAYS}
    counts = []
    for entry, name in zip(entries, names, strict=True):
        place = {"path": path, "image": name}
        (scores,) = column([entry], "scores", lambda _, place=place: place)
        counts.append(np.size(scores))
        for key, width in _ARRAYS.items():
            (value,) = column([entry], key, lambda _, place=place: place)
            shape = (counts[-1], width) if width else (counts[-1],)
            parts[key].append(_array(value, shape, {**place, "field": key}))
    starts = np.cumsum([0, *counts])

    def place_of(row: int) -> Mapping:
        entry = int(np.searchsorted(starts, row, side="right")) - 1
        return {"path": path, "image": names[entry], "field": f"row {row - starts[entry]}"}

    columns = {
        key: np.concatenate([np.zeros((0, width) if width else 0), *parts[key]])
        for key, width in _ARRAYS.items()
    }
    return FoundPairs(
        names,
        np.repeat(np.arange(len(names)), counts),
        columns["hoi_ids"].astype(np.int64),
        columns["human_boxes"],
        columns["object_boxes"],
        columns["scores"],
        place_of,
    )


def _array(value: Any, shape: tuple[int, ...], place: Mapping) -> np.ndarray:
    """float64 of this shape, all of it finite; nothing is an array of no rows."""
    try:
        array = np.asarray(value)
        if array.dtype.kind not in "fiuO":
            raise TypeError
        array = array.astype(np.float64)
    except (ValueError, TypeError, OverflowError):
        found = shown(value) if not isinstance(value, np.ndarray) else f"one of {value.dtype}"
        raise InputError(f"expected an array of numbers, found {found}", **place) from None
    if array.size == 0 and shape[0] == 0:
        array = array.reshape(shape)
    if array.shape != shape:
        raise InputError(f"expected an array of {shape}, found {array.shape}", **place)
    if not np.isfinite(array).all():
        odd = array[~np.isfinite(array)][0]
        raise InputError(f"expected finite numbers, found {odd}", **place)
    return array
