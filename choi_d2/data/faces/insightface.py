"""Faces by insightface's detectors (SCRFD, RetinaFace) from a local ONNX file.

insightface's code is free to use; the models that its authors trained are for non-commercial
research only. Nothing is downloaded here.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
from pathlib import Path

import cv2
import numpy as np

from choi_d2.utils import InputError

from .protocol import DEFAULT_SCORE_THRESH, Faces, check_image

INPUT_SIZE = (640, 640)
# Outputs that insightface can decode: scores and boxes (and landmarks) of 3 or 5 strides.
DETECTOR_OUTPUTS = (6, 9, 10, 15)
MAX_ASPECT_RATIO = 16


class InsightFaceDetector:
    """The ``insightface`` backend, on the CPU.

    Args:
        model_file: a detection model as a local ONNX file, e.g. ``det_10g.onnx``.
        score_thresh: faces with a lower score are not returned.

    Raises:
        InputError: the package or the file is missing, or the file is not a face detector.
    """

    name = "insightface"

    def __init__(self, model_file: str | os.PathLike, score_thresh: float = DEFAULT_SCORE_THRESH):
        missing = why_unavailable(model_file)
        if missing is not None:
            raise missing
        path = Path(model_file).expanduser()
        self.score_thresh = score_thresh
        self._model = _load_model(path)
        self._model.prepare(ctx_id=-1, input_size=INPUT_SIZE, det_thresh=score_thresh)
        width, height = self._model.input_size
        digest = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
        self.description = (
            f"insightface {path.name} ({digest}), {width} x {height}, score >= {score_thresh:g}"
        )

    def __call__(self, image_bgr: np.ndarray, *, file_name: str | None = None) -> Faces:
        """Find faces; see :class:`~choi_d2.data.faces.FaceDetector`."""
        check_image(image_bgr, file_name)
        detections, _ = self._model.detect(_pad_strip(np.ascontiguousarray(image_bgr)))
        return Faces.from_raw(
            detections[:, :4], detections[:, 4], image_bgr.shape[:2], self.score_thresh
        )


def why_unavailable(model_file: str | os.PathLike) -> InputError | None:
    """What keeps insightface from being used, or None. Imports nothing and needs no network."""
    path = Path(model_file).expanduser()
    hint = (
        "Set INPUT.FACES.MODEL_FILE to a local ONNX file of a face detector (docs/faces.md says "
        "where from), or choose another INPUT.FACES.DETECTOR."
    )
    if importlib.util.find_spec("insightface") is None:
        return InputError(
            "face detector 'insightface': the package insightface is not installed",
            hint="pip install insightface 'opencv-python<5', or choose another "
            "INPUT.FACES.DETECTOR.",
        )
    if not str(model_file):
        return InputError("face detector 'insightface': no model file is given", hint=hint)
    # Anything that does not end like this, insightface takes for the name of a model package.
    if path.suffix != ".onnx":
        return InputError(
            "face detector 'insightface': expected a file that ends in .onnx", path=path, hint=hint
        )
    if not path.is_file():
        return InputError("face detector 'insightface': no such file", path=path, hint=hint)
    return None


def _load_model(path: Path):
    try:
        from insightface.model_zoo import get_model
    except ImportError as error:
        raise InputError(
            f"face detector 'insightface': the package cannot be imported ({error})",
            hint="pip install insightface onnxruntime 'opencv-python<5'.",
        ) from error
    try:
        model = get_model(str(path), providers=["CPUExecutionProvider"], download=False)
    except Exception as error:  # ONNX Runtime's own errors have no common base class
        raise InputError(
            f"face detector 'insightface': not a model that ONNX Runtime can load ({error})",
            path=path,
            hint="Was the file copied whole?",
        ) from error
    is_detector = getattr(model, "taskname", None) == "detection"
    if not is_detector or len(model.output_names) not in DETECTOR_OUTPUTS:
        raise InputError(
            "face detector 'insightface': expected a face detection model "
            f"({', '.join(map(str, DETECTOR_OUTPUTS))} outputs), found another model",
            path=path,
            hint="In a model package, it is the file whose name starts with 'det_'.",
        )
    return model


def _pad_strip(image: np.ndarray) -> np.ndarray:
    """Pad a very narrow or flat image at its right or bottom; boxes stay where they are.

    insightface truncates the size that it scales an image to: a side that becomes a few pixels
    bends the boxes, and one that becomes 0 is a crash.
    """
    height, width = image.shape[:2]
    shortest = -(-max(height, width) // MAX_ASPECT_RATIO)
    bottom, right = max(0, shortest - height), max(0, shortest - width)
    if not bottom and not right:
        return image
    return cv2.copyMakeBorder(image, 0, bottom, 0, right, cv2.BORDER_CONSTANT, value=(0, 0, 0))
