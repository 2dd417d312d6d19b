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
"scores": (D,)}``. Both may be Matlab's ``all_boxes`` as well, see :mod:`.hicodet_all_boxes`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from choi_d2.categories.hicodet import HOIS
from choi_d2.formats.hicodet.mat import is_mat_file
from choi_d2.utils import InputError, read_json
from choi_d2.utils.columns import shown
from choi_d2.utils.safe_pickle import read_pickle

from .findings import Findings
from .hicodet import HOIPairs
from .hicodet_all_boxes import pairs_of_cells, pairs_of_folder, pairs_of_mat
from .hicodet_forms import FoundPairs, pairs_of_entries

NUM_HOIS = len(HOIS)


def read_detections(
    path: str | os.PathLike,
    names: Sequence[str],
    sizes: np.ndarray | None,
    findings: Findings,
) -> HOIPairs:
    """Read a prediction file.

    Args:
        path: JSON, pickle (``.pkl``, ``.pickle``; no code is run from it), Matlab's (``.mat``), or
            a folder of these, one for each object.
        names: the ground truth's images; an image's number is its place in here.
        sizes: (I, 2) their widths and heights, where these are known.
        findings: takes what was tolerated.

    Returns:
        The detections of these images, in the order of the file; boxes counted from 0.

    Raises:
        InputError: the file or a field is broken.
    """
    if os.path.isdir(path):
        found = pairs_of_folder(path, names)
    elif is_mat_file(path):
        found = pairs_of_mat(path, names)
    elif Path(path).suffix in (".pkl", ".pickle"):
        found = _of_pickle(read_pickle(path), names, path, findings)
    else:
        found = pairs_of_entries(read_json(path, list), path, findings)
    return _of_images(found, names, sizes, path, findings)


def _of_pickle(content: Any, names: Sequence[str], path, findings: Findings) -> FoundPairs:
    if isinstance(content, dict) and "all_boxes" in content:
        content = content["all_boxes"]
    if isinstance(content, dict):
        entries = [
            {"file_name": name, **entry} if isinstance(entry, dict) else entry
            for name, entry in content.items()
        ]
        return pairs_of_entries(entries, path, findings)
    if isinstance(content, np.ndarray) or (
        isinstance(content, list) and content and isinstance(content[0], list | tuple | np.ndarray)
    ):
        return pairs_of_cells(content, names, path)
    if not isinstance(content, list):
        problem = f"expected a list of images with their detections, found {shown(content)}"
        raise InputError(problem, path=path)
    return pairs_of_entries(content, path, findings)


def _of_images(
    found: FoundPairs, names: Sequence[str], sizes: np.ndarray | None, path, findings: Findings
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
