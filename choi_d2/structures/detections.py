"""What another detector found in a picture, joined to a model's classes by name."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from detectron2.structures import Boxes, Instances

from choi_d2.utils import InputError
from choi_d2.utils.said import say

from .joining import near_matches, spelling
from .vocabulary import Vocabulary

if TYPE_CHECKING:
    from detectron2.data import transforms as T

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
        places = class_places(self.names, vocabulary)
        known = places >= 0
        boxes = transform.apply_box(self.boxes[known]).reshape(-1, 4).astype(np.float32)
        instances = Instances(tuple(size))
        instances.pred_boxes = Boxes(torch.from_numpy(boxes))
        instances.pred_boxes.clip(instances.image_size)
        instances.pred_classes = torch.from_numpy(places[known])
        instances.scores = torch.from_numpy(self.scores[known])
        return instances[instances.pred_boxes.nonempty()]


def class_places(names: Iterable[str], vocabulary: Vocabulary) -> np.ndarray:
    """Where the names of detections are in a model.

    Case, spaces and punctuation do not matter, and a person is a human.

    Args:
        names: R names.
        vocabulary: the model's.

    Returns:
        int64 (R,): the class of each name, -1 for what the model does not know.
    """
    place = {spelling(name): index for index, name in enumerate(vocabulary.classes)}
    for name in _HUMANS:
        place.setdefault(name, vocabulary.human_class if vocabulary.human in _HUMANS else -1)
    return np.array([place.get(spelling(name), -1) for name in names], np.int64)


def unknown_names(names: Iterable[str], vocabulary: Vocabulary) -> dict[str, str]:
    """Names of detections that the model does not know, in order, each with what may be meant.

    Args:
        names: of detections.
        vocabulary: the model's.

    Returns:
        name -> the name itself, or "NAME (is it CLASS?)" where a class is nearly called so.
    """
    names = sorted(set(names))
    places = class_places(names, vocabulary)
    unknown = [name for name, place in zip(names, places, strict=True) if place < 0]
    near = dict(near_matches(unknown, vocabulary.classes))
    return {x: f"{x} (is it {near[x]}?)" if x in near else x for x in unknown}


def check_names(names: Iterable[str], vocabulary: Vocabulary, path: object) -> None:
    """Can the classes of a file of detections be joined to a model's?

    Those that the model does not know are said.

    Args:
        names: the different names of the file.
        vocabulary: the model's.
        path: the file, for the message.

    Raises:
        InputError: the model knows none of them; the message has both lists.
    """
    names = sorted(set(names))
    unknown = unknown_names(names, vocabulary)
    if names and len(unknown) == len(names):
        raise InputError(
            f"the model knows none of the detector's {len(names)} classes, {', '.join(names)}; its "
            f"own are {', '.join(vocabulary.classes)}",
            path=path,
            hint="Classes are joined by name: give the detector's the model's names, or say by "
            "INPUT.DETECTIONS.NAMES what the file's ids are of.",
        )
    if unknown:
        message = "%s: boxes of classes that the model does not know are left out: %s"
        say(logger, logging.WARNING, message, path, ", ".join(unknown.values()))
