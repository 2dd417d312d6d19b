"""Detected pairs of HICO-DET, from the files that methods write, -> arrays.

Pixels are counted from 0. A JSON, or a pickle of the same, is a list of images::

    {"file_name": "a.jpg", "detections": [{"human_box": [x1, y1, x2, y2], "object_box": [...],
     "object_category_id": 5, "verb_id": 5, "hoi_id": 1, "score": 0.9}, ...]}

or boxes and pairs of them::

    {"file_name": "a.jpg", "predictions": [{"bbox": [x1, y1, x2, y2], "category_id": 1}, ...],
     "hoi_prediction": [{"subject_id": 0, "object_id": 1, "category_id": 5, "hoi_category_id": 1,
                         "score": 0.9}, ...]}

The HOI class is made of verb and object (COCO's category) where it is left out. A pickle may have
arrays instead, ``{"file_name": ..., "human_boxes": (D, 4), "object_boxes": (D, 4), "hoi_ids": (D,),
"scores": (D,)}``, or be Matlab's ``all_boxes``: 600 rows of an array (D, 9) for each image, human
box, object box, score, with the images in the order of the ground truth; so is ``detections.mat``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from choi_d2.categories.hicodet import HOIS
from choi_d2.formats.hicodet.hoia import (
    box_rows_of,
    hoi_ids_by_verb,
    hoi_ids_of,
    note_unlike,
)
from choi_d2.formats.hicodet.mat import is_mat_file, read_mat
from choi_d2.utils import InputError, read_json
from choi_d2.utils.columns import Place, boxes, column, integers, numbers, shown
from choi_d2.utils.rows import Rows, file_names
from choi_d2.utils.safe_pickle import read_pickle

from .findings import Findings
from .hicodet import HOIPairs

NUM_HOIS = len(HOIS)
_ARRAYS = {"human_boxes": 4, "object_boxes": 4, "hoi_ids": 0, "scores": 0}  # columns; 0: flat


@dataclass(frozen=True)
class _Found:
    """D detections of E entries, each of one image."""

    names: Sequence[str]  # (E,)
    entries: np.ndarray  # (D,)
    hoi_ids: np.ndarray  # (D,), anything
    human_boxes: np.ndarray
    object_boxes: np.ndarray
    scores: np.ndarray
    place: Place


def read_detections(
    path: str | os.PathLike,
    names: Sequence[str],
    sizes: np.ndarray | None,
    findings: Findings,
) -> HOIPairs:
    """Read a prediction file.

    Args:
        path: JSON, pickle (``.pkl``, ``.pickle``; no code is run from it) or Matlab's (``.mat``).
        names: the ground truth's images; an image's number is its place in here.
        sizes: (I, 2) their widths and heights, where these are known.
        findings: takes what was tolerated.

    Returns:
        The detections of these images, in the order of the file; boxes counted from 0.

    Raises:
        InputError: the file or a field is broken.
    """
    if is_mat_file(path):
        found = _of_all_boxes(read_mat(path, ["all_boxes"])["all_boxes"], names, path)
    elif Path(path).suffix in (".pkl", ".pickle"):
        found = _of_pickle(read_pickle(path), names, path, findings)
    else:
        found = _of_entries(read_json(path, list), path, findings)
    return _of_images(found, names, sizes, path, findings)


def _of_pickle(content: Any, names: Sequence[str], path, findings: Findings) -> _Found:
    if isinstance(content, dict) and "all_boxes" in content:
        content = content["all_boxes"]
    if isinstance(content, dict):
        entries = [
            {"file_name": name, **entry} if isinstance(entry, dict) else entry
            for name, entry in content.items()
        ]
        return _of_entries(entries, path, findings)
    if isinstance(content, np.ndarray) or (
        isinstance(content, list) and content and isinstance(content[0], list | tuple | np.ndarray)
    ):
        return _of_all_boxes(content, names, path)
    if not isinstance(content, list):
        problem = f"expected a list of images with their detections, found {shown(content)}"
        raise InputError(problem, path=path)
    return _of_entries(content, path, findings)


def _of_entries(entries: list[Any], path, findings: Findings) -> _Found:
    names = file_names(entries, path)
    if any("hoi_prediction" in entry for entry in entries):
        return _of_pairs(entries, names, path, findings)
    if any("human_boxes" in entry for entry in entries):
        return _of_arrays(entries, names, path)
    return _of_list(entries, names, path, findings)


def _of_pairs(entries: list[dict], names: list[str], path, findings: Findings) -> _Found:
    box_rows = Rows.of(entries, path, names, "predictions")
    xyxy = boxes(box_rows.column("bbox"), box_rows.place("bbox"))
    categories, _ = integers(box_rows.column("category_id"), box_rows.place("category_id"))
    rows = Rows.of(entries, path, names, "hoi_prediction")
    humans = box_rows_of(rows, "subject_id", box_rows)
    objects = box_rows_of(rows, "object_id", box_rows)
    return _Found(
        names,
        rows.owners,
        hoi_ids_of(rows, categories[objects], findings, "predicted"),
        xyxy[humans],
        xyxy[objects],
        numbers(rows.column("score"), rows.place("score")),
        rows.place(),
    )


def _of_list(entries: list[dict], names: list[str], path, findings: Findings) -> _Found:
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
    return _Found(
        names,
        rows.owners,
        hoi_ids,
        boxes(rows.column("human_box"), rows.place("human_box")),
        boxes(rows.column("object_box"), rows.place("object_box")),
        numbers(rows.column("score"), rows.place("score")),
        rows.place(),
    )


def _of_arrays(entries: list[dict], names: list[str], path) -> _Found:
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
    return _Found(
        names,
        np.repeat(np.arange(len(names)), counts),
        columns["hoi_ids"].astype(np.int64),
        columns["human_boxes"],
        columns["object_boxes"],
        columns["scores"],
        place_of,
    )


def _of_all_boxes(cells: Any, names: Sequence[str], path) -> _Found:
    place = {"path": path, "field": "all_boxes"}
    if not isinstance(cells, np.ndarray) and len({len(row) for row in cells}) == 1:
        nested, cells = cells, np.empty((len(cells), len(cells[0])), object)
        for row, parts in enumerate(nested):
            for image, part in enumerate(parts):
                cells[row, image] = np.asarray(part)
    if getattr(cells, "shape", None) != (NUM_HOIS, len(names)) or cells.dtype != object:
        found = f"an array of {cells.shape}" if hasattr(cells, "shape") else "unlike rows"
        problem = f"expected cells, {NUM_HOIS} classes x {len(names)} images, found {found}"
        raise InputError(problem, **place)
    images, hois = np.nonzero(
        np.fromiter(map(np.size, cells.T.flat), np.int64).reshape(cells.T.shape)
    )
    parts = cells[hois, images].tolist()

    def place_of(image: int, hoi: int) -> Mapping:
        field = f"all_boxes{{{hoi + 1}, {image + 1}}}"
        return {"path": path, "image": names[image], "field": field}

    for part, image, hoi in zip(parts, images.tolist(), hois.tolist(), strict=True):
        if part.ndim != 2 or part.shape[1] != 9 or part.dtype.kind not in "fiu":
            found = f"{part.dtype} of {part.shape}"
            raise InputError(f"expected numbers, (D, 9), found {found}", **place_of(image, hoi))
    counts = [len(part) for part in parts]
    table = np.concatenate([np.zeros((0, 9)), *parts])
    entries, hoi_ids = np.repeat(images, counts), np.repeat(hois + 1, counts)
    if not np.isfinite(table).all():
        row = int(np.flatnonzero(~np.isfinite(table).all(axis=1))[0])
        place = place_of(int(entries[row]), int(hoi_ids[row]) - 1)
        raise InputError(f"expected finite numbers, found {shown(table[row].tolist())}", **place)
    return _Found(
        names,
        entries,
        hoi_ids,
        table[:, :4],
        table[:, 4:8],
        table[:, 8],
        lambda row: place_of(int(entries[row]), int(hoi_ids[row]) - 1),
    )


def _array(value: Any, shape: tuple[int, ...], place: Mapping) -> np.ndarray:
    """float64 of this shape, all of it finite; nothing is an array of no rows."""
    try:
        array = np.asarray(value, np.float64)
    except (ValueError, TypeError, OverflowError):
        raise InputError(f"expected an array of numbers, found {shown(value)}", **place) from None
    if array.size == 0 and shape[0] == 0:
        array = array.reshape(shape)
    if array.shape != shape:
        raise InputError(f"expected an array of {shape}, found {array.shape}", **place)
    if not np.isfinite(array).all():
        odd = array[~np.isfinite(array)][0]
        raise InputError(f"expected finite numbers, found {odd}", **place)
    return array


def _of_images(
    found: _Found, names: Sequence[str], sizes: np.ndarray | None, path, findings: Findings
) -> HOIPairs:
    """Bring detections to the ground truth's images, and count what is odd about them."""
    image_of_name = {name: image for image, name in enumerate(names)}
    images = np.array([image_of_name.get(name, -1) for name in found.names], np.int64)
    _note_entries(found.names, images, names, path, findings)
    images = images[found.entries]
    unknown = (found.hoi_ids < 1) | (found.hoi_ids > NUM_HOIS)

    def note(kind: str, rows: np.ndarray) -> None:
        if rows.any():
            first = int(np.flatnonzero(rows)[0])
            findings.note(kind, count=int(rows.sum()), **found.place(first))

    note(f"predicted pair of no HOI class 1..{NUM_HOIS}, ignored", unknown & (images >= 0))
    kept = (images >= 0) & ~unknown
    if not kept.any():
        findings.note("there is no detection, every AP is 0", path=path)
    human, target = found.human_boxes, found.object_boxes
    both = np.stack([human, target], axis=1)
    inside_out = (both[..., 2:] - both[..., :2] <= -1).any(axis=(1, 2))
    note("predicted box that ends before it begins, never matches", inside_out & kept)
    if sizes is not None:
        over = both[..., 2:] - (sizes[images][:, None] - 1)
        outside = ((over > 0) & (over <= 1)).any(axis=(1, 2))
        kind = "predicted box that ends up to one pixel outside the image, scored as it is "
        kind += "(are its pixels counted from 1, or its numbers corners?)"
        note(kind, outside & kept)
    rows = np.flatnonzero(kept)
    return HOIPairs(
        images[rows], found.hoi_ids[rows] - 1, human[rows], target[rows], found.scores[rows]
    )


def _note_entries(
    entry_names: Sequence[str], images: np.ndarray, names: Sequence[str], path, findings: Findings
) -> None:
    def note(kind: str, which: Sequence[str]) -> None:
        if len(which):
            findings.note(kind, path=path, image=which[0], count=len(which))

    known = images >= 0
    strange = [entry_names[row] for row in np.flatnonzero(~known)]
    note("predictions for an image that the ground truth does not have, skipped", strange)
    _, first = np.unique(images, return_index=True)
    again = np.setdiff1d(np.flatnonzero(known), first)
    kind = "another prediction entry for the same image, its detections count as well"
    note(kind, [entry_names[row] for row in again])
    missing = np.setdiff1d(np.arange(len(names)), images)
    kind = "image without a prediction entry, all its pairs are missed"
    note(kind, [names[image] for image in missing])
