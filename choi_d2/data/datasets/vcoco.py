"""V-COCO: the official action JSON over COCO's instances.

The action JSON is a list of 26 objects, one for each action, over the same N people::

    {"action_name": "hit", "role_name": ["agent", "instr", "obj"],
     "image_id": [N], "ann_id": [N], "label": [N of 0, 1], "role_object_id": [K * N]}

``role_object_id`` is role-major (K rows of N: the agents, then each role), 0 = the role is missing.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator

from detectron2.data.datasets.builtin_meta import COCO_CATEGORIES

from choi_d2.categories.vcoco import ACTIONS, OBJECTLESS_ACTIONS, VERBS
from choi_d2.data.validation import Problems, short
from choi_d2.utils import InputError, read_json, read_text

from .coco_like import CocoImages, add_instances, read_images
from .common import RecordBuilder, finish_loading

logger = logging.getLogger(__name__)

HUMAN_CLASS = 0
_COCO_THINGS = [category for category in COCO_CATEGORIES if category["isthing"]]
_VERB_IDS = {verb: index for index, verb in enumerate(VERBS)}
_COCO_IDS = {category["id"]: index for index, category in enumerate(_COCO_THINGS)}


def vcoco_metadata() -> dict:
    """What ``MetadataCatalog`` says about V-COCO, apart from its files."""
    return {
        "thing_classes": [category["name"] for category in _COCO_THINGS],
        "verb_classes": list(VERBS),
        "human_class": HUMAN_CLASS,
        "humans_as_objects": True,
        "objectless_verbs": tuple(_VERB_IDS[action] for action in OBJECTLESS_ACTIONS),
        "thing_dataset_id_to_contiguous_id": dict(_COCO_IDS),
        "verb_dataset_id_to_contiguous_id": {index: index for index in range(len(VERBS))},
        "evaluator_type": "vcoco",
    }


def load_vcoco(
    vcoco_json: str | os.PathLike,
    coco_json: str | os.PathLike,
    image_root: str | os.PathLike,
    ids_file: str | os.PathLike | None = None,
    *,
    problems: Problems | None = None,
) -> list[dict]:
    """Load V-COCO, or anything in its format.

    Args:
        vcoco_json: the actions.
        coco_json: COCO instances that hold (at least) the images of the split.
        image_root: the folder of the images, or the one that holds ``train2014`` and ``val2014``.
        ids_file: the image ids of the split, one a line; by default those with an annotated person.
        problems: collects what is wrong (the validator); by default it is counted and logged.

    Returns:
        Records by ascending ``image_id``, COCO's. Annotations have ``vcoco_person``: is it one of
        the people whose actions are annotated? Other people have ``judged`` False: that they have
        no interaction says nothing. Interactions are action-roles with their object; pairs (i, i)
        are actions without object, and action-roles whose object is not annotated.

    Raises:
        InputError: a file is broken.
    """
    log = problems is None
    problems = Problems(vcoco_json) if problems is None else problems
    try:
        actions = read_actions(read_json(vcoco_json, list, unique_keys=True), problems)
        coco = read_json(coco_json, dict, unique_keys=True)
        split = None if ids_file is None else read_ids(ids_file)
    except InputError as error:
        problems.add_error(error)
        return []
    if not actions:
        return []
    people = list(zip(actions[0]["image_id"], actions[0]["ann_id"], strict=True))
    image_ids = sorted(split if split is not None else {image for image, _ in people})
    if not image_ids:
        problems.add("empty data set", "there is no annotated person, and no list of image ids")

    coco_problems = Problems(coco_json, collect=problems.collect)
    _enter_coco_folders(coco.get("images"))
    found = read_images(coco, image_root, coco_json, coco_problems, set(image_ids))
    for image_id in image_ids:
        if image_id not in found.images:
            message = f"there is no image {image_id} in {coco_json}"
            problems.add("unknown image", message, image=image_id)

    triplets = _triplets_by_image(actions, set(image_ids), problems)
    annotated = set(people)
    records = []
    for image_id in image_ids:
        if image_id not in found.images:
            continue
        record = _read_record(
            image_id, found, triplets.get(image_id, []), annotated, problems, coco_problems
        )
        record["file_name"] = os.path.join(image_root, record["file_name"])
        if image_id in found.on_disk:
            records.append(record)
    problems.found += coco_problems.found
    finish_loading(records, problems, logger if log else None)
    return records


def read_ids(path: str | os.PathLike) -> list[int]:
    """Image ids, one a line.

    Raises:
        InputError: the file is missing, empty, or a line is no whole number.
    """
    try:
        ids = [int(line) for line in read_text(path).split()]
    except InputError:
        raise
    except ValueError as error:
        raise InputError(f"expected an image id on each line ({error})", path=path) from None
    if not ids:
        raise InputError("expected an image id on each line, found none", path=path)
    return ids


def _enter_coco_folders(images: object) -> None:
    """``COCO_train2014_000000000009.jpg`` lies in ``train2014``."""
    for image in images if isinstance(images, list) else ():
        if isinstance(image, dict) and isinstance(image.get("file_name"), str):
            parts = image["file_name"].split("_")
            if len(parts) == 3 and parts[0] == "COCO":
                image["file_name"] = f"{parts[1]}/{image['file_name']}"


def read_actions(content: list, problems: Problems) -> list[dict]:
    """Check an action JSON.

    Args:
        content: the list.
        problems: where blemishes are reported.

    Returns:
        the 26 actions in the official order, or an empty list with the reason reported.
    """
    if len(content) != len(ACTIONS):
        message = f"expected a list of the {len(ACTIONS)} actions, found {len(content)} entries"
        problems.add("unlike lists", message)
        return []
    before = problems.num_fatal
    first = None
    for position, (action, (name, roles)) in enumerate(zip(content, ACTIONS, strict=True)):
        where = f"[{position}]"
        if not problems.is_object(action, field=where):
            continue
        found = action.get("action_name"), action.get("role_name")
        if found != (name, ["agent", *roles]):
            message = f"expected {name} with the roles agent, {', '.join(roles)}, found {found}"
            problems.add("unlike lists", message, field=f"{where}.action_name")
            continue
        keys = ("image_id", "ann_id", "label", "role_object_id")
        lists = [problems.list_of_integers(action, key, where=where) for key in keys]
        if None in lists:
            continue
        images, people, labels, objects = lists
        first = (images, people) if first is None else first
        expected = [len(people), len(people), (1 + len(roles)) * len(people)]
        if [len(images), len(labels), len(objects)] != expected:
            message = f"image_id, label and role_object_id have {len(images)}, {len(labels)} and "
            message += f"{len(objects)} entries, expected {', '.join(map(str, expected))}"
            problems.add("unlike lists", message, field=where)
        elif not set(labels) <= {0, 1}:
            wrong = next(label for label in labels if label not in (0, 1))
            message = f"expected 0 or 1, found {wrong}"
            problems.add("bad number", message, field=f"{where}.label")
        elif (images, people) != first:
            message = f"the people of {name} are not those of the action before"
            problems.add("unlike lists", message, field=f"{where}.ann_id")
    return content if problems.num_fatal == before else []


def _triplets_by_image(
    actions: list[dict], image_ids: set[int], problems: Problems
) -> dict[int, list[tuple[int, int, int, str]]]:
    """image id -> (ann id of the person, ann id of the object or 0, verb, field)."""
    people = list(zip(actions[0]["image_id"], actions[0]["ann_id"], strict=True))
    triplets: dict[int, list[tuple[int, int, int, str]]] = {}
    for row, (image_id, person) in enumerate(people):
        if image_id not in image_ids:
            message = f"person {person} is in image {image_id}, which is not of this split"
            problems.add("unknown image", message, image=image_id, field=f"[0].image_id[{row}]")
            continue
        mine = triplets.setdefault(image_id, [])
        for verb, target, field in _verbs_of_person(actions, row):
            mine.append((person, target, verb, field))
    return triplets


def _verbs_of_person(actions: list[dict], row: int) -> Iterator[tuple[int, int, str]]:
    """(verb, ann id of the object or 0, field) of the person in this row."""
    number = len(actions[0]["ann_id"])
    for position, (action, (name, roles)) in enumerate(zip(actions, ACTIONS, strict=True)):
        if action["label"][row] != 1:
            continue
        if not roles:
            yield _VERB_IDS[name], 0, f"[{position}].label[{row}]"
        for role_index, role in enumerate(roles, 1):
            place = role_index * number + row
            field = f"[{position}].role_object_id[{place}]"
            yield _VERB_IDS[f"{name}_{role}"], action["role_object_id"][place], field


def _read_record(
    image_id: int,
    coco: CocoImages,
    triplets: list[tuple[int, int, int, str]],
    people: set[tuple[int, int]],
    problems: Problems,
    coco_problems: Problems,
) -> dict:
    image, annotations = coco.images[image_id], coco.annotations[image_id]
    name = image["file_name"]
    builder = RecordBuilder(name, image["height"], image["width"], coco_problems)
    vcoco_person = {int(a["id"]): (image_id, int(a["id"])) in people for a in annotations}
    add_instances(annotations, _COCO_IDS, builder, coco_problems, vcoco_person=vcoco_person)
    for annotation in builder.annotations:
        is_human = annotation["category_id"] == HUMAN_CLASS
        looked_at = annotation["vcoco_person"] or not is_human
        annotation["judged"] = looked_at and annotation.get("judged", True)
    if not annotations:
        coco_problems.add("no annotation", "no instance is annotated", image=name)
    # From here on it is the action file that is read.
    builder.problems = problems
    for person, target, verb, field in triplets:
        pair = builder.find_pair(person, target or person, fields=(field, field))
        if pair is None:
            continue
        human, object = pair
        if builder.annotations[human]["category_id"] != HUMAN_CLASS:
            message = f"annotation {person} is no person: {short(builder.annotations[human])}"
            problems.add("subject is no human", message, image=name, field=field)
            continue
        builder.add_triplet(human, object, verb, field=field)
    return {
        **image,
        "image_id": image_id,
        "annotations": builder.annotations,
        "interactions": builder.interactions(),
    }
