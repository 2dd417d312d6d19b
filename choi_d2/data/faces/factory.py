"""From INPUT.FACES to a face detector."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from detectron2.config import CfgNode

from choi_d2.utils import InputError

from .cache import FileFaceDetector
from .centerface import CenterFaceDetector
from .haar import HaarFaceDetector
from .insightface import InsightFaceDetector, why_unavailable
from .model_files import (
    CENTERFACE_OUTPUTS,
    YUNET_OUTPUTS,
    find_centerface,
    find_yunet,
    output_names,
)
from .protocol import FaceDetector, NoFaceDetector
from .yunet import YuNetFaceDetector

logger = logging.getLogger(__name__)


def build_face_detector(cfg: CfgNode) -> FaceDetector:
    """Build the detector that ``cfg.INPUT.FACES`` asks for.

    ``auto`` takes the detector whose model ``MODEL_FILE`` is, or else the first of yunet,
    centerface, haar and file that is there, else none, and logs which.

    Args:
        cfg: the full config.

    Raises:
        InputError: ``DETECTOR`` is not a known name, or what it names cannot be built.
    """
    faces = cfg.INPUT.FACES
    name = faces.DETECTOR
    if name == "auto":
        detector = _first_available(cfg)
        logger.info("Face detector (auto): %s", detector.description)
        return detector
    if name == "insightface":
        return InsightFaceDetector(faces.MODEL_FILE, faces.SCORE_THRESH)
    if name == "yunet":
        return YuNetFaceDetector(faces.MODEL_FILE, faces.SCORE_THRESH)
    if name == "centerface":
        return CenterFaceDetector(faces.MODEL_FILE, faces.SCORE_THRESH)
    if name == "haar":
        return HaarFaceDetector(faces.SCORE_THRESH)
    if name == "file":
        return FileFaceDetector(list(face_files(faces.FILES).values()), faces.SCORE_THRESH)
    if name == "none":
        return NoFaceDetector()
    raise InputError(
        f"expected auto, insightface, yunet, centerface, haar, file or none, found {name!r}",
        field="INPUT.FACES.DETECTOR",
    )


def face_files(entries: Sequence[str]) -> dict[str, str]:
    """Parse ``INPUT.FACES.FILES``.

    Args:
        entries: ``"name=path"`` strings.

    Returns:
        data set name -> path of its face cache.

    Raises:
        InputError: an entry is not like that, or a name occurs twice.
    """
    files: dict[str, str] = {}
    for entry in entries:
        name, separator, path = str(entry).partition("=")
        if not (name and separator and path) or name in files:
            problem = "is there twice" if name in files else "is not 'name=path'"
            raise InputError(
                f"expected a 'name=path' for each data set, but {entry!r} {problem}",
                field="INPUT.FACES.FILES",
            )
        files[name] = path
    return files


def _first_available(cfg: CfgNode) -> FaceDetector:
    faces = cfg.INPUT.FACES
    if faces.MODEL_FILE:
        detector = _detector_of(faces.MODEL_FILE, faces.SCORE_THRESH)
        if detector is not None:
            return detector
    for find, detector_class in (
        (find_yunet, YuNetFaceDetector),
        (find_centerface, CenterFaceDetector),
    ):
        try:
            path = find()
        except InputError as error:
            logger.info("%s", error)
        else:
            return detector_class(path, faces.SCORE_THRESH)
    try:
        return HaarFaceDetector(faces.SCORE_THRESH)
    except InputError as error:
        logger.info("%s", error)
    if faces.FILES:
        return FileFaceDetector(list(face_files(faces.FILES).values()), faces.SCORE_THRESH)
    return NoFaceDetector()


def _detector_of(model_file: str, score_thresh: float) -> FaceDetector | None:
    """The detector whose model a file is; None, with a warning, where it cannot be used."""
    outputs = output_names(Path(model_file).expanduser())
    if outputs == YUNET_OUTPUTS:
        return YuNetFaceDetector(model_file, score_thresh)
    if outputs == CENTERFACE_OUTPUTS:
        return CenterFaceDetector(model_file, score_thresh)
    missing = why_unavailable(model_file)
    if missing is None:
        return InsightFaceDetector(model_file, score_thresh)
    # A model file that was named and is not used deserves more than a line among others.
    logger.warning("%s", missing)
    return None
