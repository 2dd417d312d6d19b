"""CVAT's own export, "CVAT for images 1.1": an XML, or the zip with it.

``<annotations><image name width height><box label xtl ytl xbr ybr group_id><attribute name=...>``,
and polygons, masks and ellipses in the place of boxes. CVAT has no relations: :mod:`.attributes`
says how attributes and groups are read as such.
"""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree.ElementTree import Element

import numpy as np
import pycocotools.mask as mask_util

from choi_d2.data.validation import Problems
from choi_d2.utils import InputError

from .attributes import Shape, relate
from .content import ContentBuilder
from .geometry import box_around, turned_box
from .source import Options, Source

_NO_INSTANCE = ("points", "polyline", "cuboid", "skeleton", "tag")


def matches(source: Source) -> bool:
    """An XML whose root is <annotations>."""
    return source.is_xml and source.content.tag == "annotations"


def read(source: Source, options: Options, builder: ContentBuilder) -> None:
    """Read the images.

    Raises:
        InputError: it is an export of a video, or a number is none.
    """
    root = source.content
    if root.find("track") is not None:
        raise InputError(
            "expected images, found tracks of a video",
            path=source.path,
            field="track",
            hint="Export 'CVAT for images 1.1'; tracks are split by frames there.",
        )
    labels = [label for label in root.iter("label") if label.find("name") is not None]
    builder.declare(
        label.findtext("name")
        for label in labels
        if label.findtext("type") not in _NO_INSTANCE and label.find("parent") is None
    )
    for image in root.iter("image"):
        _add_image(image, options, builder)


def _add_image(image: Element, options: Options, builder: ContentBuilder) -> None:
    problems = builder.problems
    name = problems.file_name(image.attrib, "name", where=f"image {image.get('id')}")
    width, height = (_number(image, key, name, problems) for key in ("width", "height"))
    entry = builder.add_image(name, width, height)
    shapes = []
    for position, child in enumerate(image):
        field = f"{child.tag}[{position}]"
        read_shape = _SHAPES.get(child.tag)
        if read_shape is None:
            if child.tag != "tag":
                message = f"expected a box, polygon, mask or ellipse, found <{child.tag}>"
                problems.add("region of another kind", message, image=name, field=field)
            continue
        label = problems.value(child.attrib, "label", str, image=name, where=field)
        found = read_shape(child, (int(height), int(width)), name, problems)
        if found is None:
            continue
        box, segmentation = found
        own = builder.add_instance(entry, label, box, segmentation=segmentation)
        attributes = {a.get("name", ""): a.text or "" for a in child.iter("attribute")}
        group = child.get("group_id", "0")
        is_human = builder.is_human(label)
        shapes.append(Shape(own, is_human, field, attributes, 0 if group == "0" else group))
    relate(shapes, name, options.verb_attributes, builder)


def _number(element: Element, key: str, image: str, problems: Problems) -> float:
    """An attribute that is a number."""
    text = problems.value(element.attrib, key, str, image=image, where=element.tag)
    try:
        value: float | str = float(text)
    except ValueError:
        value = text
    return problems.number({key: value}, key, image=image, where=element.tag)


def _read_box(
    box: Element, size: tuple[int, int], image: str, problems: Problems
) -> tuple[list[float], None]:
    corners = [_number(box, key, image, problems) for key in ("xtl", "ytl", "xbr", "ybr")]
    return _turned(box, corners, image, problems), None


def _read_ellipse(
    ellipse: Element, size: tuple[int, int], image: str, problems: Problems
) -> tuple[list[float], None]:
    x, y, rx, ry = (_number(ellipse, key, image, problems) for key in ("cx", "cy", "rx", "ry"))
    return _turned(ellipse, [x - rx, y - ry, x + rx, y + ry], image, problems), None


def _turned(element: Element, box: list[float], image: str, problems: Problems) -> list[float]:
    degrees = _number(element, "rotation", image, problems) if "rotation" in element.keys() else 0
    if degrees == 0:
        return box
    message = f"turned by {degrees:g} degrees"
    problems.add("rotated box", message, image=image, field=element.tag)
    return turned_box(box, degrees)


def _read_polygon(
    polygon: Element, size: tuple[int, int], image: str, problems: Problems
) -> tuple[list[float], list[list[float]]] | None:
    try:
        points = [
            (float(x), float(y))
            for x, y in (point.split(",") for point in polygon.get("points", "").split(";"))
        ]
    except ValueError:
        points = []
    if len(points) < 3:
        message = f"expected points x,y;x,y;... , found {polygon.get('points')!r}"
        problems.add("bad polygon", message, image=image, field="polygon")
        return None
    return box_around(points), [[number for point in points for number in point]]


def _read_mask(
    mask: Element, size: tuple[int, int], image: str, problems: Problems
) -> tuple[list[float], Mapping | None]:
    left, top, width, height = (
        int(_number(mask, key, image, problems)) for key in ("left", "top", "width", "height")
    )
    box = [left, top, left + width, top + height]
    try:
        runs = [int(run) for run in mask.get("rle", "").split(",")]
        if sum(runs) != width * height or min(runs) < 0 or min(left, top, width, height) < 0:
            raise ValueError(f"{sum(runs)} pixels in {width} x {height}")
        pixels = np.repeat(np.arange(len(runs)) % 2, runs).astype(np.uint8).reshape(height, width)
        whole = np.zeros(size, np.uint8, order="F")
        whole[top : top + height, left : left + width] = pixels
    except ValueError as error:
        problems.add("bad mask", f"the run lengths do not fit ({error})", image=image, field="mask")
        return box, None
    encoded = mask_util.encode(whole)
    return box, {"size": list(size), "counts": encoded["counts"].decode("ascii")}


_SHAPES = {
    "box": _read_box,
    "polygon": _read_polygon,
    "mask": _read_mask,
    "ellipse": _read_ellipse,
}
