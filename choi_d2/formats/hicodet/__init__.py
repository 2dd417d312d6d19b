"""HICO-DET's annotations -> arrays, from each of the three forms in which people have them.

"hoia": a JSON list of ``{"file_name", "annotations": [{"bbox", "category_id"}], "hoi_annotation":
[{"subject_id", "object_id", "category_id", "hoi_category_id"}]}`` (``trainval_hico.json``,
``test_hico.json``); "instances": a JSON object of ``annotation``, ``filenames``, ``size`` ...
(``instances_train2015.json``, ``instances_test2015.json``); "mat": the official
``anno_bbox.mat``. Pixels are counted from 0 in "hoia" and from 1 in the other two.
"""

from __future__ import annotations

import os

from choi_d2.utils import InputError, read_json
from choi_d2.utils.columns import many_objects, shown
from choi_d2.utils.rows import Notes

from .annotations import HICODETAnnotations, note_boxes
from .hoia import read_hoia
from .instances import read_instances
from .labels import read_image_labels
from .mat import is_mat_file, read_mat_annotations

__all__ = ["HICODETAnnotations", "read_annotations", "read_image_labels"]

_FORMS = (
    "expected HICO-DET's annotations: anno_bbox.mat, a JSON list of images "
    "(trainval_hico.json, test_hico.json), or a JSON object with 'annotation' and 'filenames' "
    "(instances_train2015.json, instances_test2015.json)"
)


def read_annotations(path: str | os.PathLike, split: str, notes: Notes) -> HICODETAnnotations:
    """Read annotations of any form, told apart by what is in the file.

    Args:
        path: the file.
        split: "train" or "test": ``anno_bbox.mat`` holds both, the others are of one anyway.
        notes: takes what was tolerated: boxes outside of the image or without area, objects and
            verbs that are not those of the HOI class.

    Raises:
        InputError: the file is broken, or of another layout.
    """
    if is_mat_file(path):
        annotations = read_mat_annotations(path, split)
    else:
        with many_objects():
            content = read_json(path)
            if isinstance(content, list):
                annotations = read_hoia(content, path, notes)
            elif isinstance(content, dict) and {"annotation", "filenames"} <= content.keys():
                annotations = read_instances(content, path, notes)
            else:
                found = sorted(content) if isinstance(content, dict) else content
                raise InputError(f"{_FORMS}; found {shown(found)}", path=path)
    note_boxes(annotations, notes)
    return annotations
