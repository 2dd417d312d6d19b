"""``trainval_hico.json`` and ``test_hico.json``: HOI-A's form, boxes and pairs of them."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from choi_d2.categories.hicodet import COCO_IDS, HOIS, OBJECTS, VERBS
from choi_d2.utils import InputError
from choi_d2.utils.columns import boxes, integers
from choi_d2.utils.rows import Notes, Rows, check_unique, file_names

from .annotations import NUM_HOIS, HICODETAnnotations, LoneBoxes, check_hoi_ids

_PERSON = COCO_IDS[OBJECTS.index("person")]


def read_hoia(entries: list, path: str | os.PathLike, notes: Notes) -> HICODETAnnotations:
    """Read the list of images.

    Raises:
        InputError: a field is broken.
    """
    names = file_names(entries, path)
    check_unique(names, path)
    box_rows = Rows.of(entries, path, names, "annotations")
    xyxy = boxes(box_rows.column("bbox"), box_rows.place("bbox"))
    categories, _ = integers(box_rows.column("category_id"), box_rows.place("category_id"))
    rows = Rows.of(entries, path, names, "hoi_annotation")
    humans = box_rows_of(rows, "subject_id", box_rows)
    objects = box_rows_of(rows, "object_id", box_rows)
    hoi_ids = hoi_ids_of(rows, categories[objects], notes, "ground-truth")
    check_hoi_ids(hoi_ids, rows.place("hoi_category_id"))
    no_person = np.flatnonzero(categories[humans] != _PERSON)
    kind = "ground-truth pair whose subject is no person, counted all the same"
    rows.note(notes, kind, no_person, "subject_id")
    lone = np.setdiff1d(np.arange(len(xyxy)), np.concatenate([humans, objects]))
    return HICODETAnnotations(
        path=str(path),
        form="hoia",
        names=names,
        sizes=None,
        images=rows.owners,
        hoi_ids=hoi_ids,
        human_boxes=xyxy[humans],
        object_boxes=xyxy[objects],
        entries=rows.positions,
        place=rows.place(),
        invisible=np.zeros((0, 2), np.int64),
        lone=LoneBoxes(
            images=box_rows.owners[lone],
            boxes=xyxy[lone],
            categories=categories[lone],
            place=lambda row: box_rows.place()(int(lone[row])),
        ),
    )


def box_rows_of(rows: Rows, key: str, box_rows: Rows) -> np.ndarray:
    """(R,) int64 rows of the box table that the pairs name by their place in the image's list.

    Raises:
        InputError: a place is no whole number, or there is no such box.
    """
    local, _ = integers(rows.column(key), rows.place(key))
    dangling = np.flatnonzero((local < 0) | (local >= box_rows.counts[rows.owners]))
    if len(dangling):
        row = int(dangling[0])
        number = int(box_rows.counts[rows.owners[row]])
        raise InputError(
            f"expected the index of one of the image's {number} boxes, found {local[row]}",
            **rows.place(key)(row),
        )
    return local + box_rows.starts[:-1][rows.owners]


def hoi_ids_of(rows: Rows, object_ids: np.ndarray, notes: Notes, whose: str) -> np.ndarray:
    """The HOI ids of "hoia" pairs: ``hoi_category_id``, or what verb and object make of them.

    Args:
        rows: ``hoi_annotation`` or ``hoi_prediction``.
        object_ids: (R,) COCO category of each object.
        notes: takes ids whose verb or object is another one.
        whose: "ground-truth" or "predicted", for messages.

    Returns:
        (R,) int64 ids as in the file; 0 where it has none, and verb and object are not a class.
    """
    verbs, _ = integers(rows.column("category_id"), rows.place("category_id"))
    made = hoi_ids_by_verb(object_ids, verbs)
    if not any("hoi_category_id" in row for row in rows.elements):
        return made
    ids, _ = integers(rows.column("hoi_category_id"), rows.place("hoi_category_id"))
    note_unlike(rows, "hoi_category_id", ids, made, notes, whose)
    return ids


def hoi_ids_by_verb(object_ids: np.ndarray, verbs: np.ndarray) -> np.ndarray:
    """(R,) int64 HOI ids 1..600 of COCO categories and verb ids 1..117; 0: no such class."""
    known = (verbs >= 1) & (verbs <= len(VERBS)) & (object_ids >= 0) & (object_ids < len(_BY_COCO))
    made = np.zeros(len(verbs), np.int64)
    made[known] = _BY_COCO[object_ids[known], verbs[known] - 1]
    return made


def note_unlike(
    rows: Rows, key: str, ids: np.ndarray, made: np.ndarray, notes: Notes, whose: str
) -> None:
    """Count pairs whose class (R,) is not the one that verb and object make, (R,)."""
    other = np.flatnonzero((ids != made) & (ids >= 1) & (ids <= NUM_HOIS))
    kind = f"{whose} pair whose object or verb is not its HOI class's, counted by the HOI class"
    rows.note(notes, kind, other, key)


def _hoi_table(object_ids: Sequence[int]) -> np.ndarray:
    """(max id + 1, 117) int64: object id, verb -> HOI id; 0: no such class."""
    table = np.zeros((max(object_ids) + 1, len(VERBS)), np.int64)
    for hoi_id, hoi in enumerate(HOIS, 1):
        table[object_ids[hoi.object], hoi.verb] = hoi_id
    return table


_BY_COCO = _hoi_table(COCO_IDS)
