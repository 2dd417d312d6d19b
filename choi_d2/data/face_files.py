"""The JSON that remembers the faces of a data set's images.

::

    {"detector": "what found them",
     "faces": {"a.png": [{"bbox": [x1, y1, x2, y2], "score": 0.9}, ...], ...}}

File names are relative to the data set's image folder, boxes absolute. An image that is listed
without a face has none; an image that is not listed is one that nobody has looked at.
"""

from __future__ import annotations

import os

from choi_d2.utils import InputError, read_json

from .validation import Problems


def read_face_file(path: str | os.PathLike) -> dict[str, list[dict]]:
    """Read the faces of a data set.

    Returns:
        file name -> ``[{"bbox": [x1, y1, x2, y2], "score": float}, ...]``.

    Raises:
        InputError: the file is missing or not in this format.
    """
    content = read_json(path, dict)
    problems = Problems(path)
    faces = problems.value(content, "faces", dict)
    return {
        image: [
            read_face(face, problems, image=image, where=f"faces[{image!r}][{position}]")
            for position, face in enumerate(_as_list(found, image, path))
        ]
        for image, found in faces.items()
    }


def read_face(face: dict, problems: Problems, *, image: str | int, where: str) -> dict | None:
    """One face, with score 1 where none is given; None where it is broken (and collected)."""
    box = problems.box(face, "bbox", image=image, where=where)
    if box is None:
        return None
    score = 1.0
    if "score" in face:
        score = problems.number(face, "score", image=image, where=where)
    return None if score is None else {"bbox": box, "score": float(score)}


def _as_list(found: object, image: str, path: str | os.PathLike) -> list:
    if not isinstance(found, list):
        raise InputError("expected a list of faces", path=path, image=image, field="faces")
    return found
