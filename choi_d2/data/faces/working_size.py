"""The size at which a fully convolutional face detector looks at a photo."""

from __future__ import annotations

import cv2
import numpy as np

LONGEST_SIDE = 640
# The coarsest stride of the networks.
MULTIPLE = 32
# With 32, a map of stride 32 has one row, and OpenCV 4.14's YuNet reads memory that is not its own.
LEAST_SIDE = 64


def to_working_size(image_bgr: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bring an image's longest side to 640 pixels, and pad it at its right and bottom.

    Small photos are enlarged: the networks miss the small faces of small photos.

    Args:
        image_bgr: uint8 (H, W, 3).

    Returns:
        the image, uint8 (H', W', 3) with H' and W' multiples of 32, from 64 on, and black where it
        is padded, and what to multiply (x1, y1, x2, y2) with to get back: float32 (4,).
    """
    height, width = image_bgr.shape[:2]
    scale = LONGEST_SIDE / max(height, width)
    new_width, new_height = (max(1, round(scale * side)) for side in (width, height))
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    image = np.ascontiguousarray(image_bgr)
    image = cv2.resize(image, (new_width, new_height), interpolation=interpolation)
    bottom, right = (_padding(side) for side in (new_height, new_width))
    if bottom or right:
        image = cv2.copyMakeBorder(image, 0, bottom, 0, right, cv2.BORDER_CONSTANT, value=(0, 0, 0))
    back = (width / new_width, height / new_height)
    return image, np.array([*back, *back], np.float32)


def _padding(side: int) -> int:
    return max(LEAST_SIDE, -(-side // MULTIPLE) * MULTIPLE) - side
