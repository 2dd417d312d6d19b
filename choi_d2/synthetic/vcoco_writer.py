"""The synthetic scenes in V-COCO's layout: the role-major action JSON over COCO's instances.

Objects are COCO's person, cell phone, cup, sandwich, bicycle, motorcycle, horse, sports ball,
laptop and book (documents). COCO has no cigarettes: they are in the picture, but nobody annotated
them. All people are annotated with their actions, one object each, the first in the scene:

* hold: what a hand grips; of a cigarette the role is missing, unless they hold something else.
* carry: what somebody who walks holds.
* look: what the gaze goes to (:func:`.relations.looked_at`).
* stand: standing and kicking people; walk: walking ones.
* sit: riders, on what they ride, and sitting people, whose seat is no object: the role is missing.
* ride, kick, read: as in HOIW; talk_on_phone: call; work_on_computer: play(computer); drink: the
  cup is the instrument; eat: the food is the object, and the instrument is missing.

The other actions nobody does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from detectron2.data.datasets.builtin_meta import COCO_CATEGORIES

from choi_d2.categories.hoiw import OBJECTS
from choi_d2.categories.vcoco import ACTIONS

from .formats import SPLITS, run_lengths, stem_at
from .relations import looked_at
from .scene import Scene

CATEGORY_OF_OBJECT = {
    "person": "person",
    "cellphone": "cell phone",
    "drink": "cup",
    "food": "sandwich",
    "bike": "bicycle",
    "motorbike": "motorcycle",
    "horse": "horse",
    "ball": "sports ball",
    "computer": "laptop",
    "document": "book",
}
_ACTION_OF_VERB = {
    "ride": "ride",
    "kick": "kick",
    "read": "read",
    "call": "talk_on_phone",
    "play(computer)": "work_on_computer",
    "drink": "drink",
    "eat": "eat",
}
_IMAGES, _INSTANCES = 1_000_000, 1_000
"""Numbers for the images of a split, and for the instances of an image."""
_COCO_FILE = "annotations/instances_vcoco_all_2014.json"

Actions = dict[str, tuple[int | None, ...]]
"""Action -> the object of each of its roles, None where it is missing."""


class VCOCOFormat:
    """``images/{split}/``, ``annotations/`` and ``splits/`` as V-COCO has them."""

    name = "vcoco"

    def image_files(self, split: str, stem: str) -> list[str]:
        """The photo."""
        return [f"images/{split}/{stem}.jpg"]

    def label_maps(self, scene: Scene) -> list[np.ndarray]:
        """None: COCO's instances have run lengths."""
        return []

    def annotate(self, scene: Scene, split: str, index: int) -> dict[str, Any]:
        """An image of the instances JSON, its annotations, and the actions of its people."""
        image_id = SPLITS.index(split) * _IMAGES + index + 1
        height, width = scene.image.shape[:2]
        stem = stem_at(split, index)
        image = {"id": image_id, "file_name": f"{stem}.jpg", "height": height, "width": width}
        annotations = []
        for place, segmentation in enumerate(run_lengths(scene)):
            if is_annotated(scene, place):
                x1, y1, x2, y2 = (int(v) for v in scene.boxes[place])
                annotations.append(
                    {
                        "id": _annotation_id(image_id, place),
                        "image_id": image_id,
                        "category_id": _CATEGORY_IDS[_name(scene, place)],
                        "bbox": [x1, y1, x2 - x1, y2 - y1],
                        "area": int(scene.masks[place].sum()),
                        "iscrowd": 0,
                        "segmentation": segmentation,
                    }
                )
        actions = actions_of(scene)
        people = []
        for human, done in sorted(actions.items()):
            objects = {
                action: [0 if o is None else _annotation_id(image_id, o) for o in targets]
                for action, targets in done.items()
            }
            person = {"image_id": image_id, "ann_id": _annotation_id(image_id, human)}
            people.append({**person, "actions": objects})
        return {
            "image": image,
            "annotations": annotations,
            "people": people,
            "instances": [
                _name(scene, k) for k in range(len(scene.classes)) if is_annotated(scene, k)
            ],
            "triplets": [action for done in actions.values() for action in done],
        }

    def annotation_files(self, rows: Mapping[str, Sequence[dict[str, Any]]]) -> dict[str, Any]:
        """The instances of all splits, and for each split its actions and image ids."""
        entries = [entry for split in rows for entry in rows[split]]
        files: dict[str, Any] = {
            _COCO_FILE: {
                "images": [entry["image"] for entry in entries],
                "annotations": [a for entry in entries for a in entry["annotations"]],
                "categories": [{"id": i, "name": name} for name, i in _CATEGORY_IDS.items()],
            }
        }
        for split, of_split in rows.items():
            people = [person for entry in of_split for person in entry["people"]]
            ids = [entry["image"]["id"] for entry in of_split]
            files[f"annotations/vcoco_{split}.json"] = role_major(people)
            files[f"splits/vcoco_{split}.ids"] = "".join(f"{i}\n" for i in ids)
        return files


def actions_of(scene: Scene) -> dict[int, Actions]:
    """{human: what they do, with which instances}, by this module's rules."""
    gazes = looked_at(scene)
    result = {}
    for human, person in sorted(scene.people.items()):
        used: dict[str, int | None] = {}
        # What COCO has comes first, so that cigarettes give way.
        for thing in sorted(
            (thing for h, thing in scene.pairs if h == human),
            key=lambda thing: (not is_annotated(scene, thing), thing),
        ):
            for verb in scene.pairs[human, thing]:
                used.setdefault(verb, thing if is_annotated(scene, thing) else None)
        done: Actions = {
            action: (used[verb],) for verb, action in _ACTION_OF_VERB.items() if verb in used
        }
        if "eat" in done:
            done["eat"] += (None,)
        if "hold" in used:
            done["hold"] = (used["hold"],)
            if person.pose == "walking":
                done["carry"] = done["hold"]
        if human in gazes:
            done["look"] = (gazes[human] if is_annotated(scene, gazes[human]) else None,)
        if person.pose in ("standing", "kicking"):
            done["stand"] = ()
        elif person.pose == "walking":
            done["walk"] = ()
        else:
            done["sit"] = (used["ride"] if person.pose == "riding" else None,)
        result[human] = done
    return result


def is_annotated(scene: Scene, instance: int) -> bool:
    """Does COCO have this instance's category?"""
    return OBJECTS[scene.classes[instance]] in CATEGORY_OF_OBJECT


def role_major(people: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """V-COCO's list of actions.

    Args:
        people: ``image_id``, ``ann_id``, and ``actions``: name -> annotation ids of its roles'
            objects, 0 = missing.
    """
    ann_ids = [person["ann_id"] for person in people]
    content = []
    for name, roles in ACTIONS:
        done = [person["actions"].get(name) for person in people]
        objects = [
            0 if of_person is None else of_person[role]
            for role in range(len(roles))
            for of_person in done
        ]
        content.append(
            {
                "action_name": name,
                "role_name": ["agent", *roles],
                "include": [[] for _ in range(1 + len(roles))],
                "image_id": [person["image_id"] for person in people],
                "ann_id": ann_ids,
                "label": [int(of_person is not None) for of_person in done],
                "role_object_id": ann_ids + objects,
            }
        )
    return content


_CATEGORY_IDS = {c["name"]: c["id"] for c in COCO_CATEGORIES if c["isthing"]}
"""COCO's 80 names -> ids, person first."""


def _annotation_id(image_id: int, instance: int) -> int:
    return image_id * _INSTANCES + instance + 1


def _name(scene: Scene, instance: int) -> str:
    return CATEGORY_OF_OBJECT[OBJECTS[scene.classes[instance]]]
