"""Faces of an image: one protocol, and six sources.

These are insightface, yunet, centerface, haar, file and none.
"""

from .cache import FileFaceDetector, load_face_cache, read_face_cache, save_face_cache
from .factory import build_face_detector
from .protocol import DEFAULT_SCORE_THRESH, FaceDetector, Faces, NoFaceDetector

__all__ = [
    "DEFAULT_SCORE_THRESH",
    "FaceDetector",
    "Faces",
    "FileFaceDetector",
    "NoFaceDetector",
    "build_face_detector",
    "load_face_cache",
    "read_face_cache",
    "save_face_cache",
]
