"""Masks as files bring them: checked before pycocotools believes them, which it does blindly.

A segmentation is a list of polygons, or COCO's run lengths ``{"size": [height, width], "counts"}``,
counts as a list or compressed into a string.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pycocotools.mask as mask_util

from choi_d2.utils import InputError

from .validation import Problems, short

logger = logging.getLogger(__name__)

# How far outside of an image a polygon may go, in sizes of the image: pycocotools takes memory for
# every pixel of an edge, and ends the process where an edge is longer than its integers.
_REACH = 10
# A character of compressed run lengths carries five bits; seven are more than any image needs.
_LONGEST_NUMBER = 7


class BadMaskError(ValueError):
    """A segmentation that is none; the message says why."""


def read_segmentation(
    segmentation: Any, height: int, width: int
) -> tuple[list[list[float]] | dict | None, int]:
    """A segmentation as Detectron2 takes it.

    Points may be pairs ``[[x, y], ...]``, and a single polygon may stand without its list.

    Args:
        segmentation: what a file has.
        height, width: of the image, in pixels.

    Returns:
        polygons ``[[x, y, x, y, ...], ...]`` or compressed run lengths; None where there is no mask
        (null, or something empty). And how many polygons were left out as broken.

    Raises:
        BadMaskError: nothing of it can be used.
    """
    if segmentation is None or segmentation in ([], {}, "", [[]]):
        return None, 0
    if isinstance(segmentation, Mapping):
        return _read_run_lengths(segmentation, height, width), 0
    if not isinstance(segmentation, list):
        raise BadMaskError("expected a list of polygons, or an object with size and counts")
    if all(map(_is_number, segmentation)) or _is_points(segmentation):
        segmentation = [segmentation]
    polygons = [_read_polygon(polygon, height, width) for polygon in segmentation]
    whole = [polygon for polygon in polygons if polygon is not None]
    if not whole:
        raise BadMaskError(
            "expected polygons of at least three points, x and y finite numbers not far outside of "
            "the image"
        )
    return whole, len(polygons) - len(whole)


def lies_beside(segmentation: list | Mapping, box: Sequence[float]) -> bool:
    """Has the mask no part in common with the box ``[x1, y1, x2, y2]``? Then one of them is wrong.

    Args:
        segmentation: as :func:`read_segmentation` returns it.
        box: absolute.
    """
    if isinstance(segmentation, Mapping):
        x1, y1, width, height = mask_util.toBbox(segmentation).tolist()
        x2, y2 = x1 + width, y1 + height
    else:
        xs = [x for polygon in segmentation for x in polygon[0::2]]
        ys = [y for polygon in segmentation for y in polygon[1::2]]
        x1, y1, x2, y2 = min(xs), min(ys), max(xs), max(ys)
    return x1 > box[2] or y1 > box[3] or x2 < box[0] or y2 < box[1]


def _read_polygon(polygon: Any, height: int, width: int) -> list[float] | None:
    if _is_points(polygon):
        polygon = [number for point in polygon for number in point]
    is_whole = isinstance(polygon, list) and len(polygon) >= 6 and len(polygon) % 2 == 0
    if not is_whole or not all(map(_is_number, polygon)):
        return None
    is_near = all(abs(x) <= (_REACH + 1) * width for x in polygon[0::2]) and all(
        abs(y) <= (_REACH + 1) * height for y in polygon[1::2]
    )
    return polygon if is_near else None


def _is_points(polygon: Any) -> bool:
    """Three or more ``[x, y]``?"""
    return (
        isinstance(polygon, list)
        and len(polygon) >= 3
        and all(isinstance(p, list) and len(p) == 2 and all(map(_is_number, p)) for p in polygon)
    )


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) < math.inf


def _read_run_lengths(segmentation: Mapping, height: int, width: int) -> dict:
    size, counts = segmentation.get("size"), segmentation.get("counts")
    if not isinstance(size, list | tuple) or list(size) != [height, width]:
        raise BadMaskError(f"expected the size [{height}, {width}], found {short(size)}")
    if isinstance(counts, list):
        if not all(type(number) is int and 0 <= number <= height * width for number in counts):
            raise BadMaskError("expected counts of whole numbers from 0")
        lengths = np.array(counts, np.int64)
    elif isinstance(counts, str | bytes):
        lengths = decode_lengths(counts)
    else:
        raise BadMaskError(f"expected counts as a list or a string, found {short(counts)}")
    if lengths.min(initial=0) < 0 or lengths.sum() != height * width:
        raise BadMaskError(
            f"the counts are of {lengths.sum()} pixels, the image has {height * width}"
        )
    if not lengths[1::2].any():
        raise BadMaskError("the mask has no pixel")
    size = [height, width]
    if isinstance(counts, list):
        encoded = mask_util.frPyObjects({"size": size, "counts": counts}, height, width)
        counts = encoded["counts"]
    return {"size": size, "counts": counts if isinstance(counts, str) else counts.decode("ascii")}


def decode_lengths(counts: str | bytes) -> np.ndarray:
    """The numbers of compressed run lengths.

    Each is written in characters from "0" on that carry five bits and whether another follows, the
    lowest first, the last with a sign; from the fourth number on, what is written is the difference
    to the last but one.

    Returns:
        (R,) int64: pixels outside, inside, outside, ...

    Raises:
        BadMaskError: it is no such string, or cut within a number.
    """
    try:
        data = counts if isinstance(counts, bytes) else counts.encode("ascii")
    except UnicodeEncodeError:
        data = b"\0"
    codes = np.frombuffer(data, np.uint8).astype(np.int64) - ord("0")
    if not codes.size:
        raise BadMaskError("the counts are empty")
    if codes.min() < 0 or codes.max() > 63:
        raise BadMaskError("the counts have characters that compressed run lengths do not have")
    is_last = (codes & 32) == 0
    starts = np.flatnonzero(np.concatenate([[True], is_last[:-1]]))
    place = np.arange(codes.size) - starts[np.cumsum(is_last) - is_last]
    if not is_last[-1] or place.max() >= _LONGEST_NUMBER:
        raise BadMaskError("the counts are cut short, or damaged")
    numbers = np.add.reduceat((codes & 31) << (5 * place), starts)
    numbers -= np.where(codes[is_last] & 16, 1 << (5 * (place[is_last] + 1)), 0)
    for first in (1, 2):
        numbers[first::2] = numbers[first::2].cumsum()
    return numbers


def has_mask(annotation: Mapping) -> bool:
    """Has a record's annotation a segmentation that is not empty?"""
    segmentation = annotation.get("segmentation")
    return segmentation is not None and len(segmentation) > 0


def report_masks(records: Iterable[Mapping], problems: Problems) -> None:
    """Say whether only some instances have masks, and whether these are of two kinds.

    Crowds do not count: they are run lengths in COCO, whatever the others are.
    """
    total, without, kinds = _count_masks(records)
    if without and without < total:
        message = f"{without} of the {total} instances have no mask that can be used"
        problems.add("masks of some", message, field="segmentation")
    if len(kinds) > 1:
        message = f"{kinds['polygons']} instances have polygons, {kinds['run lengths']} run lengths"
        problems.add("masks of two kinds", message, field="segmentation")


def check_masks(records: Sequence[Mapping], mask_format: str) -> None:
    """Can ``MODEL.MASK_ON`` be trained on these records? Warns of instances without a mask.

    Args:
        records: of all training sets.
        mask_format: ``INPUT.MASK_FORMAT``.

    Raises:
        InputError: no instance has a mask, or some are run lengths and the format is "polygon".
    """
    total, without, kinds = _count_masks(records)
    if total and without == total:
        raise InputError(
            f"none of the {total} training instances has a mask",
            field="MODEL.MASK_ON",
            hint="Set it to False, or train on a data set with masks.",
        )
    if mask_format == "polygon" and "run lengths" in kinds:
        raise InputError(
            f"it is 'polygon', but {kinds['run lengths']} of the {total} training instances have "
            "run lengths as masks",
            field="INPUT.MASK_FORMAT",
            hint="Set it to 'bitmask', which takes both kinds.",
        )
    if without:
        logger.warning(
            "MODEL.MASK_ON: %d of the %d training instances have no mask: they do not train",
            without,
            total,
        )


def _count_masks(records: Iterable[Mapping]) -> tuple[int, int, dict[str, int]]:
    """Instances that are no crowds; those without mask; those with one of each kind."""
    total = without = 0
    kinds: dict[str, int] = {}
    for record in records:
        for annotation in record.get("annotations", ()):
            if annotation.get("iscrowd", 0):
                continue
            total += 1
            if not has_mask(annotation):
                without += 1
                continue
            is_list = isinstance(annotation["segmentation"], list)
            kind = "polygons" if is_list else "run lengths"
            kinds[kind] = kinds.get(kind, 0) + 1
    return total, without, kinds
