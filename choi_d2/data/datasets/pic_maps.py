"""PIC's label maps: a semantic and an instance PNG become instances with boxes and run lengths.

Reading and encoding the maps of a whole split takes minutes, so the result is kept in a JSON and
used again as long as the PNGs have the same time and length.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pycocotools.mask as mask_util
from PIL import Image

from choi_d2.data.image_sizes import MissingFileError, read_cache, write_cache
from choi_d2.utils import InputError

logger = logging.getLogger(__name__)

# Images between two writes of the cache: what a kill can cost.
_FLUSH_EVERY = 2000
_SECONDS_BETWEEN_LINES = 10


class MapSizeError(InputError):
    """The two maps of an image differ in size."""


def read_label_map(path: str | os.PathLike) -> np.ndarray:
    """Read a label map.

    Returns:
        (H, W) uint8; 0 is background.

    Raises:
        InputError: the file is missing, broken, or no 8-bit PNG with a single channel. A palette
            or 16 bits would be read as other ids than its author meant.
    """
    try:
        with open(path, "rb") as file:
            header = file.read(26)
            if header[:8] != b"\x89PNG\r\n\x1a\n" or len(header) < 26:
                raise InputError("expected a PNG", path=path)
            depth, color = header[24], header[25]
            if (depth, color) != (8, 0):
                found = f"{depth} bits per sample, {_PNG_COLORS.get(color, 'unknown colours')}"
                problem = f"expected an 8-bit PNG with a single grey channel, found {found}"
                raise InputError(problem, path=path)
            file.seek(0)
            return np.asarray(Image.open(file))
    except InputError:
        raise
    except FileNotFoundError:
        raise MissingFileError("no such label map", path=path) from None
    except Exception as error:  # Pillow's decoders raise what they like on broken bytes
        raise InputError(f"the label map cannot be read ({error})", path=path) from None


_PNG_COLORS = {
    0: "grey",
    2: "colour (RGB)",
    3: "a colour palette",
    4: "grey with alpha",
    6: "colour with alpha",
}


def encode_instances(semantic: np.ndarray, instance: np.ndarray) -> list[dict]:
    """The instances of two label maps of one size.

    Args:
        semantic: (H, W) uint8, category id per pixel.
        instance: (H, W) uint8, instance id per pixel, 0 = no instance.

    Returns:
        ascending by ``id``: ``{"id", "category": highest category id under the mask (the official
        rule), "majority": most frequent one, "bbox": [x1, y1, x2, y2], "segmentation": RLE}``.
    """
    height, width = instance.shape
    together = instance.astype(np.int64) * 256 + semantic
    pixels = np.bincount(together.ravel(), minlength=256 * 256).reshape(256, 256)

    # Runs of equal ids down the columns, COCO's order: one pass for all instances.
    flat = instance.ravel(order="F")
    starts = np.flatnonzero(np.concatenate([[True], flat[1:] != flat[:-1]]))
    ends = np.concatenate([starts[1:], [flat.size]])
    ids = flat[starts]

    instances = []
    for instance_id in np.flatnonzero(pixels.sum(axis=1)):
        if instance_id == 0:
            continue
        mine = ids == instance_id
        # Lengths of not mine, mine, not mine, ... from pixel 0 to the last.
        edges = np.stack([starts[mine], ends[mine]], axis=1).ravel()
        counts = np.diff(np.concatenate([[0], edges, [flat.size]]))
        rle = mask_util.frPyObjects(
            {"size": [height, width], "counts": counts.tolist()}, height, width
        )
        x, y, box_width, box_height = mask_util.toBbox(rle).tolist()
        categories = np.flatnonzero(pixels[instance_id])
        instances.append(
            {
                "id": int(instance_id),
                "category": int(categories.max()),
                "majority": int(pixels[instance_id].argmax()),
                "bbox": [x, y, x + box_width, y + box_height],
                "segmentation": {"size": [height, width], "counts": rle["counts"].decode()},
            }
        )
    return instances


def read_instances(
    names: Sequence[str],
    semantic_root: str | os.PathLike,
    instance_root: str | os.PathLike,
    cache_file: str | os.PathLike | None = None,
) -> dict[str, dict | InputError]:
    """The instances of many images, from the cache where it is still true.

    Args:
        names: image names; the maps are ``{stem}.png`` under the two roots.
        semantic_root, instance_root: folders of the maps.
        cache_file: JSON that keeps the result.

    Returns:
        name -> ``{"height", "width", "instances": [...]}``, or the error that its maps gave.
    """
    cache_file = None if cache_file is None else Path(cache_file)
    known = read_cache(cache_file) if cache_file is not None else {}

    def one(name: str) -> dict | InputError:
        stem = os.path.splitext(name)[0]
        paths = [os.path.join(root, f"{stem}.png") for root in (semantic_root, instance_root)]
        try:
            stamp = [number for path in paths for number in _stamp(path)]
            entry = known.get(name)
            if entry is not None and entry["stamp"] == stamp:
                return entry
            semantic, instance = (read_label_map(path) for path in paths)
        except InputError as error:
            return error
        if semantic.shape != instance.shape:
            problem = (
                f"the semantic map is {_size(semantic)}, the instance map {paths[1]} "
                f"{_size(instance)}"
            )
            return MapSizeError(problem, path=paths[0])
        height, width = instance.shape
        instances = encode_instances(semantic, instance)
        return {"stamp": stamp, "height": height, "width": width, "instances": instances}

    results: dict[str, dict | InputError] = {}
    unsaved, last_line = 0, time.monotonic()

    def keep() -> None:
        if cache_file is not None and unsaved:
            good = {n: entry for n, entry in results.items() if isinstance(entry, dict)}
            write_cache(cache_file, {**known, **good})

    # The maps are inflated outside Python's lock.
    pool = ThreadPoolExecutor(max_workers=os.cpu_count())
    try:
        for done, (name, entry) in enumerate(zip(names, pool.map(one, names), strict=True), 1):
            results[name] = entry
            if isinstance(entry, dict) and known.get(name) is not entry:
                unsaved += 1
            if unsaved >= _FLUSH_EVERY:
                keep()
                unsaved = 0
            if time.monotonic() - last_line > _SECONDS_BETWEEN_LINES:
                logger.info("Label maps of %d of %d images read", done, len(names))
                last_line = time.monotonic()
    finally:
        # Also when somebody loses patience: what has been read is kept.
        pool.shutdown(cancel_futures=True)
        keep()
    return results


def _stamp(path: str) -> tuple[int, int]:
    try:
        state = os.stat(path)
    except FileNotFoundError:
        raise MissingFileError("no such label map", path=path) from None
    return state.st_mtime_ns, state.st_size


def _size(array: np.ndarray) -> str:
    return f"{array.shape[1]} x {array.shape[0]}"
