"""How a picture has to be turned: EXIF's orientation, wherever a file keeps it."""

from __future__ import annotations

import struct

import numpy as np
from PIL import Image

_ORIENTATION = 274
# Orientations that exchange height and width.
TURNED = (5, 6, 7, 8)
# Of a PNG, what may hold an orientation: a chunk, and the keyword that its text begins with.
_PNG_CHUNKS = {
    b"eXIf": b"",
    b"iTXt": b"XML:com.adobe.xmp\0",
    b"tEXt": b"Raw profile type exif\0",
    b"zTXt": b"Raw profile type exif\0",
}


def orientation_of(image: Image.Image) -> int:
    """1 to 8, as EXIF counts them: from EXIF, or from XMP where EXIF has none.

    Pixels are not decoded, unless a PNG has its orientation behind them. A broken EXIF block, or
    another number, is 1: upright.

    Args:
        image: an open file.
    """
    # Pillow decodes every PNG in search of a late chunk; most have none.
    is_early = image.format == "PNG" and not _has_late_orientation(image)
    try:
        exif = Image.Image.getexif(image) if is_early else image.getexif()
        orientation = exif.get(_ORIENTATION)
    except Exception:  # whatever Pillow's parser meets in broken bytes
        return 1
    return orientation if orientation in range(1, 9) else 1


def turn_upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """(H, W, ...) as it should be seen, a view.

    Args:
        pixels: as they are stored.
        orientation: 1 to 8.
    """
    if orientation in TURNED:
        pixels = pixels.swapaxes(0, 1)
    rows = -1 if orientation in (3, 4, 7, 8) else 1
    columns = -1 if orientation in (2, 3, 6, 7) else 1
    return pixels[::rows, ::columns]


def _has_late_orientation(image: Image.Image) -> bool:
    """Has this PNG, behind its pixels, a chunk that may hold an orientation, as yet unread?"""
    file = image.fp
    if file is None:  # decoded: what there was has been read
        return False
    place, late = file.tell(), False
    try:
        file.seek(8)
        while len(header := file.read(8)) == 8:
            length, kind = struct.unpack(">I4s", header)
            late = late or kind == b"IDAT"
            keyword = _PNG_CHUNKS.get(kind) if late else None
            start = file.read(len(keyword or b""))
            if keyword is not None and start == keyword:
                return True
            file.seek(length + 4 - len(start), 1)
        return False
    finally:
        file.seek(place)
