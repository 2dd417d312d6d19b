"""Regions of a Label Studio annotation, in pixels."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from choi_d2.data.validation import Problems
from choi_d2.pictures import read_picture_size
from choi_d2.utils import InputError

from .geometry import box_around, turned_box


@dataclass(frozen=True)
class Region:
    """A region.

    Attributes:
        id: Label Studio's.
        label: its class.
        box: ``[x1, y1, x2, y2]``.
        segmentation: polygons; None where it is none.
    """

    id: str
    label: str
    box: list[float]
    segmentation: list[list[float]] | None = None


@dataclass
class Regions:
    """The regions of an image.

    Attributes:
        width, height: of the image, in pixels.
        regions: by id.
        left_out: ids of regions that could not be read.
    """

    width: int
    height: int
    regions: dict[str, Region] = field(default_factory=dict)
    left_out: set[str] = field(default_factory=set)


def read_regions(
    results: Sequence[Any],
    image: str,
    where: str,
    images: str | os.PathLike | None,
    problems: Problems,
) -> Regions | None:
    """Read the regions among an annotation's results.

    Args:
        results: the list.
        image: the file name.
        where: where the task stands, for messages.
        images: the folder of the images: of one without regions, the size is read there.
        problems: where blemishes are reported.

    Returns:
        None, with the reason reported, where the image has to be left out.
    """
    labels: dict[str, str] = {}
    shapes: dict[str, tuple[Mapping, str]] = {}
    size = None
    for position, result in enumerate(results):
        place = f"{where}.result[{position}]"
        if not problems.is_object(result, image=image, field=place):
            continue
        value = result.get("value")
        if result.get("type") == "relation" or not isinstance(value, Mapping):
            continue
        if result.get("image_rotation"):
            message = "the image was turned in Label Studio: turn the file instead"
            problems.add("not annotated", message, image=image, field=place)
            return None
        own = problems.value(result, "id", str, image=image, where=place)
        names = [
            str(name)
            for key, found in value.items()
            if key.endswith("labels") and isinstance(found, list)
            for name in found
        ]
        if names:
            labels[own] = names[0]
        if len(names) > 1:
            message = f"a region with the labels {', '.join(names)}: the first is taken"
            problems.add("second annotation", message, image=image, field=place)
        if "original_width" in result:
            size = tuple(
                problems.integer(result, key, image=image, where=place)
                for key in ("original_width", "original_height")
            )
        if {"x", "y"} <= set(value) or "points" in value or "rle" in value:
            shapes.setdefault(own, (value, place))
    size = size or _size_of_file(image, where, images, problems)
    if size is None:
        return None
    found = Regions(*size)
    for own, (value, place) in shapes.items():
        region = _read_shape(own, labels.get(own), value, size, image, place, problems)
        if region is None:
            found.left_out.add(own)
        else:
            found.regions[own] = region
    return found


def _size_of_file(
    image: str, where: str, images: str | os.PathLike | None, problems: Problems
) -> tuple[int, int] | None:
    """Width and height of an image without regions."""
    if images is None:
        message = "the image has no region, so that its size is not known; give --images"
        problems.add("not annotated", message, image=image, field=where)
        return None
    path = os.path.join(images, image)
    try:
        height, width = read_picture_size(path)
    except InputError as error:
        problems.add("missing image", error.problem, image=image, file=path)
        return None
    return width, height


def _read_shape(
    own: str,
    label: str | None,
    value: Mapping,
    size: tuple[int, int],
    image: str,
    place: str,
    problems: Problems,
) -> Region | None:
    if label is None:
        problems.add("unknown category", "the region has no label", image=image, field=place)
        return None
    across, down = size[0] / 100, size[1] / 100

    def numbers(*keys: str) -> list[float]:
        return [problems.number(value, key, image=image, where=f"{place}.value") for key in keys]

    if isinstance(value.get("points"), list) and len(value["points"]) >= 3:
        points = []
        for position, point in enumerate(value["points"]):
            where = f"{place}.value.points[{position}]"
            x, y = point if isinstance(point, list) and len(point) == 2 else (None, None)
            x, y = (
                problems.number({key: number}, key, image=image, where=where)
                for key, number in (("x", x), ("y", y))
            )
            points.append((x * across, y * down))
        polygon = [round(number, 3) for point in points for number in point]
        return Region(own, label, box_around(points), [polygon])
    rotation = numbers("rotation")[0] if value.get("rotation") else 0
    if {"x", "y", "width", "height"} <= set(value):
        x, y, width, height = numbers("x", "y", "width", "height")
        box = [x * across, y * down, (x + width) * across, (y + height) * down]
        center = (box[0], box[1])
    elif {"radiusX", "radiusY"} <= set(value):
        x, y, width, height = numbers("x", "y", "radiusX", "radiusY")
        box = [(x - width) * across, (y - height) * down, (x + width) * across, (y + height) * down]
        center = None
    else:
        message = "expected a rectangle, a polygon or an ellipse"
        problems.add("region of another kind", message, image=image, field=place)
        return None
    if rotation:
        message = f"turned by {rotation:g} degrees"
        problems.add("rotated box", message, image=image, field=place)
        box = turned_box(box, rotation, center)
    return Region(own, label, box)
