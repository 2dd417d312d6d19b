"""Pixels of any depth -> 8 bits a channel, by a rule that looks at the values alone."""

from __future__ import annotations

import numpy as np

from choi_d2.utils import InputError

# What integers count up to: 8, 12 (cameras and scanners, in 16-bit files), 16, 31 or 32 bits.
INTEGER_SCALES = (2**8 - 1, 2**12 - 1, 2**16 - 1, 2**31 - 1, 2**32 - 1)
# What floating point counts up to.
FLOAT_SCALES = (1.0, 255.0, 65535.0)
# Floating point may leave its range by this part of it, as smoothing and sharpening do.
OVERSHOOT = 0.1


def to_8_bits(pixels: np.ndarray) -> np.ndarray:
    """Scale pixels to 8 bits, not cut them off.

    Integers count up to the smallest of 255, 4095 (12 bits), 65535, 2^31 - 1 and 2^32 - 1 that none
    exceeds; negative ones become 0. Floating point is in 0..1, 0..255 or 0..65535, the first that
    holds all of it but for a tenth beyond either end, which is cut off.

    Args:
        pixels: bool, integers or floating point, of any shape.

    Returns:
        uint8 of the same shape.

    Raises:
        ValueError: floating point that is not finite, or in none of these ranges.
    """
    if pixels.dtype == np.uint8:
        return pixels
    if pixels.dtype == bool:
        return pixels.astype(np.uint8) * 255
    if np.issubdtype(pixels.dtype, np.floating):
        return _floats_to_8_bits(pixels)
    if np.issubdtype(pixels.dtype, np.signedinteger):
        pixels = pixels.clip(min=0)
    scale = next(scale for scale in INTEGER_SCALES if pixels.max(initial=0) <= scale)
    if scale > 2**16:
        return _scaled(pixels.astype(np.int64), scale)
    # All values at once, then a look-up: a large picture would take eight bytes a value.
    return _scaled(np.arange(scale + 1), scale)[pixels]


def _scaled(values: np.ndarray, scale: int) -> np.ndarray:
    return ((values * 255 + scale // 2) // scale).astype(np.uint8)


def _floats_to_8_bits(pixels: np.ndarray) -> np.ndarray:
    if not np.isfinite(pixels).all():
        raise ValueError("its floating point pixels are not all finite")
    low, high = float(pixels.min(initial=0)), float(pixels.max(initial=0))
    scale = next((scale for scale in FLOAT_SCALES if high <= (1 + OVERSHOOT) * scale), None)
    if scale is not None and low >= -OVERSHOOT * scale:
        return np.rint(pixels.clip(0, scale) * (255 / scale)).astype(np.uint8)
    raise ValueError(
        f"its floating point pixels go from {low:g} to {high:g}, expected 0 to 1, to 255 or to "
        "65535"
    )


def as_bgr(image: np.ndarray, name: str | None = None) -> np.ndarray:
    """Make a BGR picture of what OpenCV's ``imread`` may have given.

    Args:
        image: uint8 or uint16, (H, W), (H, W, 1), (H, W, 3) BGR or (H, W, 4) BGRA, whose alpha is
            dropped; uint16 is scaled to 8 bits, see :func:`to_8_bits`.
        name: what the error calls it.

    Returns:
        uint8 (H, W, 3), contiguous.

    Raises:
        InputError: anything else: None (``imread`` of a broken file), floats, no pixels.
    """
    if not isinstance(image, np.ndarray):
        found = type(image).__name__
    elif image.dtype not in (np.uint8, np.uint16):
        found = f"{image.dtype} pixels"
    elif image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] not in (1, 3, 4)):
        found = f"an array of shape {image.shape}"
    elif image.size == 0:
        found = f"no pixels (shape {image.shape})"
    else:
        return three_channels(to_8_bits(image if image.ndim == 2 else image[:, :, :3]))
    raise InputError(
        f"expected a picture as a uint8 array (H, W, 3) in BGR order, found {found}",
        image=name,
        hint="choi_d2.pictures.read_picture(path) reads a file.",
    )


def three_channels(image: np.ndarray) -> np.ndarray:
    """(H, W), (H, W, 1) or (H, W, 3) as contiguous (H, W, 3)."""
    if image.ndim == 2:
        image = image[:, :, None]
    if image.shape[2] == 1:
        image = image.repeat(3, axis=2)
    return np.ascontiguousarray(image)
