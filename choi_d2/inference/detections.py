"""Whose detections are whose, where another detector's boxes take the place of the model's own."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence

from choi_d2.structures import Detections
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
