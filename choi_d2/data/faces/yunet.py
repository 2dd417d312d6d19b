"""Faces by YuNet, which OpenCV runs: the code is OpenCV's, the model a local ONNX file."""

from __future__ import annotations

import os

import cv2
import numpy as np

from choi_d2.utils import InputError

from .model_files import YUNET_OUTPUTS, describe, find_yunet, output_names
from .protocol import Faces, check_image
from .working_size import LONGEST_SIDE, to_working_size

# At 0.5 every seventh face on photos is none (docs/faces.md).
SCORE_THRESH = 0.7
NMS_THRESHOLD = 0.45
TOP_K = 5000


class YuNetFaceDetector:
    """The ``yunet`` backend: small and fast, on the CPU.

    Args:
        model_file: YuNet as a local ONNX file; "": as
            :func:`~choi_d2.data.faces.model_files.find_yunet` finds one.
        score_thresh: faces with a lower score are not returned.

    Raises:
        InputError: there is no such file, or it is not YuNet.
    """

    name = "yunet"

    def __init__(self, model_file: str | os.PathLike = "", score_thresh: float = SCORE_THRESH):
        path = find_yunet(model_file)
        if output_names(path) != YUNET_OUTPUTS:
            raise InputError(
                "face detector 'yunet': expected YuNet as OpenCV 4.8 and newer take it, found "
                "another model or a damaged file",
                path=path,
                hint="The file is face_detection_yunet_2023mar.onnx of OpenCV's model zoo.",
            )
        self.score_thresh = score_thresh
        size = (LONGEST_SIDE, LONGEST_SIDE)
        self._model = cv2.FaceDetectorYN.create(
            str(path), "", size, score_thresh, NMS_THRESHOLD, TOP_K
        )
        self.description = (
            f"yunet {describe(path)}, longest side {LONGEST_SIDE}, score >= {score_thresh:g}"
        )

    def __call__(self, image_bgr: np.ndarray, *, file_name: str | None = None) -> Faces:
        """Find faces; see :class:`~choi_d2.data.faces.FaceDetector`."""
        check_image(image_bgr, file_name)
        image, back = to_working_size(image_bgr)
        self._model.setInputSize((image.shape[1], image.shape[0]))
        _, found = self._model.detect(image)
        if found is None:
            return Faces.empty()
        # x, y, width, height, ten numbers of landmarks, score.
        # A size may overflow.
        found = found[np.isfinite(found).all(axis=1)]
        boxes = found[:, :4].copy()
        boxes[:, 2:] += boxes[:, :2]
        return Faces.from_raw(boxes * back, found[:, 14], image_bgr.shape[:2], self.score_thresh)
