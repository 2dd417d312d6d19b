"""Another detector's boxes in the place of the model's own, joined to its classes by name."""

from __future__ import annotations

import logging
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from detectron2.data import transforms as T
from detectron2.structures import Boxes, Instances

from choi_d2.structures import Vocabulary
from choi_d2.structures.joining import near_matches, spelling
from choi_d2.utils import InputError, read_json

from .sources import Picture

logger = logging.getLogger(__name__)

# Data sets call a person either.
_HUMANS = {"person", "human"}


@dataclass(frozen=True, eq=False)
class Detections:
    """What a detector found in one picture.

    Attributes:
        boxes: float32 (R, 4), x1 y1 x2 y2 in the picture's pixels.
        names: the class name of each.
        scores: float32 (R,), in [0, 1].
    """

    boxes: np.ndarray
    names: Sequence[str]
    scores: np.ndarray

    def __post_init__(self):
        """Check shapes.

        Raises:
            InputError: they do not belong together, or are no numbers.
        """
        count = len(self.names)
        for name, shape in (("boxes", (count, 4)), ("scores", (count,))):
            array = np.asarray(getattr(self, name), np.float32).reshape(-1, *shape[1:])
            if array.shape != shape or not np.isfinite(array).all():
                raise InputError(
                    f"expected {shape} finite numbers for {count} names, found {array.shape}",
                    field=f"detections.{name}",
                )
            object.__setattr__(self, name, array)

    @classmethod
    def from_instances(cls, instances: Instances, names: Sequence[str]) -> Detections:
        """From a Detectron2 model's output.

        Args:
            instances: with ``pred_boxes``, ``pred_classes`` and ``scores``, in the picture's
                pixels.
            names: of the detector's classes.
        """
        return cls(
            instances.pred_boxes.tensor.cpu().numpy(),
            [names[index] for index in instances.pred_classes.tolist()],
            instances.scores.cpu().numpy(),
        )

    def as_instances(
        self, vocabulary: Vocabulary, transform: T.Transform, size: Sequence[int]
    ) -> Instances:
        """What a model takes, in the frame of its resized image.

        Boxes of classes that the model does not know are left out.

        Args:
            vocabulary: the model's.
            transform: from the picture to the resized image.
            size: (height, width) of the resized image.
        """
        places = _places(self.names, vocabulary)
        known = places >= 0
        boxes = transform.apply_box(self.boxes[known]).reshape(-1, 4).astype(np.float32)
        instances = Instances(tuple(size))
        instances.pred_boxes = Boxes(torch.from_numpy(boxes))
        instances.pred_boxes.clip(instances.image_size)
        instances.pred_classes = torch.from_numpy(places[known])
        instances.scores = torch.from_numpy(self.scores[known])
        return instances[instances.pred_boxes.nonempty()]


DetectionSource = Callable[[Picture], Detections] | Mapping[str, Detections] | Sequence[Detections]


def detections_of(source: DetectionSource, picture: Picture, number: int) -> Detections:
    """The detections of one picture.

    Args:
        source: a function, a mapping from file names (whole, or without folder), or a sequence.
        picture: whose.
        number: of the picture, from 0.

    Raises:
        InputError: there are none for this picture; an empty :class:`Detections` says that nothing
            was found.
    """
    if callable(source):
        return source(picture)
    if isinstance(source, Mapping):
        keys = (picture.file_name, os.path.basename(picture.file_name or ""), picture.name)
        found = next((source[key] for key in keys if key in source), None)
    else:
        found = source[number] if number < len(source) else None
    if found is None:
        raise InputError(
            f"no detections for it, among those of {len(source)} pictures",
            image=picture.file_name or picture.name,
            field="detections",
            hint="Give an empty list of boxes where nothing was found.",
        )
    return found


def read_coco_results(
    results_file: str | os.PathLike, annotation_file: str | os.PathLike
) -> dict[str, Detections]:
    """Read what detectors write for COCO's evaluation.

    Args:
        results_file: JSON list of ``{"image_id", "category_id", "bbox": [x, y, width, height],
            "score"}``.
        annotation_file: JSON with the ``images`` and ``categories`` that the ids are of.

    Returns:
        file name without folder -> detections; an image without any has an empty entry.

    Raises:
        InputError: a file is broken, or an id is in the results alone.
    """
    content = read_json(annotation_file, dict)
    names = {c["id"]: c["name"] for c in _entries(content, "categories", annotation_file)}
    files = {i["id"]: i["file_name"] for i in _entries(content, "images", annotation_file)}
    rows: dict[Any, list[tuple]] = defaultdict(list)
    for position, entry in enumerate(read_json(results_file, list)):
        where = f"[{position}]"
        for key, known in (("image_id", files), ("category_id", names)):
            if not isinstance(entry, dict) or entry.get(key) not in known:
                found = entry.get(key) if isinstance(entry, dict) else entry
                raise InputError(
                    f"{found!r} is not in {Path(annotation_file).name}",
                    path=results_file,
                    field=f"{where}.{key}",
                )
        try:
            x, y, width, height = (float(side) for side in entry["bbox"])
            score = float(entry["score"])
        except (KeyError, TypeError, ValueError):
            raise InputError(
                "expected 'bbox' as four numbers and 'score' as one", path=results_file, field=where
            ) from None
        box = (x, y, x + width, y + height)
        rows[entry["image_id"]].append((box, names[entry["category_id"]], score))
    detections = {}
    for image_id, file_name in files.items():
        boxes, labels, scores = zip(*rows[image_id]) if rows[image_id] else ((), (), ())
        detections[os.path.basename(file_name)] = Detections(
            np.array(boxes, np.float32).reshape(-1, 4), labels, np.array(scores, np.float32)
        )
    return detections


def _entries(content: Mapping, key: str, path: str | os.PathLike) -> list[Mapping]:
    entries = content.get(key)
    needed = {"id", "name" if key == "categories" else "file_name"}
    if not isinstance(entries, list) or not all(
        isinstance(x, Mapping) and needed <= x.keys() for x in entries
    ):
        raise InputError(f"expected a list of objects with {sorted(needed)}", path=path, field=key)
    return entries


_said: set[tuple[str, ...]] = set()


def _places(names: Sequence[str], vocabulary: Vocabulary) -> np.ndarray:
    """int64 (R,): the class of each name, -1 for what the model does not know, which is said."""
    place = {spelling(name): index for index, name in enumerate(vocabulary.classes)}
    for name in _HUMANS:
        place.setdefault(name, vocabulary.human_class if vocabulary.human in _HUMANS else -1)
    places = np.array([place.get(spelling(name), -1) for name in names], np.int64)
    unknown = Counter(name for name, index in zip(names, places, strict=True) if index < 0)
    key = tuple(sorted(unknown))
    if unknown and key not in _said:
        _said.add(key)
        close = "; ".join(f"{a} (is it {b}?)" for a, b in near_matches(key, vocabulary.classes))
        logger.warning(
            "detections: classes that the model does not know are left out: %s%s",
            ", ".join(key),
            f". {close}" if close else "",
        )
    return places
