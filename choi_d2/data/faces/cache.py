"""The faces of a data set as a JSON file, and the detector that looks them up there.

::

    {"detector": "haar ...",
     "faces": {"images/a.png": [{"bbox": [x1, y1, x2, y2], "score": 0.9}], "images/b.png": []}}

File names are relative to the image root, with forward slashes. Boxes are in pixels of the image.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from choi_d2.utils import InputError, read_json, write_json

from .protocol import DEFAULT_SCORE_THRESH, Faces, check_image


def load_face_cache(path: str | os.PathLike) -> dict[str, list[dict]]:
    """Read a cache's faces.

    Returns:
        file name relative to the image root -> ``[{"bbox": [x1, y1, x2, y2], "score": float}]``.
        An image without faces has an empty list; one that is not there is unknown.

    Raises:
        InputError: as :func:`read_face_cache`.
    """
    return read_face_cache(path)[1]


def read_face_cache(path: str | os.PathLike) -> tuple[str, dict[str, list[dict]]]:
    """Read a cache.

    Returns:
        the ``description`` of the detector, and the faces as :func:`load_face_cache` has them.

    Raises:
        InputError: the file is missing or no JSON, or something in it is not as the layout says;
            the message names the file, the image and the field.
    """
    content = read_json(path, dict)
    detector, images = content.get("detector"), content.get("faces")
    if not isinstance(detector, str):
        raise InputError(f"expected a string, found {detector!r}", path=path, field="detector")
    if not isinstance(images, dict):
        raise InputError(
            f"expected an object with a list for each image, found {_short(images)}",
            path=path,
            field="faces",
        )
    return detector, {
        _check_name(name, path): _check_faces(faces, path, name) for name, faces in images.items()
    }


def save_face_cache(
    path: str | os.PathLike, faces: Mapping[str, Sequence[Mapping]], detector: str
) -> None:
    """Write a cache, whole or not at all.

    Args:
        path: the file to write.
        faces: as :func:`load_face_cache` returns it.
        detector: the detector's ``description``.

    Raises:
        InputError: ``faces`` is not something that could be read again.
    """
    checked = {
        _check_name(name, path): _check_faces(list(faces[name]), path, name)
        for name in sorted(faces)
    }
    write_json(path, {"detector": detector, "faces": checked})


class FileFaceDetector:
    """The ``file`` backend: looks faces up in caches, by file name.

    An image is found under the longest end of its path that a cache has:
    ``/data/hoiw/images/a.png`` under ``images/a.png``, or else under ``a.png``.

    Args:
        paths: the caches. An image may be in several of them if its faces are the same.
        score_thresh: faces with a lower score are not returned.

    Raises:
        InputError: no file is given, one is broken, or two disagree about an image.
    """

    name = "file"

    def __init__(
        self, paths: Sequence[str | os.PathLike], score_thresh: float = DEFAULT_SCORE_THRESH
    ):
        if not paths:
            raise InputError(
                "face detector 'file': no file is given",
                hint="Set INPUT.FACES.FILES to ('name=faces.json',); `choi faces` writes "
                "such files.",
            )
        self.paths = [str(path) for path in paths]
        self.score_thresh = score_thresh
        self.description = f"file {', '.join(self.paths)}, score >= {score_thresh:g}"
        self._faces: dict[str, list[dict]] = {}
        for path in self.paths:
            for name, faces in load_face_cache(path).items():
                if self._faces.setdefault(name, faces) != faces:
                    raise InputError(
                        "has other faces in another of INPUT.FACES.FILES",
                        path=path,
                        image=name,
                        hint="Give only one of the files.",
                    )

    def __call__(self, image_bgr: np.ndarray, *, file_name: str | None = None) -> Faces:
        """Look faces up; see :class:`~choi_d2.data.faces.FaceDetector`.

        Raises:
            InputError: also where there is no ``file_name``, or no cache has it.
        """
        check_image(image_bgr, file_name)
        if file_name is None:
            raise InputError("face detector 'file': needs the image's file name, found none")
        parts = Path(file_name).parts
        for start in range(len(parts)):
            faces = self._faces.get("/".join(parts[start:]))
            if faces is not None:
                return Faces.from_raw(
                    np.array([face["bbox"] for face in faces]),
                    np.array([face["score"] for face in faces]),
                    image_bgr.shape[:2],
                    self.score_thresh,
                )
        raise InputError(
            "face detector 'file': its faces are not in the file",
            path=", ".join(self.paths),
            image=file_name,
            hint="Run `choi faces` on it, or choose another INPUT.FACES.DETECTOR.",
        )


def _check_name(name: str, path: str | os.PathLike) -> str:
    pure = PurePosixPath(name)
    if not name or pure.is_absolute() or ".." in pure.parts or str(pure) != name:
        raise InputError(
            f"expected file names relative to the image root, such as 'a.png', found {name!r}",
            path=path,
            field="faces",
        )
    return name


def _check_faces(faces: object, path: str | os.PathLike, name: str) -> list[dict]:
    if not isinstance(faces, list):
        raise InputError(
            f"expected a list, found {_short(faces)}", path=path, image=name, field="faces"
        )
    return [_check_face(face, path, name, f"faces[{i}]") for i, face in enumerate(faces)]


def _check_face(face: object, path: str | os.PathLike, name: str, field: str) -> dict:
    def fail(expected: str, found: object, subfield: str = "") -> InputError:
        problem = f"expected {expected}, found {_short(found)}"
        return InputError(problem, path=path, image=name, field=field + subfield)

    if not isinstance(face, Mapping):
        raise fail("an object with 'bbox' and 'score'", face)
    bbox, score = face.get("bbox"), face.get("score")
    if not (isinstance(bbox, list | tuple) and len(bbox) == 4 and all(map(_is_number, bbox))):
        raise fail("four finite numbers [x1, y1, x2, y2]", bbox, ".bbox")
    if bbox[2] <= bbox[0] or bbox[3] <= bbox[1]:
        raise fail("[x1, y1, x2, y2] with x2 > x1 and y2 > y1", bbox, ".bbox")
    if not (_is_number(score) and 0 <= score <= 1):
        raise fail("a number from 0 to 1", score, ".score")
    return {"bbox": [float(x) for x in bbox], "score": float(score)}


def _is_number(value: object) -> bool:
    # A range, not math.isfinite: JSON's integers may be too long for a float.
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9


def _short(value: object) -> str:
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
