"""HOIW (= HOI-A): its released JSON as Detectron2 dataset records.

A JSON list with one entry for each image; boxes are absolute ``[x1, y1, x2, y2]``, ids are
positions in ``annotations``, category ids are strings in the released files::

    {"file_name": "a.png",
     "annotations": [{"bbox": [702, 640, 1082, 831], "category_id": "11"}, ...],
     "hoi_annotation": [{"subject_id": 1, "object_id": 0, "category_id": 9}, ...]}
"""

from __future__ import annotations

import logging
import os

from choi_d2.categories.hoiw import OBJECTS, VERBS
from choi_d2.data.validation import Problems
from choi_d2.utils import InputError, read_json

from .common import RecordBuilder, existing_images, finish_loading

logger = logging.getLogger(__name__)

HUMAN_CLASS = 0


def hoiw_metadata() -> dict:
    """What ``MetadataCatalog`` says about HOIW, apart from its files."""
    return {
        "thing_classes": list(OBJECTS),
        "verb_classes": list(VERBS),
        "human_class": HUMAN_CLASS,
        "humans_as_objects": False,
        "objectless_verbs": (),
        "thing_dataset_id_to_contiguous_id": {i + 1: i for i in range(len(OBJECTS))},
        "verb_dataset_id_to_contiguous_id": {i + 1: i for i in range(len(VERBS))},
        "evaluator_type": "hoiw",
    }


def load_hoiw_json(
    json_file: str | os.PathLike,
    image_root: str | os.PathLike,
    *,
    problems: Problems | None = None,
) -> list[dict]:
    """Load HOIW, or anything in its format.

    Args:
        json_file: the annotations. Entries without ``annotations`` throughout are a test set.
        image_root: the folder of the images; only their headers are read here.
        problems: collects what is wrong (the validator); by default it is counted and logged.

    Returns:
        Records in the order of the file. ``image_id`` is the file name as the JSON has it.
        ``interactions`` has one entry for each ordered pair with all of its verbs.

    Raises:
        InputError: the file is broken, see ``datasets/README.md`` for what is and what is
            tolerated.
    """
    log = problems is None
    problems = Problems(json_file) if problems is None else problems
    try:
        entries = read_json(json_file, list, unique_keys=True)
    except InputError as error:
        problems.add_error(error)
        return []
    if not entries:
        problems.add("empty data set", "expected a list of images, found an empty one")

    names = _file_names(entries, problems)
    sizes = existing_images(image_root, list(names), problems, json_file)
    annotated = any(isinstance(entry, dict) and "annotations" in entry for entry in entries)
    records = []
    for name, entry in names.items():
        # Images that are not there have no size, but their annotations can still be checked.
        height, width = sizes.get(name, (1 << 20, 1 << 20))
        record = {
            "file_name": os.path.join(image_root, name),
            "image_id": name,
            "height": height,
            "width": width,
        }
        if annotated:
            record.update(_read_annotations(entry, name, height, width, problems))
        if name in sizes:
            records.append(record)
    finish_loading(records, problems, logger if log else None)
    return records


def _file_names(entries: list, problems: Problems) -> dict[str, dict]:
    """file name -> entry, in the order of the file."""
    names: dict[str, dict] = {}
    for position, entry in enumerate(entries):
        name = problems.file_name(entry, "file_name", where=f"[{position}]")
        if name is None:
            continue
        if name in names:
            message = f"entry {position} repeats this image"
            problems.add("duplicate image", message, image=name, field="file_name")
            continue
        names[name] = entry
    return names


def _read_annotations(
    entry: dict, name: str, height: int, width: int, problems: Problems
) -> dict[str, list[dict]]:
    builder = RecordBuilder(name, height, width, problems)
    instances = problems.value(entry, "annotations", list, image=name) or []
    for position, instance in enumerate(instances):
        where = f"annotations[{position}]"
        builder.leave_out(position)
        if not problems.is_object(instance, image=name, field=where):
            continue
        box = problems.box(instance, "bbox", image=name, where=where)
        category = problems.integer(instance, "category_id", image=name, where=where)
        if box is None or category is None:
            continue
        if not 1 <= category <= len(OBJECTS):
            message = f"expected a category from 1 to {len(OBJECTS)}, found {category}"
            problems.add("unknown category", message, image=name, field=f"{where}.category_id")
            continue
        builder.add_instance(position, box, category - 1, field=where)
    if not instances:
        problems.add("no annotation", "no instance is annotated", image=name, field="annotations")

    triplets = problems.value(entry, "hoi_annotation", list, image=name) or []
    for position, triplet in enumerate(triplets):
        _read_triplet(triplet, f"hoi_annotation[{position}]", name, builder, problems)
    return {"annotations": builder.annotations, "interactions": builder.interactions()}


def _read_triplet(
    triplet: dict, where: str, name: str, builder: RecordBuilder, problems: Problems
) -> None:
    if not problems.is_object(triplet, image=name, field=where):
        return
    subject = problems.integer(triplet, "subject_id", image=name, where=where)
    target = problems.integer(triplet, "object_id", image=name, where=where)
    verb = problems.integer(triplet, "category_id", image=name, where=where)
    if subject is None or target is None or verb is None:
        return
    if not 1 <= verb <= len(VERBS):
        message = f"expected a verb from 1 to {len(VERBS)}, found {verb}"
        problems.add("unknown verb", message, image=name, field=f"{where}.category_id")
        return
    pair = builder.find_pair(subject, target, fields=(f"{where}.subject_id", f"{where}.object_id"))
    if pair is None:
        return
    human, object = pair
    category = builder.annotations[human]["category_id"]
    if category != HUMAN_CLASS:
        message = f"the subject {subject} is no person but a {OBJECTS[category]}"
        problems.add("subject is no human", message, image=name, field=f"{where}.subject_id")
        return
    if builder.annotations[object]["category_id"] == HUMAN_CLASS:
        message = f"the object {target} is a person, which no verb of HOIW acts on"
        problems.add("object is a human", message, image=name, field=f"{where}.object_id")
        return
    builder.add_triplet(human, object, verb - 1, field=where)
