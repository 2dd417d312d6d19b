"""HICO-DET, from any of its forms (see :mod:`choi_d2.formats.hicodet`), as dataset records.

Its boxes are whole pixels, of which the last one belongs to the box; records have corners, so that
a box of one pixel is 1 wide. Boxes were drawn for each class of interaction anew; a record has one
instance where they are of one person or thing (:mod:`.merge_boxes`). The official evaluation is of
the annotated pairs themselves and does not see records.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from choi_d2.categories.hicodet import COCO_IDS, HOIS, OBJECTS, VERBS
from choi_d2.data.validation import Problems
from choi_d2.formats.hicodet import HICODETAnnotations, read_annotations
from choi_d2.pictures import size_error
from choi_d2.utils import InputError

from .common import RecordBuilder, existing_images, finish_loading
from .merge_boxes import MERGE_IOU, merge_pairs, pairwise_iou

logger = logging.getLogger(__name__)

HUMAN_CLASS = 0
_BY_COCO_ID = np.argsort(COCO_IDS)
_CONTIGUOUS = np.argsort(_BY_COCO_ID)
"""Alphabetical index of an object -> contiguous id, in COCO's order: people are 0."""
_HOI_TABLE = np.array(HOIS)
_UNKNOWN_SIZE = 1 << 20


def hicodet_metadata() -> dict:
    """What ``MetadataCatalog`` says about HICO-DET, apart from its files.

    The 80 classes have HICO-DET's names in COCO's order; ``allowed_interactions`` are the 600.
    """
    return {
        "thing_classes": [OBJECTS[place] for place in _BY_COCO_ID],
        "verb_classes": list(VERBS),
        "human_class": HUMAN_CLASS,
        "humans_as_objects": True,
        "objectless_verbs": (),
        "thing_dataset_id_to_contiguous_id": {
            COCO_IDS[place]: i for i, place in enumerate(_BY_COCO_ID)
        },
        "verb_dataset_id_to_contiguous_id": {i + 1: i for i in range(len(VERBS))},
        "allowed_interactions": tuple((VERBS[hoi.verb], OBJECTS[hoi.object]) for hoi in HOIS),
        "evaluator_type": "hicodet",
    }


def load_hicodet(
    annotation_file: str | os.PathLike,
    image_root: str | os.PathLike,
    split: str = "train",
    *,
    problems: Problems | None = None,
) -> list[dict]:
    """Load a split of HICO-DET, or anything in one of its forms.

    Args:
        annotation_file: ``anno_bbox.mat``, or a JSON of either form.
        image_root: the folder of the images; only their headers are read here.
        split: "train" or "test": which of the two in ``anno_bbox.mat``.
        problems: collects what is wrong (the validator); by default it is counted and logged.

    Returns:
        Records in the order of the file. ``image_id`` is the file name. Pairs that are marked as
        invisible have no boxes and are left out.

    Raises:
        InputError: the file is broken, see ``datasets/README.md``.
    """
    log = problems is None
    problems = Problems(annotation_file) if problems is None else problems
    try:
        annotations = read_annotations(annotation_file, split, ReaderNotes(problems))
    except InputError as error:
        problems.add_error(error)
        return []
    for image, hoi_id in annotations.invisible.tolist():
        message = f"class {hoi_id} is annotated as invisible"
        problems.add("invisible pair", message, image=annotations.names[image])
    sizes = _usable_images(annotations, image_root, problems)
    _check_base(annotations, sizes, problems)
    starts = np.searchsorted(annotations.images, np.arange(len(annotations.names) + 1))
    lone = _lone_boxes(annotations, problems)
    records = []
    for image, name in enumerate(annotations.names):
        rows = np.arange(starts[image], starts[image + 1])
        height, width = sizes.get(name, _own_size(annotations, image))
        record = {
            "file_name": os.path.join(image_root, name),
            "image_id": name,
            "height": height,
            "width": width,
        }
        builder = RecordBuilder(name, height, width, problems)
        _add_pairs(annotations, rows, builder)
        _add_lone_boxes(lone.get(image, ()), builder)
        if not builder.annotations:
            problems.add("no annotation", "no instance is annotated", image=name)
        record["annotations"] = builder.annotations
        record["interactions"] = builder.interactions()
        if name in sizes:
            records.append(record)
    finish_loading(records, problems, logger if log else None)
    return records


class ReaderNotes:
    """What :func:`read_annotations` tolerates, as problems.

    Args:
        problems: where they are reported.
    """

    def __init__(self, problems: Problems):
        self.problems = problems

    def note(self, kind: str, *, image: Any = None, field: str | None = None, count: int = 1, **_):
        """Report it, unless it is about a box: the loader looks at those itself."""
        if not kind.startswith("ground-truth box"):
            message = f"{count} of the kind: {kind}"
            self.problems.add("unlike interaction class", message, image=image, field=field)


def _usable_images(
    annotations: HICODETAnnotations, image_root: str | os.PathLike, problems: Problems
) -> dict[str, tuple[int, int]]:
    """Heights and widths of the images that are there and have the size that the file says."""
    sizes = existing_images(image_root, list(annotations.names), problems, annotations.path)
    if annotations.sizes is None:
        return sizes
    others = {}
    for name, (width, height) in zip(annotations.names, annotations.sizes.tolist(), strict=True):
        if name in sizes and sizes[name] != (height, width):
            others[name] = size_error(sizes[name], (height, width), source="the file").problem
    if others and len(others) == len(sizes):
        name, message = next(iter(others.items()))
        problems.add("size mismatch", f"{message}, and so on for all images", image=name)
    for name, message in others.items():
        problems.add("image of another size", message, image=name)
    return {name: size for name, size in sizes.items() if name not in others}


def _own_size(annotations: HICODETAnnotations, image: int) -> tuple[int, int]:
    """Height and width as the file has them, or so large that every box fits."""
    if annotations.sizes is None:
        return _UNKNOWN_SIZE, _UNKNOWN_SIZE
    width, height = annotations.sizes[image].tolist()
    return height, width


def _add_pairs(annotations: HICODETAnnotations, rows: np.ndarray, builder: RecordBuilder) -> None:
    """Add the instances of these pairs, and what they do."""
    boxes, kept = [], []
    for row in rows.tolist():
        field = annotations.place(row)["field"]
        human = builder.clip(_corners(annotations.human_boxes[row]), field=f"{field} (human)")
        target = builder.clip(_corners(annotations.object_boxes[row]), field=f"{field} (object)")
        if human is not None and target is not None:
            boxes.append((human, target))
            kept.append(row)
    boxes = np.array(boxes, np.float64).reshape(-1, 2, 4)
    hoi_ids = annotations.hoi_ids[kept]
    hois = _HOI_TABLE[hoi_ids - 1].reshape(-1, 2)
    pairs = merge_pairs(boxes[:, 0], boxes[:, 1], _CONTIGUOUS[hois[:, 0]], hoi_ids, HUMAN_CLASS)
    for own, (box, category) in enumerate(
        zip(pairs.boxes.tolist(), pairs.classes.tolist(), strict=True)
    ):
        builder.add_instance(own, box, category, field=f"instance {own}")
    for human, target, verb, row in zip(
        pairs.humans.tolist(), pairs.objects.tolist(), hois[:, 1].tolist(), kept, strict=True
    ):
        builder.add_triplet(human, target, verb, field=annotations.place(row)["field"])


def _lone_boxes(
    annotations: HICODETAnnotations, problems: Problems
) -> dict[int, list[tuple[list[float], int, str]]]:
    """image -> (box, contiguous id, field) of what takes part in no pair."""
    of_image: dict[int, list[tuple[list[float], int, str]]] = {}
    lone = annotations.lone
    for row in range(0 if lone is None else len(lone.boxes)):
        field, category = lone.place(row)["field"], int(lone.categories[row])
        if category not in COCO_IDS:
            message = f"expected a category of COCO's 80, found {category}"
            image = annotations.names[lone.images[row]]
            problems.add("unknown category", message, image=image, field=f"{field}.category_id")
            continue
        class_id = int(_CONTIGUOUS[COCO_IDS.index(category)])
        found = _corners(lone.boxes[row]), class_id, field
        of_image.setdefault(int(lone.images[row]), []).append(found)
    return of_image


def _add_lone_boxes(boxes: Iterable[tuple[list[float], int, str]], builder: RecordBuilder) -> None:
    """Add instances without a pair, except further boxes of those that are there."""
    for box, class_id, field in boxes:
        alike = [a["bbox"] for a in builder.annotations if a["category_id"] == class_id]
        if not (pairwise_iou(np.array([box, *alike]))[0, 1:] >= MERGE_IOU).any():
            builder.add_instance(len(builder.annotations), box, class_id, field=field)


def _corners(box: np.ndarray) -> list[float]:
    """``[x1, y1, x2, y2]`` of pixels, whose last one is a part of the box, as corners."""
    x1, y1, x2, y2 = box.tolist()
    return [x1, y1, x2 + 1, y2 + 1]


def _check_base(
    annotations: HICODETAnnotations, sizes: Mapping[str, tuple[int, int]], problems: Problems
) -> None:
    """Does the file count its pixels as its form does?

    Boxes that touch the edge tell: counted from the wrong number, they begin or end one pixel
    outside.
    """
    boxes = np.stack([annotations.human_boxes, annotations.object_boxes], axis=1)
    if annotations.form == "hoia":
        ends = np.array([sizes.get(name, (np.inf, np.inf)) for name in annotations.names])
        outside = (boxes[..., 2:] == ends[annotations.images][:, None, ::-1]).any(axis=2)
        inside = (boxes[..., :2] == 0).any(axis=2)
        base, other, where = 0, 1, "end one pixel outside"
    else:
        outside = (boxes[..., :2] == -1).any(axis=2)
        inside = np.zeros_like(outside)
        base, other, where = 1, 0, "begin at 0"
    if outside.any() and outside.sum() > inside.sum():
        row = int(np.flatnonzero(outside.any(axis=1))[0])
        message = (
            f"{outside.sum()} boxes {where}: this form counts pixels from {base}, the file seems "
            f"to count from {other}"
        )
        place = annotations.place(row)
        problems.add("other pixel base", message, image=place["image"], field=place["field"])
