"""The synthetic scenes: with their faces, and in HOIW's format with the masks that it lacks."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from choi_d2.data.faces import load_face_cache
from choi_d2.utils import InputError, read_json

from .hoiw import load_hoiw_json


def load_synthetic_hoiw(
    json_file: str | os.PathLike, image_root: str | os.PathLike, faces_file: str | os.PathLike
) -> list[dict]:
    """Load a split that :mod:`choi_d2.synthetic` has written.

    Args:
        json_file: ``{split}.json``; its masks are in ``{split}_masks.json`` beside it.
        image_root: the folder of the images.
        faces_file: ``{split}_faces.json``, or ``{split}_faces_noisy.json``.

    Returns:
        Records as of :func:`load_hoiw_json`, with ``segmentation`` (run lengths) and ``faces``.

    Raises:
        InputError: a file is missing or broken, or the files do not belong together.
    """
    json_file = Path(json_file)
    masks_file = json_file.with_name(f"{json_file.stem}_masks.json")
    records = load_with_faces(faces_file, load_hoiw_json, json_file, image_root)
    masks = {entry["file_name"]: entry["segmentations"] for entry in read_json(masks_file, list)}
    for record in records:
        name = record["image_id"]
        segmentations = masks.get(name, [])
        if len(segmentations) != len(record["annotations"]):
            raise InputError(
                f"expected {len(record['annotations'])} masks, one for each instance",
                path=masks_file,
                image=name,
                hint="Write the data set anew: its files are not of one run.",
            )
        for annotation, segmentation in zip(record["annotations"], segmentations, strict=True):
            annotation["segmentation"] = segmentation
    return records


def load_with_faces(
    faces_file: str | os.PathLike, loader: Callable[..., list[dict]], *arguments
) -> list[dict]:
    """Load a split, and its faces.

    Args:
        faces_file: a JSON as of :mod:`choi_d2.data.faces.cache`, its images without folder.
        loader, arguments: give the records.

    Raises:
        InputError: a file is missing or broken, or an image has no list of faces.
    """
    records = loader(*arguments)
    faces = load_face_cache(faces_file)
    for record in records:
        name = Path(record["file_name"]).name
        if name not in faces:
            raise InputError(
                "expected a list of faces, if only an empty one",
                path=faces_file,
                image=name,
                hint="Write the data set anew: its files are not of one run.",
            )
        record["faces"] = faces[name]
    return records
