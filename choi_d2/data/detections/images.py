"""Which image of a data set a file of detections means."""

from __future__ import annotations

import logging
import os
import re
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence

from choi_d2.utils import InputError

from .results_file import ImageKey

logger = logging.getLogger(__name__)


def join_images(
    keys: Iterable[ImageKey], records: Sequence[Mapping], image_root: str | None, path: object
) -> dict[ImageKey, int]:
    """Find the images that a file of detections speaks of.

    Detectors write an image's id, its file name (with or without folder and suffix), or the number
    in its file name (COCO's 42 of ``COCO_val2014_000000000042.jpg``). One of these holds for the
    whole file: the one by which most of the data set's images are found.

    Args:
        keys: as the file has them.
        records: of the data set.
        image_root: the folder that file names may be relative to.
        path: the file, for messages.

    Returns:
        key -> place in ``records``, of those that are found.

    Raises:
        InputError: none is found.
    """
    keys = list(dict.fromkeys(keys))
    joined = {
        "image ids": _by_id(keys, records),
        "file names": _by_name(keys, records, image_root),
        "numbers in file names": _by_number(keys, records),
    }
    best = max(joined, key=lambda way: len(set(joined[way].values())))
    found = joined[best]
    if keys and records and not found:
        ours = f"{records[0]['image_id']!r} ({os.path.basename(records[0]['file_name'])})"
        raise InputError(
            f"none of its {len(keys)} images, the first of them {keys[0]!r}, is one of the "
            f"{len(records)} images of the data set, the first of them {ours}",
            path=path,
            hint="Images are found by their ids, their file names, or the numbers in these.",
        )
    logger.info("%s: %d images of the data set by their %s", path, len(set(found.values())), best)
    return found


def _by_id(keys: Sequence[ImageKey], records: Sequence[Mapping]) -> dict[ImageKey, int]:
    places = {str(record["image_id"]): place for place, record in enumerate(records)}
    return {key: places[str(key)] for key in keys if str(key) in places}


def _by_name(
    keys: Sequence[ImageKey], records: Sequence[Mapping], image_root: str | None
) -> dict[ImageKey, int]:
    """By whole names, by those below the folder, without folder, without suffix, in this order. A
    short name that several images have, or several keys, is none.
    """
    names = [os.path.abspath(record["file_name"]) for record in records]
    root = os.path.abspath(image_root) if image_root else os.sep
    found: dict[ImageKey, int] = {}
    for short in (str, lambda name: os.path.relpath(name, root), os.path.basename, _stem):
        places = _unique(short(name).replace(os.sep, "/") for name in names)
        # Of keys only the folder is taken off, where it is not the data set's.
        for shorten in (str, os.path.basename):
            rows = _unique(shorten(str(key).replace("\\", "/").removeprefix("./")) for key in keys)
            for text, row in rows.items():
                if text in places:
                    found.setdefault(keys[row], places[text])
    return found


def _by_number(keys: Sequence[ImageKey], records: Sequence[Mapping]) -> dict[ImageKey, int]:
    """By the last digits of file names; of keys that are nothing but a number."""
    places = _unique(_last_number(record["file_name"]) for record in records)
    numbers = {key: _last_number(key) for key in keys if re.fullmatch(r"\d+(\.\w+)?", str(key))}
    return {key: places[number] for key, number in numbers.items() if number in places}


def _stem(name: str) -> str:
    return os.path.splitext(os.path.basename(name))[0]


def _last_number(name: ImageKey) -> int | None:
    digits = re.search(r"(\d+)$", _stem(str(name)))
    return int(digits[1]) if digits else None


def _unique(texts: Iterable[Hashable]) -> dict[Hashable, int]:
    """The place of each that is there once."""
    texts = list(texts)
    counts = Counter(texts)
    return {x: i for i, x in enumerate(texts) if x is not None and counts[x] == 1}
