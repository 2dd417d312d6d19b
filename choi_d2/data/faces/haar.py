"""Faces by OpenCV's Haar cascade: weak, but always at hand."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from choi_d2.utils import InputError

from .protocol import DEFAULT_SCORE_THRESH, Faces, check_image

CASCADE = "haarcascade_frontalface_alt2.xml"
# The cascade's last stage accepts a window from this sum of votes on (its stageThreshold).
LAST_STAGE_THRESHOLD = 53.755569458
# Photos are shrunk to this: at full size it finds a little more, and many faces that are none.
LONGEST_SIDE = 640
# Windows that must agree, and more. At OpenCV's 3, a football was a face.
MIN_NEIGHBORS = 5
SCALE_FACTOR = 1.1


class HaarFaceDetector:
    """The ``haar`` backend: frontal faces, from about 20 pixels at longest side 640 on.

    A score is sigmoid(v - v0), with v the votes in the last stage and v0 what that stage asks
    for. So it lies in [0.5, 1), and the default threshold of 0.5 takes all that the cascade
    accepts. The scores order faces; they are not probabilities.

    Args:
        score_thresh: faces with a lower score are not returned.

    Raises:
        InputError: this OpenCV has no cascades (OpenCV 5, or a build without its data).
    """

    name = "haar"

    def __init__(self, score_thresh: float = DEFAULT_SCORE_THRESH):
        self.score_thresh = score_thresh
        self.description = f"haar {CASCADE}, longest side {LONGEST_SIDE}, score >= {score_thresh:g}"
        self._cascade = _load_cascade()

    def __call__(self, image_bgr: np.ndarray, *, file_name: str | None = None) -> Faces:
        """Find faces; see :class:`~choi_d2.data.faces.FaceDetector`."""
        check_image(image_bgr, file_name)
        height, width = image_bgr.shape[:2]
        scale = min(1.0, LONGEST_SIDE / max(height, width))
        small = (max(1, round(width * scale)), max(1, round(height * scale)))
        gray = cv2.cvtColor(np.ascontiguousarray(image_bgr), cv2.COLOR_BGR2GRAY)
        gray = cv2.equalizeHist(cv2.resize(gray, small, interpolation=cv2.INTER_AREA))
        xywh, _, votes = self._cascade.detectMultiScale3(
            gray, scaleFactor=SCALE_FACTOR, minNeighbors=MIN_NEIGHBORS, outputRejectLevels=True
        )
        # Nothing found: OpenCV hands out empty tuples.
        boxes = np.array(xywh, np.float32).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]
        boxes[:, 0::2] *= width / small[0]
        boxes[:, 1::2] *= height / small[1]
        margins = np.array(votes, np.float64).reshape(-1) - LAST_STAGE_THRESHOLD
        # The votes come as rounded sums, so a window that just passed may be a hair below zero.
        scores = 1 / (1 + np.exp(-margins.clip(min=0)))
        return Faces.from_raw(boxes, scores, (height, width), self.score_thresh)


def _load_cascade() -> cv2.CascadeClassifier:
    hint = "pip install 'opencv-python<5', or choose another INPUT.FACES.DETECTOR."
    if not hasattr(cv2, "CascadeClassifier") or not hasattr(cv2, "data"):
        raise InputError(
            f"face detector 'haar': OpenCV {cv2.__version__} has no Haar cascades", hint=hint
        )
    path = Path(cv2.data.haarcascades, CASCADE)
    cascade = cv2.CascadeClassifier(str(path)) if path.is_file() else None
    if cascade is None or cascade.empty():
        raise InputError("face detector 'haar': no such cascade", path=path, hint=hint)
    return cascade
