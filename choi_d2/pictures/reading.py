"""A picture file -> its pixels, or its size alone. Pillow decodes; what it has no 16-bit or float
colours for, OpenCV decodes.
"""

from __future__ import annotations

import contextlib
import os
import re
import warnings
from collections.abc import Iterator
from typing import BinaryIO

import cv2
import numpy as np
from PIL import Image

from choi_d2.utils import InputError

from .errors import unreadable
from .orientation import TURNED, orientation_of, turn_upright
from .pixels import three_channels, to_8_bits

# Large pictures are read; Pillow refuses those of twice this warning's size, and so do we.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)

_WIDTH, _LENGTH, _PHOTOMETRIC, _SAMPLE_FORMAT = 256, 257, 262, 339
_WHITE_IS_ZERO = 0
# Programs, which a decoder would run (EPS), and formats of which Pillow knows the beginning alone.
_NO_PICTURES = frozenset({"EPS", "WMF", "BUFR", "GRIB", "HDF5", "MPEG"})
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_DEEP_COLORS = re.compile(r"(RGB|RGBA|RGBX|LA);16")


def read_picture(path: str | os.PathLike) -> np.ndarray:
    """Read a picture upright, in three channels of 8 bits.

    - Its orientation (EXIF or XMP) is applied, once.
    - 12, 16 and 32 bits and floating point are scaled, see :func:`.pixels.to_8_bits`.
    - Alpha is dropped: the colours under it are taken as they are stored.
    - Grayscale, 1-bit and palette pictures become colours; CMYK too, by Pillow's rule.
    - Of several frames or pages the first is read.

    Returns:
        uint8 (H, W, 3), BGR, contiguous.

    Raises:
        InputError: the file is missing, no picture, cut short, too large to be a photo (Pillow's
            ``2 * Image.MAX_IMAGE_PIXELS``, 179 megapixels), or floating point in no known range.
    """
    # A file that Pillow opens itself it may map into memory, and then it turns TIFFs wrongly.
    with _named(path), open(path, "rb") as file:
        try:
            image = _open(file)
        except Image.UnidentifiedImageError as error:
            return three_channels(to_8_bits(_by_opencv(path, error)))
        with image:
            if (rgb := _deep_colors(image, path)) is None:
                rgb = _by_pillow(image)
            return np.ascontiguousarray(three_channels(rgb)[:, :, ::-1])


def read_picture_size(path: str | os.PathLike) -> tuple[int, int]:
    """Height and width of the array that :func:`read_picture` gives.

    Only headers are read, not the pixels, of all but a few kinds: floating point colours, and PNGs
    with an orientation behind their pixels.

    Raises:
        InputError: the file is missing, or its header is broken.
    """
    with _named(path), open(path, "rb") as file:
        try:
            image = _open(file)
        except Image.UnidentifiedImageError as error:
            return _by_opencv(path, error).shape[:2]
        with image:
            width, height = image.size
            if image.format == "TIFF":
                width, height = image.tag_v2[_WIDTH], image.tag_v2[_LENGTH]
            turned = orientation_of(image) in TURNED
            return (width, height) if turned else (height, width)


@contextlib.contextmanager
def _named(path: str | os.PathLike) -> Iterator[None]:
    """Errors of the decoders as :class:`InputError` with the path."""
    try:
        yield
    except InputError:
        raise
    except FileNotFoundError:
        raise InputError("no such file", path=path) from None
    except Image.DecompressionBombError as error:
        raise InputError(
            f"has too many pixels to be a photo ({error})",
            path=path,
            hint="Scale it down, or raise PIL.Image.MAX_IMAGE_PIXELS where it is trusted.",
        ) from None
    except OSError as error:
        # Pillow's own have no number.
        if error.errno is not None:
            raise InputError(f"cannot be read ({error.strerror})", path=path) from None
        raise unreadable(path, error) from error
    except Exception as error:  # Pillow's decoders raise what they like on broken bytes
        raise unreadable(path, error) from error


def _open(file: BinaryIO) -> Image.Image:
    # The common formats first, as Pillow itself tries them.
    Image.preinit()
    Image.init()
    return Image.open(file, formats=[name for name in Image.ID if name not in _NO_PICTURES])


def _by_pillow(image: Image.Image) -> np.ndarray:
    """uint8, (H, W) or (H, W, 3) RGB, upright."""
    image.load()
    # After loading, a TIFF is upright and has no orientation.
    orientation = orientation_of(image)
    if image.mode in ("I", "F") or image.mode.startswith("I;"):
        pixels = np.asarray(image)
        tags = image.tag_v2 if image.format == "TIFF" else {}
        # Pillow has no unsigned mode of 32 bits, and keeps their bits.
        if image.mode == "I" and tags and tags.get(_SAMPLE_FORMAT, (1,))[0] == 1:
            pixels = pixels.view(np.uint32)
        pixels = to_8_bits(pixels)
        if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:
            pixels = 255 - pixels
        return turn_upright(pixels, orientation)
    if "transparency" in image.info or image.mode == "RGBa":
        image = image.convert("RGBA")
    elif image.mode == "La":
        image = image.convert("LA")
    return turn_upright(np.asarray(image.convert("RGB")), orientation)


def _deep_colors(image: Image.Image, path: str | os.PathLike) -> np.ndarray | None:
    """uint8 (H, W, 3) RGB, upright, of colours with 16 bits, of which Pillow takes the upper eight;
    None of other pictures.
    """
    arguments = image.tile[0][3] if image.tile else None
    raw_mode = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    if image.mode not in ("RGB", "RGBA") or not _DEEP_COLORS.match(str(raw_mode)):
        return None
    # OpenCV gives the first half of a file that is cut short; Pillow complains.
    image.load()
    pixels = _decode(path)
    if pixels is None or pixels.ndim != 3:
        return None
    # OpenCV turns TIFFs itself.
    orientation = 1 if image.format == "TIFF" else orientation_of(image)
    return turn_upright(to_8_bits(pixels[:, :, 2::-1]), orientation)


def _by_opencv(path: str | os.PathLike, error: Exception) -> np.ndarray:
    """(H, W), or (H, W, 3) BGR, of any depth: TIFFs that Pillow does not know, as float colours.

    Raises:
        error: OpenCV does not know it either.
    """
    with open(path, "rb") as file:
        is_tiff = file.read(4) in _TIFF
    pixels = _decode(path) if is_tiff else None
    if pixels is None:
        raise error
    return pixels if pixels.ndim == 2 else pixels[:, :, :3]


def _decode(path: str | os.PathLike) -> np.ndarray | None:
    """What OpenCV reads, as it is stored; None for what it cannot read."""
    with open(path, "rb") as file:
        data = np.frombuffer(file.read(), dtype=np.uint8)
    try:
        return cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
