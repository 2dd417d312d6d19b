"""From INPUT.FACES to a face detector."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from detectron2.config import CfgNode

from choi_d2.data.named_files import named_files
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

_WITH_MODEL_FILE = {
    "insightface": InsightFaceDetector,
    "yunet": YuNetFaceDetector,
    "centerface": CenterFaceDetector,
}


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
    if name in _WITH_MODEL_FILE:
        return _WITH_MODEL_FILE[name](faces.MODEL_FILE, **_threshold(cfg))
    if name == "haar":
        return HaarFaceDetector(**_threshold(cfg))
    if name == "file":
        return _file_detector(cfg)
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
    return named_files(entries, "INPUT.FACES.FILES")


def _threshold(cfg: CfgNode) -> dict[str, float]:
    """``score_thresh``, where the config has one: every detector knows its own."""
    threshold = cfg.INPUT.FACES.SCORE_THRESH
    return {} if threshold < 0 else {"score_thresh": threshold}


def _file_detector(cfg: CfgNode) -> FileFaceDetector:
    return FileFaceDetector(list(face_files(cfg.INPUT.FACES.FILES).values()), **_threshold(cfg))


def _first_available(cfg: CfgNode) -> FaceDetector:
    faces = cfg.INPUT.FACES
    if faces.MODEL_FILE:
        detector = _detector_of(faces.MODEL_FILE, _threshold(cfg))
        if detector is not None:
            return detector
    reasons = []
    for find, detector_class in (
        (find_yunet, YuNetFaceDetector),
        (find_centerface, CenterFaceDetector),
    ):
        try:
            path = find()
        except InputError as error:
            reasons.append(error)
        else:
            return detector_class(path, **_threshold(cfg))
    try:
        return HaarFaceDetector(**_threshold(cfg))
    except InputError as error:
        reasons.append(error)
    if faces.FILES:
        return _file_detector(cfg)
    # Only here are they worth a line: a detector that is there does without the others.
    for reason in reasons:
        logger.info("%s", reason)
    return NoFaceDetector()


def _detector_of(model_file: str, threshold: Mapping[str, float]) -> FaceDetector | None:
    """The detector whose model a file is; None, with a warning, where it cannot be used."""
    outputs = output_names(Path(model_file).expanduser())
    if outputs == YUNET_OUTPUTS:
        return YuNetFaceDetector(model_file, **threshold)
    if outputs == CENTERFACE_OUTPUTS:
        return CenterFaceDetector(model_file, **threshold)
    missing = why_unavailable(model_file)
    if missing is None:
        return InsightFaceDetector(model_file, **threshold)
    # A model file that was named and is not used deserves more than a line among others.
    logger.warning("%s", missing)
    return None
