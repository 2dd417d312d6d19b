"""Images, instances and categories of a JSON in COCO's format."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from choi_d2.data.masks import BadMaskError, lies_beside, read_segmentation
from choi_d2.data.validation import Problems, short
from choi_d2.pictures import size_error

from .common import RecordBuilder, existing_images, has_area


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
        if not name.strip():
            problems.add("wrong type", "expected a name, found none", field=f"{where}.name")
            continue
        categories[category_id] = {**category, "name": name.strip(), "position": position}
    return dict(sorted(categories.items()))


def take_names_in_use(
    categories: Mapping[int, dict], in_use: Collection[int], key: str, problems: Problems
) -> dict[int, dict]:
    """The entries, each name once.

    Exports of some tools have an empty root category with the name of a real one: of entries with
    one name, the one that is in use is taken. Where several are, nobody can say what was meant.

    Args:
        categories: as :func:`read_categories` returns them.
        in_use: ids that occur in the data set.
        key: where they stand, for messages.
        problems: where blemishes are reported.
    """
    ids_of_name: dict[str, list[int]] = {}
    for own, category in categories.items():
        ids_of_name.setdefault(category["name"], []).append(own)
    left_out: set[int] = set()
    for name, ids in ids_of_name.items():
        if len(ids) == 1:
            continue
        used = [own for own in ids if own in in_use]
        taken = (used or ids)[0]
        left_out.update(own for own in ids if own != taken)
        field = f"{key}[{categories[ids[1]]['position']}].name"
        called = f"the ids {', '.join(map(str, ids))} are all called {name!r}"
        if len(used) > 1:
            message = (
                f"{called}, and more than one of them is in use: give them other names, or their "
                "entries one id"
            )
            problems.add("duplicate name", message, field=field)
        else:
            problems.add("name not in use", f"{called}, {taken} is taken", field=field)
    return {own: category for own, category in categories.items() if own not in left_out}


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
    files: set[str] = set()  # a.png and ./a.png are one
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
        file = os.path.normpath(name)
        if image_id in result.images or file in files:
            kind = "duplicate id" if image_id in result.images else "duplicate image"
            problems.add(kind, f"image {image_id} is there twice", image=name, field=where)
            continue
        names[name] = image_id
        files.add(file)
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
        annotations: as :class:`CocoImages` has them; boxes are ``[x, y, width, height]``. They may
            have a ``certainty`` from 0 to 1, and ``judged``: was it looked at what the instance
            does, and what is done with it?
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
        iscrowd = problems.flag(annotation, "iscrowd", default=False, image=image, where=where)
        extra["iscrowd"] = int(iscrowd)
        if "judged" in annotation:
            judged = problems.flag(annotation, "judged", default=True, image=image, where=where)
            extra["judged"] = judged
        if "certainty" in annotation:
            certainty = _read_certainty(annotation, where, builder)
            if certainty is None:
                continue
            extra["certainty"] = certainty
        x, y, width, height = box
        corners = [x, y, x + width, y + height]
        segmentation = _read_mask(annotation, corners, where, builder)
        if segmentation is not None:
            extra["segmentation"] = segmentation
        builder.add_instance(annotation_id, corners, to_contiguous[category], field=where, **extra)


def _read_certainty(annotation: Mapping, where: str, builder: RecordBuilder) -> float | None:
    """A number in [0, 1]; None where it is broken."""
    image, problems = builder.image, builder.problems
    certainty = problems.number(annotation, "certainty", image=image, where=where)
    if certainty is None or 0 <= certainty <= 1:
        return certainty
    message = f"expected a number from 0 to 1, found {certainty:g}"
    problems.add("bad number", message, image=image, field=f"{where}.certainty")
    return None


def _read_mask(
    annotation: Mapping, corners: list[float], where: str, builder: RecordBuilder
) -> list | dict | None:
    """Polygons or compressed run lengths; None where there are none, or only broken ones."""
    segmentation, place = annotation.get("segmentation"), f"{where}.segmentation"
    image, problems = builder.image, builder.problems
    try:
        mask, broken = read_segmentation(segmentation, builder.height, builder.width)
        if mask is not None and has_area(corners) and lies_beside(mask, corners):
            raise BadMaskError("the mask lies outside of the instance's box")
    except BadMaskError as error:
        message = f"{error}; found {short(segmentation)}"
        problems.add("bad mask", message, image=image, field=place)
        return None
    if broken:
        message = f"{broken} of {broken + len(mask)} polygons are not three points near the image"
        problems.add("bad polygon", message, image=image, field=place)
    return mask
