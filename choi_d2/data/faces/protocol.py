"""What a face detector is, and what all of them agree on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from choi_d2.utils import InputError

DEFAULT_SCORE_THRESH = 0.5
"""Of detectors that say nothing else, and of faces in files."""


@dataclass(frozen=True, eq=False)
class Faces:
    """The faces of one image, best first.

    F: number of faces.

    Args:
        boxes: float32 (F, 4), (x1, y1, x2, y2) in pixels of the image, inside it.
        scores: float32 (F,), in [0, 1].
    """

    boxes: np.ndarray
    scores: np.ndarray

    @classmethod
    def empty(cls) -> Faces:
        """No face at all."""
        return cls(np.zeros((0, 4), np.float32), np.zeros(0, np.float32))

    @classmethod
    def from_raw(
        cls,
        boxes: np.ndarray,
        scores: np.ndarray,
        image_size: tuple[int, int],
        score_thresh: float,
    ) -> Faces:
        """Make a backend's answer what the protocol promises.

        Boxes are clipped to the image. A box that is then thinner than a pixel, that is not
        finite, or whose score is below ``score_thresh``, is dropped.

        Args:
            boxes: (F, 4) or empty, any number type, XYXY in pixels.
            scores: (F,) or empty.
            image_size: (height, width).
            score_thresh: the lowest score that is kept.
        """
        boxes = np.array(boxes, np.float32).reshape(-1, 4)
        scores = np.array(scores, np.float32).reshape(-1)
        finite = np.isfinite(boxes).all(axis=1) & np.isfinite(scores)
        boxes, scores = boxes[finite], scores[finite]
        height, width = image_size
        boxes[:, 0::2] = boxes[:, 0::2].clip(0, width)
        boxes[:, 1::2] = boxes[:, 1::2].clip(0, height)
        thick = (boxes[:, 2:] - boxes[:, :2] >= 1).all(axis=1)
        # In float32, like the scores: a score of exactly the threshold stays.
        keep = np.flatnonzero(thick & (scores >= np.float32(score_thresh)))
        keep = keep[np.argsort(-scores[keep], kind="stable")]
        return cls(boxes[keep], scores[keep])

    def __len__(self) -> int:
        return len(self.boxes)

    def to_records(self) -> list[dict]:
        """As a dataset record's ``faces``: ``[{"bbox": [x1, y1, x2, y2], "score": float}]``."""
        return [
            {"bbox": [round(float(x), 2) for x in box], "score": round(float(score), 6)}
            for box, score in zip(self.boxes, self.scores, strict=True)
        ]


class FaceDetector(Protocol):
    """Finds the faces of an image.

    ``name`` is what ``INPUT.FACES.DETECTOR`` calls it; ``description`` is the name and every
    setting that changes its answers.
    """

    name: str
    description: str

    def __call__(self, image_bgr: np.ndarray, *, file_name: str | None = None) -> Faces:
        """Find faces.

        Args:
            image_bgr: uint8 (H, W, 3), BGR.
            file_name: where the image comes from. Only ``file`` needs it; the others name the
                image with it when they complain.

        Raises:
            InputError: the image is not uint8 (H, W, 3), or is empty.
        """


class NoFaceDetector:
    """The ``none`` backend: knows of no face."""

    name = description = "none"

    def __call__(self, image_bgr: np.ndarray, *, file_name: str | None = None) -> Faces:
        """No faces; see :class:`FaceDetector`."""
        check_image(image_bgr, file_name)
        return Faces.empty()


def check_image(image_bgr: np.ndarray, file_name: str | None) -> None:
    """Refuse what is not a BGR photo.

    Grayscale, four-channel and float images are errors rather than guesses: a float image may be
    in [0, 1] or [0, 255], and the fourth channel may be anything.

    Raises:
        InputError: ``image_bgr`` is not uint8 (H, W, 3) with H, W >= 1.
    """
    if not isinstance(image_bgr, np.ndarray):
        found = type(image_bgr).__name__
    elif image_bgr.dtype != np.uint8 or image_bgr.ndim != 3 or image_bgr.shape[2] != 3:
        found = f"{image_bgr.dtype} {image_bgr.shape}"
    elif image_bgr.size == 0:
        found = f"an empty image {image_bgr.shape}"
    else:
        return
    raise InputError(
        f"expected a BGR image as a uint8 array (H, W, 3), found {found}",
        image=file_name,
        hint="choi_d2.pictures.read_picture(path) reads a file.",
    )
