"""HOIW's JSON files -> arrays. What is broken is an error that names its place; what the official
evaluator tolerates is noted and read as it reads it.
"""

from __future__ import annotations

import os

import numpy as np

from choi_d2.categories.hoiw import OBJECTS, VERBS
from choi_d2.utils import InputError, read_json
from choi_d2.utils.columns import boxes, integers, many_objects, numbers, shown
from choi_d2.utils.rows import Rows, check_unique, file_names

from .findings import Findings
from .hoiw import Triplets, hoiw_metrics


def evaluate_hoiw_files(
    ground_truth: str | os.PathLike, predictions: str | os.PathLike, findings: Findings
) -> dict:
    """The official numbers of a prediction file.

    Args:
        ground_truth: JSON list of ``{"file_name", "annotations", "hoi_annotation"}``.
        predictions: JSON list of ``{"file_name", "predictions", "hoi_prediction"}``.
        findings: takes what was tolerated.

    Returns:
        ``mAP_rel``, ``mean_max_recall`` (fractions), ``per_verb``: verb id -> ``name``, ``ap``,
        ``max_recall``, ``num_gt``, ``num_pred``, ``num_tp``.

    Raises:
        InputError: a file or a field is broken.
    """
    names, truth = read_hoiw_truth(ground_truth, findings)
    image_of_name = {name: image for image, name in enumerate(names)}
    with many_objects():
        entries = read_json(predictions, list)
        entry_names = file_names(entries, predictions)
        known = [i for i, name in enumerate(entry_names) if name in image_of_name]
        _note_entries(entry_names, names, image_of_name, predictions, findings)
        entries = [entries[i] for i in known]
        entry_names = [entry_names[i] for i in known]
        predicted = _read_triplets(entries, predictions, entry_names, findings, scored=True)
        entry_images = np.array([image_of_name[name] for name in entry_names], np.int64)
    metrics = hoiw_metrics(truth, predicted, len(VERBS), entry_images=entry_images)
    metrics["per_verb"] = {
        str(verb_id): {"name": name, **numbers_of_verb}
        for verb_id, (name, numbers_of_verb) in enumerate(
            zip(VERBS, metrics["per_verb"], strict=True), start=1
        )
    }
    return metrics


def read_hoiw_truth(path: str | os.PathLike, findings: Findings) -> tuple[list[str], Triplets]:
    """A ground truth, with all that the official evaluator counts.

    Args:
        path: JSON list of ``{"file_name", "annotations", "hoi_annotation"}``.
        findings: takes what was tolerated.

    Returns:
        the images' file names, and the triplets; ``images`` are places in the names,
        ``categories`` ids as in the file (from 1), ``verbs`` ids - 1.

    Raises:
        InputError: the file or a field is broken.
    """
    with many_objects():
        entries = read_json(path, list)
        names = file_names(entries, path)
        check_unique(names, path)
        return names, _read_triplets(entries, path, names, findings, scored=False)


def _note_entries(entry_names, names, image_of_name, path, findings) -> None:
    seen: set[str] = set()
    for name in entry_names:
        if name not in image_of_name:
            findings.note(
                "predictions for an image that the ground truth does not have, skipped",
                path=path,
                image=name,
            )
        elif name in seen:
            findings.note(
                "another prediction entry for the same image, matched on its own",
                path=path,
                image=name,
            )
        seen.add(name)
    for name in names:
        if name not in seen:
            findings.note(
                "image without a prediction entry, all its triplets are missed",
                path=path,
                image=name,
            )


def _read_triplets(entries, path, names, findings: Findings, *, scored: bool) -> Triplets:
    whose = "predicted" if scored else "ground-truth"
    box_rows = Rows.of(entries, path, names, "predictions" if scored else "annotations")
    xyxy = boxes(box_rows.column("bbox"), box_rows.place("bbox"))
    no_area = np.flatnonzero((xyxy[:, 2] <= xyxy[:, 0]) | (xyxy[:, 3] <= xyxy[:, 1]))
    box_rows.note(findings, f"{whose} box without area, never matches", no_area, "bbox")
    categories = _ids(box_rows, "category_id", len(OBJECTS), f"{whose} box category", findings)

    rows = Rows.of(entries, path, names, "hoi_prediction" if scored else "hoi_annotation")
    subjects = _box_indices(rows, "subject_id", box_rows, whose, findings)
    objects = _box_indices(rows, "object_id", box_rows, whose, findings)
    verbs = _ids(rows, "category_id", len(VERBS), f"{whose} verb", findings)
    scores = numbers(rows.column("score"), rows.place("score")) if scored else None
    if not scored:
        itself = np.flatnonzero((subjects == objects) & (subjects >= 0))
        if len(itself):
            raise InputError(
                "an instance is related to itself: subject_id and object_id are the same",
                **rows.place()(int(itself[0])),
            )
        triplets = np.stack([rows.owners, subjects, objects, verbs], axis=1)
        _, firsts = np.unique(triplets[(subjects >= 0) & (objects >= 0)], axis=0, return_index=True)
        valid = np.flatnonzero((subjects >= 0) & (objects >= 0))
        repeated = np.setdiff1d(valid, valid[firsts])
        rows.note(findings, "ground-truth triplet listed again, each counts", repeated)
    return Triplets(xyxy, categories, rows.owners, subjects, objects, verbs - 1, scores)


def _ids(rows: Rows, key: str, highest: int, what: str, findings: Findings) -> np.ndarray:
    values = rows.column(key)
    ids, strings = integers(values, rows.place(key))
    if rows.field == "annotations":
        # The released ground truth has them as strings: "11". Only what surrounds one is odd.
        strings = np.array([row for row in strings if not values[row].isdecimal()], np.int64)
    rows.note(findings, f"{what} written as a string, read as an integer", strings, key)
    unknown = np.flatnonzero((ids < 1) | (ids > highest))
    ending = "ignored" if "verb" in what else "matches only its like"
    rows.note(findings, f"{what} outside 1..{highest}, {ending}", unknown, key)
    return ids


def _box_indices(rows: Rows, key: str, box_rows: Rows, whose: str, findings: Findings):
    """(T,) int64 rows of the box table; -1 where the official evaluator finds no box.

    It looks the id up in a table of integers, so that a string or null is never found.
    """
    values = rows.column(key)
    if not set(map(type, values)) <= {int}:
        unreadable = next((i for i, v in enumerate(values) if isinstance(v, list | dict)), None)
        if unreadable is not None:
            problem = f"expected the index of a box, found {shown(values[unreadable])}"
            raise InputError(problem, **rows.place(key)(unreadable))
        values = [int(v) if isinstance(v, int | float) and v == v // 1 else -1 for v in values]
    local = np.array([value if -1 < value < 2**62 else -1 for value in values], np.int64)
    dangling = (local < 0) | (local >= box_rows.counts[rows.owners])
    rows.note(
        findings,
        f"{whose} {key} that is the index of no box, never matches",
        np.flatnonzero(dangling),
        key,
    )
    return np.where(dangling, -1, local + box_rows.starts[:-1][rows.owners])
