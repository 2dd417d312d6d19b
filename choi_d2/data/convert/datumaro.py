"""Datumaro's JSON, as CVAT exports it too.

``{"categories": {"label": {"labels": [{"name"}]}}, "items": [{"id", "image": {"path", "size":
[height, width]}, "annotations": [{"type", "label_id", "bbox": [x, y, width, height], "group",
"attributes"}]}]}``. :mod:`.attributes` says how attributes and groups are read as relations.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from choi_d2.data.datasets.common import existing_images
from choi_d2.data.masks import BadMaskError, read_segmentation

from .attributes import Shape, relate
from .content import ContentBuilder
from .geometry import box_around, turned_box
from .source import Options, Source


def matches(source: Source) -> bool:
    """An object of items and categories."""
    return {"items", "categories"} <= source.keys and isinstance(source.content["categories"], dict)


def read(source: Source, options: Options, builder: ContentBuilder) -> None:
    """Read the items."""
    problems, content = builder.problems, source.content
    label = problems.value(content["categories"], "label", dict, where="categories")
    names = [
        problems.value(entry, "name", str, where=f"categories.label.labels[{position}]")
        for position, entry in enumerate(
            problems.value(label, "labels", list, where="categories.label")
        )
    ]
    builder.declare(names)
    items = {}
    for position, item in enumerate(problems.value(content, "items", list)):
        where = f"items[{position}]"
        problems.is_object(item, field=where)
        key = "image" if "image" in item else "media"
        media = problems.value(item, key, dict, where=where) if item.get(key) else {}
        has_path = bool(media.get("path"))
        name = problems.file_name(
            media if has_path else item, "path" if has_path else "id", where=where
        )
        if name in items:
            problems.add("duplicate image", "the image is there twice", image=name, field=where)
        size = media.get("size") or None
        if size is not None:
            size = problems.list_of_integers(media, "size", image=name, where=f"{where}.{key}")
            if len(size) != 2:
                message = f"expected height and width, found {size}"
                problems.add("unlike lists", message, image=name, field=f"{where}.{key}.size")
        items[name] = (item, size, where)
    without = [name for name, (_, size, _) in items.items() if not size]
    sizes = {name: size for name, (_, size, _) in items.items() if size}
    if without:
        why = f"{len(without)} images have no size, for example {without[0]}"
        sizes |= existing_images(options.need("images", why), without, problems, source.path)
    for name, (item, _, where) in items.items():
        if name in sizes:
            _add_item(name, item, sizes[name], where, names, options, builder)


def _add_item(
    name: str,
    item: Mapping,
    size: tuple[int, int],
    where: str,
    names: list[str],
    options: Options,
    builder: ContentBuilder,
) -> None:
    problems = builder.problems
    image = builder.add_image(name, size[1], size[0])
    shapes = []
    for position, entry in enumerate(problems.value(item, "annotations", list, image=name)):
        field = f"{where}.annotations[{position}]"
        kind = problems.value(entry, "type", str, image=name, where=field)
        if kind in ("label", "caption"):
            continue
        found = _read_shape(entry, kind, size, name, field, builder)
        if found is None:
            continue
        label = problems.integer(entry, "label_id", image=name, where=field)
        if not 0 <= label < len(names):
            problems.add("unknown category", f"there is no label {label}", image=name, field=field)
            continue
        box, segmentation = found
        own = builder.add_instance(image, names[label], box, segmentation=segmentation)
        attributes = _attributes(entry)
        is_human = builder.is_human(names[label])
        shapes.append(Shape(own, is_human, field, attributes, entry.get("group") or 0))
    relate(shapes, name, options.verb_attributes, builder)


def _read_shape(
    entry: Mapping,
    kind: str,
    size: tuple[int, int],
    image: str,
    field: str,
    builder: ContentBuilder,
) -> tuple[list[float], list | dict | None] | None:
    """Box and segmentation; None, with the reason reported, for what is no instance."""
    problems = builder.problems
    if kind == "bbox":
        x, y, width, height = problems.box(entry, "bbox", image=image, where=field)
        box, degrees = [x, y, x + width, y + height], _rotation(entry)
        if degrees:
            problems.add("rotated box", f"turned by {degrees:g} degrees", image=image, field=field)
            box = turned_box(box, degrees)
        return box, None
    if kind not in ("polygon", "mask"):
        message = f"expected a bbox, polygon or mask, found {kind!r}"
        problems.add("region of another kind", message, image=image, field=field)
        return None
    try:
        mask, _ = read_segmentation(entry.get("points" if kind == "polygon" else "rle"), *size)
    except BadMaskError as error:
        problems.add("bad mask", str(error), image=image, field=field)
        return None
    if kind == "polygon" and mask:
        return box_around(list(zip(mask[0][0::2], mask[0][1::2], strict=True))), mask
    if "bbox" not in entry or mask is None:
        problems.add("bad mask", "expected a mask and its bbox", image=image, field=field)
        return None
    x, y, width, height = problems.box(entry, "bbox", image=image, where=field)
    return [x, y, x + width, y + height], mask


def _rotation(entry: Mapping) -> float:
    try:
        degrees = float(_attributes(entry).get("rotation") or 0)
    except (TypeError, ValueError):
        return 0.0
    return degrees if math.isfinite(degrees) else 0.0


def _attributes(entry: Mapping) -> Mapping:
    attributes = entry.get("attributes")
    return attributes if isinstance(attributes, Mapping) else {}
