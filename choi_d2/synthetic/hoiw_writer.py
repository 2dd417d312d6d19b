"""The synthetic scenes in HOIW's released format, with a file of masks beside it.

Fully annotated, and sparsely: only what takes part in an interaction, as in HOIW itself.
"""

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
        """The entries of an image in the annotations and in the masks, full and sparse."""
        codes = run_lengths(scene)
        everything = range(len(codes))
        in_pairs = sorted({instance for pair in scene.pairs for instance in pair})
        name = f"{stem_at(split, index)}.jpg"
        return {
            "full": _entries(scene, name, codes, everything),
            "sparse": _entries(scene, name, codes, in_pairs),
            "instances": [OBJECTS[k] for k in scene.classes],
            "triplets": [verb for verbs in scene.pairs.values() for verb in verbs],
        }

    def annotation_files(self, rows: Mapping[str, Sequence[dict[str, Any]]]) -> dict[str, Any]:
        """``{split}.json``, ``{split}_masks.json``, and ``{split}_sparse`` likewise."""
        files = {}
        for split, entries in rows.items():
            for stem, kind in ((split, "full"), (f"{split}_sparse", "sparse")):
                files[f"{stem}.json"] = [entry[kind][0] for entry in entries]
                files[f"{stem}_masks.json"] = [entry[kind][1] for entry in entries]
        return files


def _entries(
    scene: Scene, name: str, codes: Sequence[dict[str, Any]], instances: Sequence[int]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """An image in the annotations and in the masks, with some of its instances."""
    height, width = scene.image.shape[:2]
    place = {instance: position for position, instance in enumerate(instances)}
    annotations = {
        "file_name": name,
        "annotations": [
            {
                "bbox": [int(v) for v in scene.boxes[i]],
                "category_id": str(int(scene.classes[i]) + 1),
            }
            for i in instances
        ],
        "hoi_annotation": [
            {
                "subject_id": place[human],
                "object_id": place[thing],
                "category_id": VERBS.index(verb) + 1,
            }
            for (human, thing), verbs in sorted(scene.pairs.items())
            for verb in verbs
        ],
    }
    masks = {
        "file_name": name,
        "height": height,
        "width": width,
        "segmentations": [codes[i] for i in instances],
    }
    return annotations, masks
