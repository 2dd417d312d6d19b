"""V-COCO's detections list, as its official evaluator takes it, -> arrays.

One dict for each (person, choice of objects)::

    {"image_id": 9, "person_box": [x1, y1, x2, y2], "hold_agent": score,
     "hold_obj": [x1, y1, x2, y2, score], ...}

with all 26 ``_agent`` keys and all 25 action-roles; a NaN score is no prediction. Caches of the UPT
family of repositories have only the keys of actions that were detected, and are dicts that answer
for the others: an agent with 0, a role with :data:`MISSING_ROLE`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from choi_d2.categories.vcoco import ACTION_ROLES, ACTIONS
from choi_d2.utils import InputError, read_json
from choi_d2.utils.columns import Place, boxes, cells, column, number_rows, numbers, shown
from choi_d2.utils.safe_pickle import read_pickle

from .findings import Findings
from .vcoco import Detections

MISSING_ROLE = (0.0, 0.0, 0.1, 0.1, 0.0)
_AGENT_KEYS = tuple(f"{name}_agent" for name, _ in ACTIONS)
_DEFAULTS = {key: 0.0 for key in _AGENT_KEYS} | {role: list(MISSING_ROLE) for role in ACTION_ROLES}
# How pickles of lists begin, and no JSON; byte-order marks and spaces before a JSON.
_PICKLE = (b"\x80", b"(l", b"]q", b"](", b"]r")
_BEFORE_JSON = b"\xef\xbb\xbf\xff\xfe\0 \t\r\n"
_ROLE = "[x1, y1, x2, y2, score], finite numbers or NaN"


def read_detections(
    path: str | os.PathLike, image_ids: Sequence[int], findings: Findings
) -> Detections:
    """Read a prediction file.

    Args:
        path: a pickle, from which no code is run, or JSON with NaN as Python writes it; whatever
            its name ends with.
        image_ids: the images to evaluate; an image's number is its place in here.
        findings: takes what was tolerated.

    Raises:
        InputError: the file or a field is broken.
    """
    if _is_pickle(path):
        entries = read_pickle(path, foreign_dicts=True)
        if not isinstance(entries, list):
            problem = f"expected a list of detections, found {type(entries).__name__}"
            raise InputError(problem, path=path)
    else:
        entries = read_json(path, list)
    return detections_from_entries(entries, image_ids, findings, path)


def detections_from_entries(
    entries: list[Any],
    image_ids: Sequence[int | str],
    findings: Findings,
    path: str | os.PathLike = "detections",
) -> Detections:
    """The same from the list itself; ``path`` is for messages."""
    place_of_image = {image_id: place for place, image_id in enumerate(image_ids)}
    ids = column(entries, "image_id", lambda row: {"path": path, "field": f"[{row}]"})
    images, known = [], []
    for row, image_id in enumerate(ids):
        # As the official evaluator compares: 9.0 is image 9, "9" is none.
        if isinstance(image_id, Hashable) and image_id in place_of_image:
            images.append(place_of_image[image_id])
            known.append(row)
        else:
            kind = "detection in an image outside the set, skipped"
            findings.note(kind, path=path, image=shown(image_id), field=f"[{row}].image_id")
    entries = [entries[row] for row in known]
    if without := sorted(set(range(len(image_ids))) - set(images)):
        kind = "image without a detection, all its people are missed"
        findings.note(kind, path=path, image=image_ids[without[0]], count=len(without))

    def place(row: int, key: str | None = None) -> Mapping:
        field = f"[{known[row]}]" + (f".{key}" if key else "")
        return {"path": path, "image": image_ids[images[row]], "field": field}

    def place_in(keys: Sequence[str]) -> Place:
        return lambda cell: place(cell // len(keys), keys[cell % len(keys)])

    person_boxes = boxes(column(entries, "person_box", place), place_in(["person_box"]))
    no_area = np.flatnonzero((person_boxes[:, 2:] <= person_boxes[:, :2]).any(axis=1))
    if len(no_area):
        kind = "person box without area"
        findings.note(kind, count=len(no_area), **place(int(no_area[0]), "person_box"))
    entries = _with_all_actions(entries, findings, place)
    agents = numbers(cells(entries, _AGENT_KEYS, place), place_in(_AGENT_KEYS), nan=True)
    roles = cells(entries, ACTION_ROLES, place)
    roles = number_rows(roles, 5, place_in(ACTION_ROLES), _ROLE, nan=True)
    with np.errstate(over="ignore"):
        roles = roles.astype(np.float32).reshape(len(entries), len(ACTION_ROLES), 5)
        return Detections(
            np.array(images, np.int64),
            person_boxes.astype(np.float32),
            agents.astype(np.float32).reshape(len(entries), len(ACTIONS)),
            roles[:, :, :4],
            roles[:, :, 4],
        )


def _is_pickle(path: str | os.PathLike) -> bool:
    """By its content, or by its name where there is none or no file."""
    try:
        with open(path, "rb") as file:
            head = file.read(64).lstrip(_BEFORE_JSON)
    except OSError:
        head = b""
    if not head:
        return Path(path).suffix in (".pkl", ".pickle")
    if head.startswith(_PICKLE):
        return True
    return not head.startswith((b"[", b"{")) and Path(path).suffix != ".json"


def _with_all_actions(
    entries: list[Mapping], findings: Findings, place: Callable[..., Mapping]
) -> list[Mapping]:
    """The entries with every action; what is not there was not detected."""
    wanted, complete = _DEFAULTS.keys(), []
    for row, entry in enumerate(entries):
        if not wanted <= entry.keys():
            missing = [key for key in _DEFAULTS if key not in entry]
            kind = "action missing in a detection (the official evaluator stops), not detected"
            findings.note(kind, count=len(missing), **place(row, missing[0]))
            entry = {**_DEFAULTS, **entry}
        complete.append(entry)
    return complete
