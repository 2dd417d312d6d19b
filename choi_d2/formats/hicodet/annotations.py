"""What every form of HICO-DET's annotations is read into."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from choi_d2.categories.hicodet import HOIS
from choi_d2.utils import InputError
from choi_d2.utils.columns import Place
from choi_d2.utils.rows import Notes

NUM_HOIS = len(HOIS)


@dataclass(frozen=True)
class LoneBoxes:
    """L boxes of instances that take part in no pair.

    Attributes:
        images: (L,) int64, ascending.
        boxes: (L, 4) float64, as of :class:`HICODETAnnotations`.
        categories: (L,) int64, COCO's ids as in the file; not all need be HICO-DET's.
        place: row of a box -> where it stands, as InputError's keywords.
    """

    images: np.ndarray
    boxes: np.ndarray
    categories: np.ndarray
    place: Place


@dataclass(frozen=True)
class HICODETAnnotations:
    """The annotated pairs of I images: P visible ones with boxes, V without.

    Boxes are (x1, y1, x2, y2) in whole pixels, counted from 0, the last pixel a part of the box:
    one that fills an image of 640 x 480 is (0, 0, 639, 479), and (0, 0, 640, 480) as corners.

    Attributes:
        path: the file.
        form: "hoia", "instances" or "mat".
        names: (I,) file names, in the order of the file.
        sizes: (I, 2) int64 width and height; None in form "hoia", which has none.
        images: (P,) int64, place of each pair's image in ``names``, ascending.
        hoi_ids: (P,) int64, 1..600. A pair with two verbs is two pairs here, as in the files.
        human_boxes, object_boxes: (P, 4) float64.
        entries: (P,) int64, which entry of its image's list the pair is from, from 0.
        invisible: (V, 2) int64, (image, HOI id) of what is annotated without boxes, or as not
            visible; only form "mat" tells.
        rare: (600,) bool, the file's own list of rare classes; None where it has none.
        lone: the boxes that no pair has; only form "hoia" can have them.
        place: row of a pair -> where it stands, as InputError's keywords.
    """

    path: str
    form: str
    names: Sequence[str]
    sizes: np.ndarray | None
    images: np.ndarray
    hoi_ids: np.ndarray
    human_boxes: np.ndarray
    object_boxes: np.ndarray
    entries: np.ndarray
    place: Place
    invisible: np.ndarray
    rare: np.ndarray | None = None
    lone: LoneBoxes | None = None

    def __len__(self) -> int:
        return len(self.images)

    @property
    def counts(self) -> np.ndarray:
        """(600,) visible pairs of each class."""
        return np.bincount(self.hoi_ids - 1, minlength=NUM_HOIS)


def check_hoi_ids(hoi_ids: np.ndarray, place: Place, first: int = 1) -> None:
    """Every pair of a ground truth is of one of the 600 classes.

    Args:
        hoi_ids: (P,) int64, 1..600.
        place: where each stands.
        first: the number of the first class in the file.

    Raises:
        InputError: one is not.
    """
    wrong = np.flatnonzero((hoi_ids < 1) | (hoi_ids > NUM_HOIS))
    if len(wrong):
        row = int(wrong[0])
        found = hoi_ids[row] - 1 + first
        problem = f"expected an HOI class {first}..{NUM_HOIS - 1 + first}, found {found}"
        raise InputError(problem, **place(row))


def note_boxes(annotations: HICODETAnnotations, notes: Notes) -> None:
    """Count boxes which hint that a file counts its pixels otherwise, or which never match."""
    both = np.concatenate([annotations.human_boxes, annotations.object_boxes])
    rows = np.tile(np.arange(len(annotations)), 2)
    first, other = (0, 1) if annotations.form == "hoia" else (1, 0)

    def note(kind: str, which: np.ndarray) -> None:
        if which.any():
            where = annotations.place(int(rows[which].min()))
            notes.note(f"ground-truth box {kind}", count=int(which.sum()), **where)

    before = (both < 0).any(axis=1)
    base = f"this form counts pixels from {first}; does the file count from {other}?"
    note(f"that begins before the first pixel ({base}), read as it is", before)
    if annotations.sizes is not None:
        ends = annotations.sizes[annotations.images[rows]] - 1
        note(f"that ends after the last pixel ({base}), read as it is", (both[:, 2:] > ends).any(1))
    note("that ends before it begins, never matches", (both[:, 2:] < both[:, :2]).any(axis=1))
