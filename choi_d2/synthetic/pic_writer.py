"""The synthetic scenes in PIC's released layout, version 2, with its label ids.

========================  ==========
HOIW's object             category
========================  ==========
person                    human
cellphone                 phone
cigarette                 cigarette
drink                     cup
food                      food
bike, motorbike           bicycle, motorcycle
horse, ball               horse, ball
computer                  laptop
document                  document
========================  ==========

hold, eat, drink, ride and kick are PIC's own; smoke, call and play(computer) are use,
play(cellphone) is play. What a human looks at (:func:`.relations.looked_at`) has look, so read is
look. Geometric relations, also between humans, are those of :mod:`.relations`. Subjects are humans.
Background and furniture have no instance; instance id = position in the scene + 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from choi_d2.categories.hoiw import OBJECTS
from choi_d2.categories.pic import V2_CATEGORIES, V2_RELATIONS

from .formats import stem_at
from .relations import geometric_relations, looked_at
from .scene import Scene

CATEGORY_OF_OBJECT = {
    "person": "human",
    "cellphone": "phone",
    "cigarette": "cigarette",
    "drink": "cup",
    "food": "food",
    "bike": "bicycle",
    "motorbike": "motorcycle",
    "horse": "horse",
    "ball": "ball",
    "computer": "laptop",
    "document": "document",
}
RELATION_OF_VERB = {
    "smoke": "use",
    "call": "use",
    "play(cellphone)": "play",
    "eat": "eat",
    "drink": "drink",
    "ride": "ride",
    "hold": "hold",
    "kick": "kick",
    "read": "look",
    "play(computer)": "use",
}


class PICFormat:
    """``image|semantic|instance/{split}/``, ``relations_{split}.json``."""

    name = "pic"

    def image_files(self, split: str, stem: str) -> list[str]:
        """The photo, the semantic and the instance map."""
        maps = [f"{kind}/{split}/{stem}.png" for kind in ("semantic", "instance")]
        return [f"image/{split}/{stem}.jpg", *maps]

    def label_maps(self, scene: Scene) -> list[np.ndarray]:
        """Category ids and instance ids; 0 is background."""
        semantic, instance = np.zeros((2, *scene.image.shape[:2]), np.uint8)
        for place, (mask, name) in enumerate(zip(scene.masks, _names(scene), strict=True)):
            semantic[mask] = V2_CATEGORIES.index(name) + 1
            instance[mask] = place + 1
        return [semantic, instance]

    def annotate(self, scene: Scene, split: str, index: int) -> dict[str, Any]:
        """The entry of an image."""
        triplets = relations_of(scene)
        return {
            "pic": {
                "name": f"{stem_at(split, index)}.jpg",
                "image_id": index,
                "relations": [
                    {
                        "subject": human + 1,
                        "object": other + 1,
                        "relation": V2_RELATIONS.index(relation) + 1,
                    }
                    for human, other, relation in triplets
                ],
            },
            "instances": _names(scene),
            "triplets": [relation for _, _, relation in triplets],
        }

    def annotation_files(self, rows: Mapping[str, Sequence[dict[str, Any]]]) -> dict[str, Any]:
        """``relations_{split}.json``."""
        return {
            f"relations_{split}.json": [entry["pic"] for entry in entries]
            for split, entries in rows.items()
        }


def relations_of(scene: Scene) -> list[tuple[int, int, str]]:
    """(human, other instance, relation of PIC v2), each once, by pair."""
    of_pair: dict[tuple[int, int], list[str]] = {}
    for pair, relation in geometric_relations(scene).items():
        of_pair.setdefault(pair, []).append(relation)
    for pair, verbs in scene.pairs.items():
        of_pair.setdefault(pair, []).extend(RELATION_OF_VERB[verb] for verb in verbs)
    for pair in looked_at(scene).items():
        of_pair.setdefault(pair, []).append("look")
    return [
        (human, other, relation)
        for (human, other), relations in sorted(of_pair.items())
        for relation in dict.fromkeys(relations)
    ]


def _names(scene: Scene) -> list[str]:
    return [CATEGORY_OF_OBJECT[OBJECTS[k]] for k in scene.classes]
