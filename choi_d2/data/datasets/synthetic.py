"""The synthetic scenes in HOIW's format, with the masks and faces that HOIW itself lacks."""

from __future__ import annotations

import os
from pathlib import Path

from choi_d2.data.faces import load_face_cache
from choi_d2.utils import InputError, read_json

from .hoiw import load_hoiw_json


def load_synthetic_hoiw(
    json_file: str | os.PathLike, image_root: str | os.PathLike, faces_file: str | os.PathLike
) -> list[dict]:
    """Load a split that :mod:`choi_d2.data.synthetic` has written.

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
    records = load_hoiw_json(json_file, image_root)
    masks = {entry["file_name"]: entry["segmentations"] for entry in read_json(masks_file, list)}
    faces = load_face_cache(faces_file)
    for record in records:
        name = record["image_id"]
        segmentations = masks.get(name, [])
        if len(segmentations) != len(record["annotations"]) or name not in faces:
            raise InputError(
                f"expected {len(record['annotations'])} masks, one for each instance, and a list "
                f"of faces in {faces_file}",
                path=masks_file,
                image=name,
                hint="Write the data set anew: its files are not of one run.",
            )
        for annotation, segmentation in zip(record["annotations"], segmentations, strict=True):
            annotation["segmentation"] = segmentation
        record["faces"] = faces[name]
    return records
