"""``INPUT.FORMAT``: the channels that a model takes."""

from __future__ import annotations

import numpy as np
import torch
from detectron2.data.detection_utils import convert_image_to_rgb, convert_PIL_to_numpy
from PIL import Image

from choi_d2.utils import InputError

FORMATS = ("BGR", "RGB", "L", "YUV-BT.601")


def check_format(format: str) -> None:
    """Is ``format`` one of :data:`FORMATS`?

    Raises:
        InputError: it is not.
    """
    if format not in FORMATS:
        raise InputError(
            f"expected one of {', '.join(FORMATS)}, found {format!r}", field="INPUT.FORMAT"
        )


def check_channels(format: str, num_means: int) -> None:
    """Do ``INPUT.FORMAT`` and the length of ``MODEL.PIXEL_MEAN`` fit each other?

    "L" takes one mean; or three, with which the one channel becomes three for a network of colours.

    Raises:
        InputError: they do not, or ``format`` is none of :data:`FORMATS`.
    """
    check_format(format)
    if num_means not in ((1, 3) if format == "L" else (3,)):
        expected = "1 or 3" if format == "L" else "3"
        problem = f"expected {expected} numbers for INPUT.FORMAT {format!r}, found {num_means}"
        hint = "Give PIXEL_STD as many."
        raise InputError(problem, field="MODEL.PIXEL_MEAN", hint=hint)


def from_bgr(image_bgr: np.ndarray, format: str) -> np.ndarray:
    """A picture in the channels that a model takes.

    Args:
        image_bgr: uint8 (H, W, 3).
        format: one of :data:`FORMATS`.

    Returns:
        (H, W, C), contiguous: uint8, 3 channels or ("L") 1; for "YUV-BT.601" float32, Y in 0..1, as
        Detectron2 defines it.
    """
    check_format(format)
    if format == "BGR":
        return np.ascontiguousarray(image_bgr)
    picture = Image.fromarray(np.ascontiguousarray(image_bgr[:, :, ::-1]))
    converted = convert_PIL_to_numpy(picture, format)
    if format == "YUV-BT.601":
        converted = converted.astype(np.float32)
    return np.ascontiguousarray(converted)


def to_rgb(image: np.ndarray | torch.Tensor, format: str) -> np.ndarray:
    """uint8 (H, W, 3), RGB, to look at, of an image (H, W, C) in ``format``."""
    rgb = convert_image_to_rgb(image, format)
    return np.rint(np.clip(rgb, 0, 255)).astype(np.uint8)
