"""Label maps: 8-bit PNGs with a single channel, whose value is an id."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import cv2
import numpy as np

from choi_d2.utils import InputError

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_END = b"IEND\xaeB`\x82"
_COLORS = {0: "gray", 2: "RGB", 3: "palette", 4: "gray with alpha", 6: "RGB with alpha"}
_HINT = "Save ids as 8-bit gray values; a palette's colours or a 16-bit value would be other ids."


def read_label_map(path: str | os.PathLike, image: str) -> np.ndarray:
    """(H, W) uint8 ids.

    Args:
        path: the PNG.
        image: what it belongs to, for the message.

    Raises:
        InputError: the file is missing, no PNG, cut short, broken, or not 8-bit gray.
    """
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError:
        raise InputError("no such file", path=path, image=image) from None
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", path=path, image=image) from None
    if not data.startswith(_SIGNATURE) or data[12:16] != b"IHDR" or len(data) < 33:
        raise InputError("expected a PNG, found something else", path=path, image=image)
    depth, color = struct.unpack("BB", data[24:26])
    if (depth, color) != (8, 0):
        problem = (
            "expected an 8-bit PNG with a single channel, "
            f"found {depth}-bit {_COLORS.get(color, 'unknown')}"
        )
        raise InputError(problem, path=path, image=image, hint=_HINT)
    label_map = None
    if _END in data[-64:]:
        label_map = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    if label_map is None:
        problem = "the PNG is cut short or broken"
        raise InputError(problem, path=path, image=image, hint="Was it copied whole?")
    return label_map


def write_label_map(path: str | os.PathLike, label_map: np.ndarray) -> None:
    """Write (H, W) uint8 ids as a PNG."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    _, data = cv2.imencode(".png", label_map)
    Path(path).write_bytes(data.tobytes())
