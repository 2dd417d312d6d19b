"""The synthetic scenes in HOIW's released format, with a file of masks beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from choi_d2.categories.hoiw import OBJECTS, VERBS

from .formats import run_lengths, stem_at
from .scene import Scene


class HOIWFormat:
    """See the package's docstring."""

    name = "hoiw"

    def image_files(self, split: str, stem: str) -> list[str]:
        """The photo."""
        return [f"images/{split}/{stem}.jpg"]

    def label_maps(self, scene: Scene) -> list[np.ndarray]:
        """None: the masks are in a JSON."""
        return []

    def annotate(self, scene: Scene, split: str, index: int) -> dict[str, Any]:
        """The entries of an image in the annotations and in the masks."""
        name = f"{stem_at(split, index)}.jpg"
        height, width = scene.image.shape[:2]
        return {
            "hoiw": {
                "file_name": name,
                "annotations": [
                    {"bbox": [int(v) for v in box], "category_id": str(int(k) + 1)}
                    for box, k in zip(scene.boxes, scene.classes, strict=True)
                ],
                "hoi_annotation": [
                    {
                        "subject_id": human,
                        "object_id": thing,
                        "category_id": VERBS.index(verb) + 1,
                    }
                    for (human, thing), verbs in sorted(scene.pairs.items())
                    for verb in verbs
                ],
            },
            "masks": {
                "file_name": name,
                "height": height,
                "width": width,
                "segmentations": run_lengths(scene),
            },
            "instances": [OBJECTS[k] for k in scene.classes],
            "triplets": [verb for verbs in scene.pairs.values() for verb in verbs],
        }

    def annotation_files(self, rows: Mapping[str, Sequence[dict[str, Any]]]) -> dict[str, Any]:
        """``{split}.json`` and ``{split}_masks.json``."""
        files = {}
        for split, entries in rows.items():
            files[f"{split}.json"] = [entry["hoiw"] for entry in entries]
            files[f"{split}_masks.json"] = [entry["masks"] for entry in entries]
        return files
