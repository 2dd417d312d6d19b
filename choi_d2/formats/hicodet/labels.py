"""HICO's image-level labels, which Known Object asks for."""

from __future__ import annotations

import os

import numpy as np

from choi_d2.utils import InputError, read_json
from choi_d2.utils.columns import integers, many_objects
from choi_d2.utils.rows import Rows, check_unique, file_names

from .annotations import NUM_HOIS, check_hoi_ids
from .mat import is_mat_file, read_mat, text_of


def read_image_labels(path: str | os.PathLike, split: str) -> tuple[list[str], np.ndarray]:
    """Which classes are in an image for certain.

    Args:
        path: ``anno.mat``, or a JSON list of ``{"file_name", "positive": [HOI id 1..600, ...]}``;
            what else the objects have is not read.
        split: "train" or "test": ``anno.mat`` holds both.

    Returns:
        (I,) file names, and (I, 600) bool: is the label 1? Not where it is 0 (ambiguous), -1
        (negative), NaN, or left out.

    Raises:
        InputError: the file is broken or of another layout.
    """
    if is_mat_file(path):
        return _read_mat(path, split)
    with many_objects():
        entries = read_json(path, list)
        names = file_names(entries, path)
        check_unique(names, path)
        rows = Rows.of(entries, path, names, "positive")
        hoi_ids, _ = integers(rows.elements, rows.place())
    check_hoi_ids(hoi_ids, rows.place())
    labels = np.zeros((len(names), NUM_HOIS), bool)
    labels[rows.owners, hoi_ids - 1] = True
    return names, labels


def _read_mat(path: str | os.PathLike, split: str) -> tuple[list[str], np.ndarray]:
    labels_name, names_name = f"anno_{split}", f"list_{split}"
    content = read_mat(path, [labels_name, names_name])
    place = {"path": path, "field": names_name}
    names = [text_of(name, place) for name in content[names_name].flat]
    check_unique(names, path)
    labels = content[labels_name]
    if labels.shape != (NUM_HOIS, len(names)) or labels.dtype.kind not in "fiub":
        problem = (
            f"expected numbers, {NUM_HOIS} x {len(names)}, found {labels.dtype} of {labels.shape}"
        )
        raise InputError(problem, path=path, field=labels_name)
    return names, labels.T == 1
