"""The synthetic scenes in HICO-DET's JSON form, with its image-level labels.

Objects are HICO-DET's person, cell_phone, cup, sandwich, bicycle, motorcycle, horse, sports_ball,
laptop and book (documents). It has no cigarettes: they are in the picture, but nobody annotated
them. Verbs are those that the 600 classes allow for the object:

* hold, eat, ride, kick, read: as in HOIW; drink_with: drink; talk_on: call; text_on:
  play(cellphone); type_on: play(computer).
* straddle: what somebody rides.
* carry, or walk (a bicycle, motorcycle or horse): what somebody who walks holds.
* no_interaction: a thing that nobody uses, with the human nearest to it.

Boxes are whole pixels from 0, the last one included. An image's labels are positive for what is
annotated, negative for the other classes of the objects that occur in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from choi_d2.categories.hicodet import COCO_IDS, HOIS
from choi_d2.categories.hicodet import OBJECTS as HICO_OBJECTS
from choi_d2.categories.hicodet import VERBS as HICO_VERBS
from choi_d2.categories.hoiw import OBJECTS

from .formats import SPLITS, stem_at
from .scene import Scene

OBJECT_OF_OBJECT = {
    "person": "person",
    "cellphone": "cell_phone",
    "drink": "cup",
    "food": "sandwich",
    "bike": "bicycle",
    "motorbike": "motorcycle",
    "horse": "horse",
    "ball": "sports_ball",
    "computer": "laptop",
    "document": "book",
}
VERBS_OF_VERB = {
    "call": ("talk_on",),
    "play(cellphone)": ("text_on",),
    "eat": ("eat",),
    "drink": ("drink_with",),
    "ride": ("ride", "straddle"),
    "hold": ("hold",),
    "kick": ("kick",),
    "read": ("read",),
    "play(computer)": ("type_on",),
}
_IMAGES = 1_000_000
"""Numbers for the images of a split."""
_HOI_IDS = {
    (HICO_VERBS[hoi.verb], HICO_OBJECTS[hoi.object]): own for own, hoi in enumerate(HOIS, 1)
}


class HICODETFormat:
    """``images/{split}/``, ``annotations/{split}.json``, ``annotations/labels_{split}.json``."""

    name = "hicodet"

    def image_files(self, split: str, stem: str) -> list[str]:
        """The photo."""
        return [f"images/{split}/{stem}.jpg"]

    def label_maps(self, scene: Scene) -> list[np.ndarray]:
        """None: HICO-DET has boxes alone."""
        return []

    def annotate(self, scene: Scene, split: str, index: int) -> dict[str, Any]:
        """The entries of an image in the annotations and in the image-level labels."""
        name = f"{stem_at(split, index)}.jpg"
        kept = [k for k in range(len(scene.classes)) if name_of(scene, k) is not None]
        names = [name_of(scene, k) for k in kept]
        triplets = interactions_of(scene)
        hoi_ids = [_HOI_IDS[verb, name_of(scene, thing)] for _, thing, verb in triplets]
        occurring = {own for (_, thing), own in _HOI_IDS.items() if thing in names}
        return {
            "hicodet": {
                "file_name": name,
                "img_id": SPLITS.index(split) * _IMAGES + index + 1,
                "annotations": [
                    {
                        "bbox": [int(v) for v in scene.boxes[k] - (0, 0, 1, 1)],
                        "category_id": COCO_IDS[HICO_OBJECTS.index(name_of(scene, k))],
                    }
                    for k in kept
                ],
                "hoi_annotation": [
                    {
                        "subject_id": kept.index(human),
                        "object_id": kept.index(thing),
                        "category_id": HICO_VERBS.index(verb) + 1,
                        "hoi_category_id": own,
                    }
                    for (human, thing, verb), own in zip(triplets, hoi_ids, strict=True)
                ],
            },
            "labels": {
                "file_name": name,
                "positive": sorted(set(hoi_ids)),
                "ambiguous": [],
                "negative": sorted(occurring - set(hoi_ids)),
            },
            "instances": names,
            "triplets": [verb for _, _, verb in triplets],
        }

    def annotation_files(self, rows: Mapping[str, Sequence[dict[str, Any]]]) -> dict[str, Any]:
        """``annotations/{split}.json`` and ``annotations/labels_{split}.json``."""
        files = {}
        for split, entries in rows.items():
            files[f"annotations/{split}.json"] = [entry["hicodet"] for entry in entries]
            files[f"annotations/labels_{split}.json"] = [entry["labels"] for entry in entries]
        return files


def name_of(scene: Scene, instance: int) -> str | None:
    """What HICO-DET calls an instance's class, None where it has none."""
    return OBJECT_OF_OBJECT.get(OBJECTS[scene.classes[instance]])


def interactions_of(scene: Scene) -> list[tuple[int, int, str]]:
    """(human, thing, verb of HICO-DET) by this module's rules, each once, by pair."""
    triplets = []
    for (human, thing), verbs in scene.pairs.items():
        name = name_of(scene, thing)
        if name is None:
            continue
        found = [verb for own in verbs for verb in VERBS_OF_VERB[own]]
        if "hold" in verbs and scene.people[human].pose == "walking":
            found += [v for v in ("walk", "carry") if (v, name) in _HOI_IDS][:1]
        triplets += [(human, thing, verb) for verb in found]
    used = {thing for _, thing in scene.pairs}
    for thing in range(len(scene.classes)):
        unused = thing not in used and thing not in scene.people
        if unused and name_of(scene, thing) is not None:
            triplets.append((_nearest_human(scene, thing), thing, "no_interaction"))
    return sorted(triplets)


def _nearest_human(scene: Scene, thing: int) -> int:
    centers = (scene.boxes[:, :2] + scene.boxes[:, 2:]) / 2
    distances = np.hypot(*(centers - centers[thing]).T)
    return min(sorted(scene.people), key=lambda human: distances[human])
