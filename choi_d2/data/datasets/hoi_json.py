"""A data set of your own: one COCO-like JSON with interactions, and optionally faces.

::

    {"categories":   [{"id": 1, "name": "person"}, {"id": 2, "name": "ball"}],
     "verbs":        [{"id": 1, "name": "kick"}, {"id": 2, "name": "run", "takes_object": false}],
     "images":       [{"id": 7, "file_name": "a.jpg", "height": 480, "width": 640}],
     "annotations":  [{"id": 1, "image_id": 7, "category_id": 1, "bbox": [x, y, width, height],
                       "segmentation": polygons or run lengths (optional), "iscrowd": 0,
                       "certainty": 1.0, "judged": true}],
     "interactions": [{"human_id": 1, "object_id": 2, "verb_id": 1},
                      {"human_id": 1, "object_id": null, "verb_id": 2}],
     "faces":        [{"image_id": 7, "bbox": [x, y, width, height], "score": 0.9}],
     "allowed_interactions": [{"verb_id": 1, "category_id": 2}]}

``human_id`` and ``object_id`` are ids of annotations of one image. ``annotations`` and
``interactions`` may be missing together (images to predict). With ``faces``, an image without an
entry has no face; without ``faces``, nobody has looked. With ``allowed_interactions``, verbs have
no other objects than those that are listed. Optional in annotations: ``certainty``, in [0, 1], of a
box that a machine made; ``judged``, false where nobody looked for the instance's interactions.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import Any

from detectron2.data import DatasetCatalog, MetadataCatalog

from choi_d2.data.validation import Problems
from choi_d2.utils import InputError, read_json

from .coco_like import CocoImages, add_instances, read_images
from .common import RecordBuilder, clip_box, finish_loading, has_area
from .hoi_metadata import complete_metadata, hoi_metadata

logger = logging.getLogger(__name__)


def register_hoi_instances(
    name: str,
    metadata: Mapping[str, Any],
    json_file: str | os.PathLike,
    image_root: str | os.PathLike,
) -> None:
    """Register a data set in this module's format.

    Nothing is read before the data set is asked for; then ``MetadataCatalog.get(name)`` gets what
    the file says.

    Args:
        name: what configs call it.
        metadata: what the file does not say: ``humans_as_objects`` (by default True),
            ``human_class`` (by default the category called person or human),
            ``allowed_interactions`` ((verb, object) by name, by default all). Other keys are kept;
            give ``thing_classes`` and ``verb_classes`` to have them before the file is read.
        json_file: the annotations.
        image_root: the folder of the images.
    """
    json_file, image_root = str(json_file), str(image_root)
    DatasetCatalog.register(name, lambda: load_hoi_json(json_file, image_root, name))
    MetadataCatalog.get(name).set(
        **{"evaluator_type": "hoi", **metadata, "json_file": json_file, "image_root": image_root}
    )


def load_hoi_json(
    json_file: str | os.PathLike,
    image_root: str | os.PathLike,
    dataset_name: str | None = None,
    *,
    problems: Problems | None = None,
) -> list[dict]:
    """Load a JSON in this module's format.

    Args:
        json_file: the annotations.
        image_root: the folder of the images.
        dataset_name: a registered data set whose metadata is completed from the file.
        problems: collects what is wrong (the validator); by default it is counted and logged.

    Returns:
        Records in the order of ``images``.

    Raises:
        InputError: the file is broken, or contradicts the data set's metadata.
    """
    log = problems is None
    problems = Problems(json_file) if problems is None else problems
    try:
        content = read_json(json_file, dict, unique_keys=True)
    except InputError as error:
        problems.add_error(error)
        return []
    given = MetadataCatalog.get(dataset_name).as_dict() if dataset_name is not None else {}
    metadata = hoi_metadata(content, given, problems)
    if metadata is None:
        return []
    if dataset_name is not None:
        complete_metadata(dataset_name, metadata, json_file)

    annotated = "annotations" in content or "interactions" in content
    coco = read_images({"annotations": [], **content}, image_root, json_file, problems)
    triplets = _triplets_by_image(content, coco, problems) if annotated else {}
    faces = _faces_by_image(content, coco, problems) if "faces" in content else None
    records = []
    for image_id, image in coco.images.items():
        record = {
            "file_name": os.path.join(image_root, image["file_name"]),
            "image_id": image_id,
            "height": image["height"],
            "width": image["width"],
        }
        if annotated:
            entries = triplets.get(image_id, [])
            record.update(_read_annotations(image_id, coco, entries, metadata, problems))
        if faces is not None:
            record["faces"] = faces.get(image_id, [])
        if image_id in coco.on_disk:
            records.append(record)
    finish_loading(records, problems, logger if log else None)
    return records


def _triplets_by_image(
    content: Mapping, coco: CocoImages, problems: Problems
) -> dict[int | None, list[tuple[int, int | None, int, str]]]:
    """image id -> (annotation id of the human, of the object or None, verb id, field)."""
    image_of = {
        int(annotation["id"]): image_id
        for image_id, annotations in coco.annotations.items()
        for annotation in annotations
    }
    triplets: dict[int | None, list[tuple[int, int | None, int, str]]] = {}
    for position, entry in enumerate(problems.value(content, "interactions", list) or []):
        where = f"interactions[{position}]"
        if not problems.is_object(entry, field=where):
            continue
        human = problems.integer(entry, "human_id", where=where)
        verb = problems.integer(entry, "verb_id", where=where)
        target = None
        if "object_id" not in entry or entry["object_id"] is not None:
            target = problems.integer(entry, "object_id", where=where)
            if target is None:
                continue
        if human is None or verb is None:
            continue
        if human not in image_of:
            message = f"there is no annotation {human}"
            problems.add("dangling id", message, field=f"{where}.human_id")
            continue
        triplets.setdefault(image_of[human], []).append((human, target, verb, where))
    return triplets


def _read_annotations(
    image_id: int,
    coco: CocoImages,
    triplets: list[tuple[int, int | None, int, str]],
    metadata: Mapping,
    problems: Problems,
) -> dict[str, list[dict]]:
    image = coco.images[image_id]
    name = image["file_name"]
    builder = RecordBuilder(name, image["height"], image["width"], problems)
    annotations = coco.annotations[image_id]
    to_contiguous = metadata["thing_dataset_id_to_contiguous_id"]
    add_instances(annotations, to_contiguous, builder, problems)
    if not annotations:
        problems.add("no annotation", "no instance is annotated", image=name)
    verbs = metadata["verb_dataset_id_to_contiguous_id"]
    classes = metadata["thing_classes"]
    for human_id, object_id, verb_id, where in triplets:
        if verb_id not in verbs:
            message = f"there is no verb {verb_id}"
            problems.add("unknown verb", message, image=name, field=f"{where}.verb_id")
            continue
        verb = verbs[verb_id]
        if (object_id is None) != (verb in metadata["objectless_verbs"]):
            takes = "takes no object" if object_id is not None else "takes an object"
            message = (
                f"the verb {metadata['verb_classes'][verb]!r} {takes}, object_id is {object_id}"
            )
            problems.add("verb and object do not fit", message, image=name, field=where)
            continue
        pair = builder.find_pair(
            human_id,
            human_id if object_id is None else object_id,
            fields=(f"{where}.human_id", f"{where}.object_id"),
        )
        if pair is None:
            continue
        human, object = pair
        human_class = metadata["human_class"]
        category = builder.annotations[human]["category_id"]
        if category != human_class:
            message = f"annotation {human_id} is no human but a {classes[category]}"
            problems.add("subject is no human", message, image=name, field=f"{where}.human_id")
            continue
        if object_id is not None:
            if object_id == human_id:
                message = f"annotation {human_id} is related to itself"
                problems.add("self relation", message, image=name, field=where)
                continue
            target = builder.annotations[object]["category_id"]
            allowed = metadata.get("allowed_interactions")
            named = metadata["verb_classes"][verb], classes[target]
            if allowed is not None and named not in allowed:
                message = f"{named} is not among allowed_interactions"
                problems.add("verb and object do not fit", message, image=name, field=where)
                continue
            if target == human_class and not metadata["humans_as_objects"]:
                message = f"annotation {object_id} is a human, and humans_as_objects is False"
                problems.add("object is a human", message, image=name, field=f"{where}.object_id")
                continue
        builder.add_triplet(human, object, verb, field=where)
    return {"annotations": builder.annotations, "interactions": builder.interactions()}


def _faces_by_image(
    content: Mapping, coco: CocoImages, problems: Problems
) -> dict[int, list[dict]]:
    faces: dict[int, list[dict]] = {}
    for position, face in enumerate(problems.value(content, "faces", list) or []):
        where = f"faces[{position}]"
        if not problems.is_object(face, field=where):
            continue
        image_id = problems.integer(face, "image_id", where=where)
        box = problems.box(face, "bbox", where=where)
        score = problems.number(face, "score", where=where) if "score" in face else 1.0
        if image_id is None or box is None or score is None:
            continue
        if image_id not in coco.images:
            problems.add("unknown image", f"there is no image {image_id}", field=where)
            continue
        image = coco.images[image_id]
        x, y, width, height = box
        clipped = clip_box([x, y, x + width, y + height], image["width"], image["height"])
        if not has_area(clipped):
            message = "the face has no area inside the image"
            name = image["file_name"]
            problems.add("face without area", message, image=name, field=f"{where}.bbox")
            continue
        faces.setdefault(image_id, []).append({"bbox": clipped, "score": float(score)})
    return faces
