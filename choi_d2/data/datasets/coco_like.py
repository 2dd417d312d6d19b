"""Images, instances and categories of a JSON in COCO's format."""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import pycocotools.mask as mask_util

from choi_d2.data.validation import Problems, short
from choi_d2.pictures import size_error

from .common import RecordBuilder, existing_images


@dataclass
class CocoImages:
    """What a COCO JSON says about some images.

    Attributes:
        images: image id -> ``{"file_name", "height", "width"}``, in the order of the file.
        annotations: image id -> its annotations as they are in the file, each with its position
            there under ``"position"``.
        on_disk: ids of the images that can be opened.
    """

    images: dict[int, dict] = field(default_factory=dict)
    annotations: dict[int, list[dict]] = field(default_factory=dict)
    on_disk: set[int] = field(default_factory=set)


def read_categories(content: Mapping, key: str, problems: Problems) -> dict[int, dict]:
    """``[{"id", "name", ...}]`` as id -> entry, in the order of the ids."""
    categories: dict[int, dict] = {}
    for position, category in enumerate(problems.value(content, key, list) or []):
        where = f"{key}[{position}]"
        if not problems.is_object(category, field=where):
            continue
        category_id = problems.integer(category, "id", where=where)
        name = problems.value(category, "name", str, where=where)
        if category_id is None or name is None:
            continue
        if category_id in categories:
            problems.add("duplicate id", f"id {category_id} is used twice", field=f"{where}.id")
            continue
        categories[category_id] = category
    return dict(sorted(categories.items()))


def read_images(
    content: Mapping,
    image_root: str | os.PathLike,
    json_file: str | os.PathLike,
    problems: Problems,
    wanted: Collection[int] | None = None,
) -> CocoImages:
    """Images with their annotations, and which of them are on disk.

    Args:
        content: the JSON.
        image_root: the folder of the images.
        json_file: beside it the images' sizes are kept.
        problems: where blemishes are reported.
        wanted: ids of the images to take; by default all.
    """
    result = CocoImages()
    names: dict[str, int] = {}
    for position, image in enumerate(problems.value(content, "images", list) or []):
        where = f"images[{position}]"
        if not problems.is_object(image, field=where):
            continue
        image_id = problems.integer(image, "id", where=where)
        if image_id is None or (wanted is not None and image_id not in wanted):
            continue
        name = problems.file_name(image, "file_name", where=where)
        height = problems.integer(image, "height", image=name, where=where)
        width = problems.integer(image, "width", image=name, where=where)
        if name is None or height is None or width is None:
            continue
        if image_id in result.images or name in names:
            kind = "duplicate id" if image_id in result.images else "duplicate image"
            problems.add(kind, f"image {image_id} is there twice", image=name, field=where)
            continue
        names[name] = image_id
        result.images[image_id] = {"file_name": name, "height": height, "width": width}
        result.annotations[image_id] = []
    if not result.images:
        problems.add("empty data set", "there is no image in the file", field="images")

    ids: set[int] = set()
    for position, annotation in enumerate(problems.value(content, "annotations", list) or []):
        where = f"annotations[{position}]"
        if not problems.is_object(annotation, field=where):
            continue
        image_id = problems.integer(annotation, "image_id", where=where)
        if image_id is None or (wanted is not None and image_id not in wanted):
            continue
        annotation_id = problems.integer(annotation, "id", where=where)
        if annotation_id is None:
            continue
        if image_id not in result.images:
            message = f"there is no image {image_id}"
            problems.add("unknown image", message, field=f"{where}.image_id")
            continue
        if annotation_id in ids:
            message = f"annotation id {annotation_id} is used twice"
            problems.add("duplicate id", message, field=f"{where}.id")
            continue
        ids.add(annotation_id)
        result.annotations[image_id].append({**annotation, "position": position})

    sizes = existing_images(image_root, list(names), problems, json_file)
    for name, size in sizes.items():
        image = result.images[names[name]]
        if size == (image["height"], image["width"]):
            result.on_disk.add(names[name])
            continue
        error = size_error(size, (image["height"], image["width"]), source="the file")
        problems.add_error(error, kind="size mismatch", image=name, field="width, height")
    return result


def add_instances(
    annotations: list[dict],
    to_contiguous: Mapping[int, int],
    builder: RecordBuilder,
    problems: Problems,
    **extra_of_id: Mapping[int, Any],
) -> None:
    """Add an image's annotations to its record.

    Args:
        annotations: as :class:`CocoImages` has them; boxes are ``[x, y, width, height]``.
        to_contiguous: category id -> contiguous id.
        builder: of the image.
        problems: where blemishes are reported.
        extra_of_id: further keys, each a mapping of annotation ids to values.
    """
    image = builder.image
    for annotation in annotations:
        where = f"annotations[{annotation['position']}]"
        annotation_id = int(annotation["id"])
        builder.leave_out(annotation_id)
        box = problems.box(annotation, "bbox", image=image, where=where)
        category = problems.integer(annotation, "category_id", image=image, where=where)
        if box is None or category is None:
            continue
        if category not in to_contiguous:
            message = f"expected one of {short(list(to_contiguous))}, found {category}"
            problems.add("unknown category", message, image=image, field=f"{where}.category_id")
            continue
        extra = {key: values[annotation_id] for key, values in extra_of_id.items()}
        extra["iscrowd"] = int(bool(annotation.get("iscrowd", 0)))
        if annotation.get("segmentation"):
            segmentation = _read_segmentation(annotation["segmentation"], builder)
            if segmentation is None:
                message = (
                    "expected polygons of at least three points, or run lengths of "
                    f"{builder.width} x {builder.height}, found "
                    f"{short(annotation['segmentation'])}"
                )
                problems.add("bad mask", message, image=image, field=f"{where}.segmentation")
                continue
            extra["segmentation"] = segmentation
        x, y, width, height = box
        corners = [x, y, x + width, y + height]
        builder.add_instance(annotation_id, corners, to_contiguous[category], field=where, **extra)


def _read_segmentation(segmentation: Any, builder: RecordBuilder) -> list | dict | None:
    """Polygons or compressed run lengths, None where they are broken."""
    if isinstance(segmentation, list):
        polygons = [polygon for polygon in segmentation if _is_polygon(polygon)]
        return polygons or None
    size = [builder.height, builder.width]
    if not isinstance(segmentation, dict) or segmentation.get("size") != size:
        return None
    counts = segmentation.get("counts")
    if isinstance(counts, str):
        return segmentation
    if not isinstance(counts, list) or not all(type(n) is int and n >= 0 for n in counts):
        return None
    if sum(counts) != size[0] * size[1]:
        return None
    rle = mask_util.frPyObjects({"size": size, "counts": counts}, *size)
    return {"size": size, "counts": rle["counts"].decode()}


def _is_polygon(polygon: Any) -> bool:
    return (
        isinstance(polygon, list)
        and len(polygon) >= 6
        and len(polygon) % 2 == 0
        and all(type(n) in (int, float) and math.isfinite(n) for n in polygon)
    )
