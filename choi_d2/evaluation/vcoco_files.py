"""V-COCO's annotation files -> arrays. What is broken is an error that names its place; what the
official evaluator tolerates or stops at is noted, see docs/evaluation.md.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from choi_d2.categories.vcoco import ACTION_ROLES, ACTIONS
from choi_d2.utils import InputError, read_json, read_text
from choi_d2.utils.columns import boxes, column, integers, lists, many_objects, numbers, shown

from .findings import Findings
from .vcoco import People, vcoco_metrics
from .vcoco_detections import read_detections

Path = str | os.PathLike


def evaluate_vcoco_files(
    vsrl: Path, coco: Path, ids: Path, predictions: Path, findings: Findings
) -> dict:
    """The official numbers of a prediction file.

    Args:
        vsrl: V-COCO's JSON, 26 actions over the same people.
        coco: COCO's instances JSON, "person" first among its categories.
        ids: text file with the ids of the images, which are those of ``vsrl``.
        predictions: pickle or JSON, see :mod:`.vcoco_detections`.
        findings: takes what was tolerated.

    Returns:
        See :func:`choi_d2.evaluation.vcoco.vcoco_metrics`.

    Raises:
        InputError: a file or a field is broken.
    """
    image_ids, people = read_vcoco_truth(vsrl, coco, ids, findings)
    with many_objects():
        detections = read_detections(predictions, image_ids, findings)
    empty = np.setdiff1d(detections.images, people.images)
    if len(empty):
        count = int(np.isin(detections.images, empty).sum())
        kind = "detection in an image without a valid person (the official evaluator stops), "
        image = image_ids[int(empty[0])]
        findings.note(kind + "discarded", path=predictions, image=image, count=count)
    metrics = vcoco_metrics(people, detections)
    for name, numbers_of_action in metrics["per_action"].items():
        if not numbers_of_action["positives"]:
            kind = "action that nobody does (the official evaluator stops), left out of the means"
            findings.note(kind, path=vsrl, field=name)
    return metrics


def read_vcoco_truth(
    vsrl: Path, coco: Path, ids: Path, findings: Findings
) -> tuple[list[int], People]:
    """A ground truth, with all that the official evaluator counts.

    Args:
        vsrl, coco, ids, findings: see :func:`evaluate_vcoco_files`.

    Returns:
        the ids of the images, ascending, and the people; their ``images`` are places in the ids.

    Raises:
        InputError: a file or a field is broken.
    """
    with many_objects():
        image_ids = read_image_ids(ids, findings)
        labels = _read_vsrl(vsrl)
        _check_image_set(labels["image_ids"], image_ids, ids, vsrl)
        instances = _read_instances(coco, image_ids)
        return image_ids, _people(labels, instances, vsrl, findings)


def read_image_ids(path: Path, findings: Findings) -> list[int]:
    """The ids of a text file, ascending.

    Raises:
        InputError: the file is missing, empty, or holds something else.
    """
    lines = read_text(path).splitlines()
    words = [(line, word) for line, text in enumerate(lines, start=1) for word in text.split()]
    ids = []
    for line, word in words:
        try:
            ids.append(int(word))
        except ValueError:
            problem = f"expected an image id, found {shown(word)}"
            raise InputError(problem, path=path, field=f"line {line}") from None
    if not ids:
        raise InputError("the data set is empty: no image id", path=path)
    if ids != sorted(set(ids)):
        kind = "image ids not ascending, or repeated (the official evaluator stops), sorted"
        findings.note(kind, path=path)
    return sorted(set(ids))


def _read_vsrl(path: Path) -> dict[str, np.ndarray]:
    """``person_ids``, ``image_ids`` (N,), ``labels`` (N, V) bool, ``role_ids`` (N, R), 0: none."""
    entries = read_json(path, list)
    names = column(entries, "action_name", lambda row: {"path": path, "field": f"[{row}]"})
    expected = [name for name, _ in ACTIONS]
    if sorted(map(str, names)) != sorted(expected):
        odd = sorted(set(map(str, names)) ^ set(expected)) or "one of them twice"
        problem = f"expected V-COCO's {len(ACTIONS)} actions, each once; at odds: {odd}"
        raise InputError(problem, path=path, field="action_name")
    people, roles = None, {}
    labels = []
    for name, role_names in ACTIONS:
        entry = entries[names.index(name)]
        place = {"path": path, "field": name}
        (found,) = column([entry], "role_name", lambda _, place=place: place)
        if not isinstance(found, list) or sorted(map(str, found)) != sorted(("agent", *role_names)):
            problem = f"expected the roles agent, {', '.join(role_names)}, found {shown(found)}"
            raise InputError(problem, path=path, field=f"{name}.role_name")
        image_ids, person_ids, label = (
            _ids(entry, key, path, name) for key in ("image_id", "ann_id", "label")
        )
        filler_ids = _ids(entry, "role_object_id", path, name)
        if len({len(image_ids), len(person_ids), len(label), len(filler_ids) / len(found)}) != 1:
            problem = (
                f"expected N image_id, ann_id and label and {len(found)} N role_object_id, found "
                f"{len(image_ids)}, {len(person_ids)}, {len(label)} and {len(filler_ids)}"
            )
            raise InputError(problem, path=path, field=name)
        if not np.isin(label, (0, 1)).all():
            odd = label[~np.isin(label, (0, 1))][0]
            raise InputError(f"expected 0 or 1, found {odd}", path=path, field=f"{name}.label")
        order = np.argsort(person_ids, kind="stable")
        person_ids, image_ids = person_ids[order], image_ids[order]
        if people is None:
            people = person_ids, image_ids
            if len(np.unique(person_ids)) < len(person_ids):
                twice = person_ids[:-1][np.diff(person_ids) == 0][0]
                problem = f"person {twice} occurs more than once"
                raise InputError(problem, path=path, field=f"{name}.ann_id")
        elif not all(map(np.array_equal, people, (person_ids, image_ids))):
            problem = f"expected the same people and images as for {ACTIONS[0][0]}"
            raise InputError(problem, path=path, field=f"{name}.ann_id")
        labels.append(label[order] == 1)
        for role, fillers in zip(found, filler_ids.reshape(len(found), -1), strict=True):
            roles[f"{name}_{role}"] = fillers[order]
    return {
        "person_ids": people[0],
        "image_ids": people[1],
        "labels": np.stack(labels, axis=1),
        "role_ids": np.stack([roles[role] for role in ACTION_ROLES], axis=1),
    }


def _ids(entry: Mapping, key: str, path: Path, action: str) -> np.ndarray:
    field = f"{action}.{key}"
    (values,) = column([entry], key, lambda _: {"path": path, "field": action})
    (values,) = lists([values], lambda _: {"path": path, "field": field})
    # Some copies have columns: [[1], [2], ...].
    if values and isinstance(values[0], list):
        values = [v[0] if isinstance(v, list) and len(v) == 1 else v for v in values]
    return integers(values, lambda row: {"path": path, "field": f"{field}[{row}]"})[0]


def _check_image_set(annotated: np.ndarray, image_ids: list[int], ids: Path, vsrl: Path) -> None:
    odd = set(annotated.tolist()) ^ set(image_ids)
    if odd:
        first = min(odd)
        where = f"{vsrl}, not in {ids}" if first not in set(image_ids) else f"{ids}, not in {vsrl}"
        raise InputError(
            f"the two files differ in {len(odd)} images, the first, {first}, is in {where}",
            path=ids,
            image=first,
            hint="They have to be of the same split.",
        )


def _read_instances(path: Path, image_ids: list[int]) -> dict[str, np.ndarray]:
    """The valid instances of the images, in the order of the file.

    ``ids``, ``images`` (places in ``image_ids``), ``is_person`` (I,), ``boxes`` (I, 4) float32.
    """
    content = read_json(path, dict)
    rows: dict[str, list[Any]] = {}
    for key in ("categories", "images", "annotations"):
        (values,) = column([content], key, lambda _: {"path": path})
        (rows[key],) = lists([values], lambda _, key=key: {"path": path, "field": key})

    def place(key: str):
        return lambda row: {"path": path, "field": f"{key}[{row}]"}

    category_ids = column(rows["categories"], "id", place("categories"))
    category_names = column(rows["categories"], "name", place("categories"))
    if not category_names or category_names[0] != "person":
        problem = f"expected 'person' as the first category, found {shown(category_names[:1])}"
        raise InputError(problem, path=path, field="categories[0].name")

    place_of_image = {image_id: place for place, image_id in enumerate(image_ids)}
    sizes = np.zeros((len(image_ids), 2))
    listed = column(rows["images"], "id", place("images"))
    wanted = [row for row, image_id in enumerate(listed) if _is_in(image_id, place_of_image)]
    missing = set(image_ids) - {listed[row] for row in wanted}
    if missing:
        problem = f"{len(missing)} images of the set are not in this file"
        raise InputError(problem, path=path, image=min(missing), field="images")
    images = [rows["images"][row] for row in wanted]
    for axis, key in enumerate(("width", "height")):
        values = column(images, key, lambda row: place("images")(wanted[row]))
        spot = [place_of_image[listed[row]] for row in wanted]
        sizes[spot, axis] = numbers(values, lambda row: place("images")(wanted[row]))

    owners = column(rows["annotations"], "image_id", place("annotations"))
    kept = [
        row
        for row, owner in enumerate(owners)
        if _is_in(owner, place_of_image) and rows["annotations"][row].get("ignore") != 1
    ]
    annotations = [rows["annotations"][row] for row in kept]

    def at(row: int) -> Mapping:
        return {"path": path, "image": owners[kept[row]], "field": f"annotations[{kept[row]}]"}

    ids, _ = integers(column(annotations, "id", at), at)
    xywh = boxes(column(annotations, "bbox", at), at)
    area = numbers(column(annotations, "area", at), at)
    is_person = np.array([c == category_ids[0] for c in column(annotations, "category_id", at)])
    image = np.array([place_of_image[owners[row]] for row in kept], np.int64)
    xyxy = _inside(xywh, sizes[image])
    valid = (area > 0) & (xyxy[:, 2:] > xyxy[:, :2]).all(axis=1)
    return {
        "ids": ids[valid],
        "images": image[valid],
        "is_person": is_person.astype(bool)[valid],
        "boxes": xyxy[valid].astype(np.float32),
    }


def _is_in(image_id: Any, image_ids: Mapping) -> bool:
    return isinstance(image_id, int | float) and image_id in image_ids


def _inside(xywh: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """XYXY whose last pixel is part of the box, cut to images of ``sizes`` (I, 2), width first."""
    low = xywh[:, :2]
    high = low + np.maximum(0, xywh[:, 2:] - 1)
    last = sizes - 1
    return np.concatenate(
        [np.minimum(last, np.maximum(0, low)), np.minimum(last, np.maximum(0, high))], axis=1
    )


def _people(labels: Mapping, instances: Mapping, path: Path, findings: Findings) -> People:
    """All valid people of the images, with what V-COCO says of them."""
    row_of_id = {instance: row for row, instance in enumerate(instances["ids"].tolist())}
    rows = np.flatnonzero(instances["is_person"])
    number_of_row = {row: number for number, row in enumerate(rows.tolist())}
    actions = np.zeros((len(rows), len(ACTIONS)), bool)
    annotated = np.zeros(len(rows), bool)
    has_role = np.zeros((len(rows), len(ACTION_ROLES)), bool)
    role_boxes = np.zeros((len(rows), len(ACTION_ROLES), 4), np.float32)
    action_of_role = np.repeat(np.arange(len(ACTIONS)), [len(roles) for _, roles in ACTIONS])
    for index, person_id in enumerate(labels["person_ids"].tolist()):
        image = int(labels["image_ids"][index])
        person = number_of_row.get(row_of_id.get(person_id, -1))
        if person is None:
            kind = "V-COCO person without a valid box, left out"
            findings.note(kind, path=path, image=image, field=f"ann_id {person_id}")
            continue
        annotated[person], actions[person] = True, labels["labels"][index]
        fillers = labels["role_ids"][index]
        done = labels["labels"][index][action_of_role]
        for role in np.flatnonzero(done & (fillers != 0)).tolist():
            filler, where = int(fillers[role]), {"path": path, "image": image}
            where["field"] = f"{ACTION_ROLES[role]}, person {person_id}"
            row = row_of_id.get(filler)
            if row is None or instances["images"][row] != instances["images"][rows[person]]:
                kind = "role object without a valid box in the image (the official evaluator stops)"
                findings.note(f"{kind}, taken for missing", **where)
                continue
            if filler == person_id:
                findings.note("person who is the object of their own action", **where)
            has_role[person, role] = True
            role_boxes[person, role] = instances["boxes"][row]
    return People(
        instances["images"][rows],
        instances["boxes"][rows],
        annotated,
        actions,
        has_role,
        role_boxes,
    )
