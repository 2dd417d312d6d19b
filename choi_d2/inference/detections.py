"""Whose detections are whose, where another detector's boxes take the place of the model's own."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence

from detectron2.data import transforms as T
from detectron2.structures import Instances
from detectron2.utils.logger import log_first_n

from choi_d2.structures import Detections, Vocabulary
from choi_d2.structures.detections import unknown_names
from choi_d2.utils import InputError

from .sources import Picture

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


def given_instances(
    detections: Detections, vocabulary: Vocabulary, transform: T.Transform, size: Sequence[int]
) -> Instances:
    """:meth:`Detections.as_instances`, and each class that the model does not know is said once."""
    for name in unknown_names(detections.names, vocabulary).values():
        words = f"detections: boxes of a class that the model does not know are left out: {name}"
        log_first_n(logging.WARNING, words, name=__name__, key="message")
    return detections.as_instances(vocabulary, transform, size)
