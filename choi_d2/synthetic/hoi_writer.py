"""The synthetic scenes as a data set of your own: :mod:`choi_d2.data.datasets.hoi_json`'s format.

HOIW's objects and verbs, and walk, which takes no object. Faces are in the JSON.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from choi_d2.categories.hoiw import OBJECTS
from choi_d2.categories.hoiw import VERBS as HOIW_VERBS

from .formats import run_lengths, stem_at
from .scene import Scene

VERBS = (*HOIW_VERBS, "walk")
_INSTANCES = 1_000
"""Numbers for the instances of an image."""


class HOIFormat:
    """``images/{split}/``, ``{split}.json``."""

    name = "hoi"

    def image_files(self, split: str, stem: str) -> list[str]:
        """The photo."""
        return [f"images/{split}/{stem}.jpg"]

    def label_maps(self, scene: Scene) -> list[np.ndarray]:
        """None: the masks are in the JSON."""
        return []

    def annotate(self, scene: Scene, split: str, index: int) -> dict[str, Any]:
        """The image, and what refers to it."""
        image_id = index + 1
        height, width = scene.image.shape[:2]
        file_name = f"{stem_at(split, index)}.jpg"
        triplets = [
            (human, thing, verb)
            for (human, thing), verbs in sorted(scene.pairs.items())
            for verb in verbs
        ]
        walking = [human for human, person in scene.people.items() if person.pose == "walking"]
        triplets += [(human, None, "walk") for human in sorted(walking)]

        def own_id(instance: int | None) -> int | None:
            return None if instance is None else image_id * _INSTANCES + instance + 1

        annotations = zip(scene.boxes, scene.classes, run_lengths(scene), strict=True)
        return {
            "images": [{"id": image_id, "file_name": file_name, "height": height, "width": width}],
            "annotations": [
                {
                    "id": own_id(place),
                    "image_id": image_id,
                    "category_id": int(category) + 1,
                    "bbox": _with_size(box),
                    "segmentation": segmentation,
                    "iscrowd": 0,
                }
                for place, (box, category, segmentation) in enumerate(annotations)
            ],
            "interactions": [
                {
                    "human_id": own_id(human),
                    "object_id": own_id(thing),
                    "verb_id": VERBS.index(verb) + 1,
                }
                for human, thing, verb in triplets
            ],
            "faces": [
                {"image_id": image_id, "bbox": _with_size(box), "score": 1.0}
                for box in scene.faces.values()
            ],
            "instances": [OBJECTS[k] for k in scene.classes],
            "triplets": [verb for _, _, verb in triplets],
        }

    def annotation_files(self, rows: Mapping[str, Sequence[dict[str, Any]]]) -> dict[str, Any]:
        """``{split}.json``."""
        return {
            f"{split}.json": {
                "categories": [{"id": i, "name": name} for i, name in enumerate(OBJECTS, 1)],
                "verbs": [
                    {"id": i, "name": name, "takes_object": name != "walk"}
                    for i, name in enumerate(VERBS, 1)
                ],
                **{
                    key: [item for entry in entries for item in entry[key]]
                    for key in ("images", "annotations", "interactions", "faces")
                },
            }
            for split, entries in rows.items()
        }


def _with_size(box: Sequence[float]) -> list[float]:
    x1, y1, x2, y2 = (round(float(v), 1) for v in box)
    return [x1, y1, round(x2 - x1, 1), round(y2 - y1, 1)]
