"""What HICO-DET's metric is measured against: annotations, rare classes, image-level labels."""

from __future__ import annotations

import os
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from choi_d2.categories.hicodet import HOIS, OBJECTS, RARE_HOI_IDS
from choi_d2.formats.hicodet import HICODETAnnotations, read_annotations, read_image_labels

from .findings import Findings
from .hicodet import OBJECT_OF_HOI, HOIPairs

Path = str | os.PathLike

RARE_BELOW = 10
"""Classes with fewer visible training pairs are rare."""

_SHOWN = OBJECT_OF_HOI == np.arange(len(OBJECTS))[:, None]  # (80, 600): is it the class's object?


@dataclass(frozen=True)
class HICODETTruth:
    """The ground truth of I images.

    Attributes:
        names: (I,) what the images are called, in the order that decides between equal scores.
        pairs: the visible pairs; ``images`` are places in ``names``.
        sizes: (I, 2) int64 width and height; None where the files have none.
        rare: (600,) bool.
        rare_from: where that is from, for the user.
        labels: (I, 80) bool, which objects are in an image for certain; None without labels.
    """

    names: Sequence[Hashable]
    pairs: HOIPairs
    sizes: np.ndarray | None
    rare: np.ndarray
    rare_from: str
    labels: np.ndarray | None

    def objects_of_boxes(self) -> np.ndarray:
        """(I, 80) bool, which objects have a visible pair in an image."""
        known = np.zeros((len(self.names), len(OBJECTS)), bool)
        known[self.pairs.images, OBJECT_OF_HOI[self.pairs.hois]] = True
        return known


def read_hicodet_truth(
    ground_truth: Path,
    train: Path | None,
    labels: Path | None,
    findings: Findings,
    split: str = "test",
) -> HICODETTruth:
    """Read the files.

    Args:
        ground_truth: annotations of any form, see :mod:`choi_d2.formats.hicodet`.
        train: those of the training split, by which rare classes are counted. None: the list that
            ``ground_truth`` has, or the training split that it has as well (``anno_bbox.mat``),
            or else the official list.
        labels: image-level labels; None: there are none.
        findings: takes what was tolerated.
        split: which of the two in ``anno_bbox.mat`` and ``anno.mat`` to evaluate.

    Raises:
        InputError: a file or a field is broken.
    """
    annotations = read_annotations(ground_truth, split, findings)
    counted = _official_rows(annotations, findings)
    pairs = HOIPairs(
        annotations.images[counted],
        annotations.hoi_ids[counted] - 1,
        # As the official evaluator, which adds one to detections and computes from there.
        annotations.human_boxes[counted] + 1,
        annotations.object_boxes[counted] + 1,
    )
    rare, rare_from = _rare_classes(annotations, train, findings)
    known = None if labels is None else _known_objects(annotations, labels, split, findings)
    if known is not None:
        objects = OBJECT_OF_HOI[pairs.hois]
        unlabelled = np.flatnonzero(~known[pairs.images, objects])
        if len(unlabelled):
            row = int(unlabelled[0])
            kind = "ground-truth pair in an image without a positive label of its object "
            kind += "(the official evaluator stops), counted as any other"
            image = annotations.names[pairs.images[row]]
            field = HOIS[pairs.hois[row]].name
            findings.note(kind, path=labels, image=image, field=field, count=len(unlabelled))
    return HICODETTruth(annotations.names, pairs, annotations.sizes, rare, rare_from, known)


def official_rare_classes() -> np.ndarray:
    """(600,) bool, the 138 classes that are rare in HICO-DET's training annotations."""
    return np.isin(np.arange(1, len(HOIS) + 1), RARE_HOI_IDS)


def _official_rows(annotations: HICODETAnnotations, findings: Findings) -> np.ndarray:
    """(P,) bool: which pairs count. In Matlab's file a class can have several entries in an image;
    of these the official evaluator keeps the last.
    """
    counted = np.ones(len(annotations), bool)
    if annotations.form == "mat":
        cell = annotations.images * (len(HOIS) + 1) + annotations.hoi_ids
        _, cell = np.unique(cell, return_inverse=True)
        last = np.zeros(len(annotations), np.int64)
        np.maximum.at(last, cell, annotations.entries)
        counted = annotations.entries == last[cell]
        if not counted.all():
            kind = "ground-truth class with several entries in an image, the last one counts"
            place = annotations.place(int(np.flatnonzero(~counted)[0]))
            findings.note(kind, count=int((~counted).sum()), **place)
    return counted


def _rare_classes(
    annotations: HICODETAnnotations, train: Path | None, findings: Findings
) -> tuple[np.ndarray, str]:
    if train is not None:
        counts = read_annotations(train, "train", findings).counts
        return counts < RARE_BELOW, f"the visible pairs of {train}"
    if annotations.rare is not None:
        return annotations.rare, f"the list of {annotations.path}"
    if annotations.form == "mat":
        counts = read_annotations(annotations.path, "train", findings).counts
        return counts < RARE_BELOW, f"the visible pairs of {annotations.path}"
    return official_rare_classes(), "the official list"


def _known_objects(
    annotations: HICODETAnnotations, path: Path, split: str, findings: Findings
) -> np.ndarray:
    """(I, 80) bool of the ground truth's images, in their order."""
    names, labels = read_image_labels(path, split)
    row_of = {name: row for row, name in enumerate(names)}
    rows = np.array([row_of.get(name, -1) for name in annotations.names], np.int64)
    missing = np.flatnonzero(rows < 0)
    if len(missing):
        kind = "image without image-level labels (the official evaluator stops), "
        kind += "no object is known to be in it"
        image = annotations.names[missing[0]]
        findings.note(kind, path=path, image=image, count=len(missing))
    known = np.zeros((len(rows), len(OBJECTS)), bool)
    known[rows >= 0] = labels[rows[rows >= 0]].astype(np.int64) @ _SHOWN.T.astype(np.int64) > 0
    return known
