"""COCO with relations, as SGG-Benchmark writes it.

Beside COCO's keys: ``rel_categories: [{"id", "name"}]``, ``rel_annotations: [{"id", "image_id",
"subject_id", "object_id", "predicate_id"}]``, whose ends are ids of annotations.
"""

from __future__ import annotations

from collections.abc import Mapping

from choi_d2.data.datasets.coco_like import read_categories, take_names_in_use
from choi_d2.data.datasets.common import existing_images
from choi_d2.data.masks import BadMaskError, read_segmentation
from choi_d2.data.validation import Problems

from .content import ContentBuilder
from .source import Options, Source


def matches(source: Source) -> bool:
    """An object with COCO's keys and relations."""
    return {"images", "annotations", "categories", "rel_annotations"} <= source.keys


def read(source: Source, options: Options, builder: ContentBuilder) -> None:
    """Read the object. Relations whose subject is no human are left out."""
    content, problems = source.content, builder.problems
    categories = read_categories(content, "categories", problems)
    annotations = problems.value(content, "annotations", list)
    used = {
        problems.integer(entry, "category_id", where=f"annotations[{position}]")
        for position, entry in enumerate(annotations)
    }
    categories = take_names_in_use(categories, used, "categories", problems)
    verbs = read_categories(content, "rel_categories", problems)
    builder.declare(category["name"] for category in categories.values())
    images = _add_images(source, options, builder)
    own_ids = _add_instances(content, categories, images, builder)
    for position, entry in enumerate(problems.value(content, "rel_annotations", list)):
        where = f"rel_annotations[{position}]"
        keys = ("subject_id", "object_id", "predicate_id")
        human, target, verb = (problems.integer(entry, key, where=where) for key in keys)
        missing = [end for end in (human, target) if end not in own_ids]
        if missing:
            problems.add("dangling id", f"there is no annotation {missing[0]}", field=where)
            continue
        if verb not in verbs:
            message = f"there is no entry {verb} in rel_categories"
            problems.add("unknown verb", message, field=f"{where}.predicate_id")
            continue
        (image, human), (other, target) = own_ids[human], own_ids[target]
        if human is None or target is None:
            message = "one of its ends was left out"
            problems.add("pair of a left-out instance", message, image=image, field=where)
        elif image != other:
            message = f"its ends are in two images, {image} and {other}"
            problems.add("dangling id", message, image=image, field=where)
        else:
            builder.add_triplet(human, target, verbs[verb]["name"], image=image, field=where)


def _add_images(source: Source, options: Options, builder: ContentBuilder) -> dict[int, dict]:
    """Their id -> the image."""
    problems = builder.problems
    entries: dict[int, dict] = {}
    for position, entry in enumerate(problems.value(source.content, "images", list)):
        where = f"images[{position}]"
        image_id = problems.integer(entry, "id", where=where)
        name = problems.file_name(entry, "file_name", where=where)
        if image_id in entries:
            problems.add("duplicate id", f"id {image_id} is used twice", field=f"{where}.id")
        entries[image_id] = {"name": name, "where": where, "entry": entry}
    without = [e["name"] for e in entries.values() if not {"height", "width"} <= set(e["entry"])]
    sizes = {}
    if without:
        why = f"{len(without)} images have no size, for example {without[0]}"
        sizes = existing_images(options.need("images", why), without, problems, source.path)
    images = {}
    for image_id, (name, where, entry) in ((i, e.values()) for i, e in entries.items()):
        if name in without:
            if name in sizes:
                height, width = sizes[name]
                images[image_id] = builder.add_image(name, width, height)
            continue
        height, width = (
            problems.integer(entry, key, image=name, where=where) for key in ("height", "width")
        )
        images[image_id] = builder.add_image(name, width, height)
    return images


def _add_instances(
    content: Mapping, categories: Mapping, images: Mapping, builder: ContentBuilder
) -> dict[int, tuple[str | None, int | None]]:
    """Their id -> (file name of the image, our id, or None where it is left out)."""
    problems, own_ids = builder.problems, {}
    for position, entry in enumerate(problems.value(content, "annotations", list)):
        where = f"annotations[{position}]"
        keys = ("id", "image_id", "category_id")
        own, image_id, category = (problems.integer(entry, key, where=where) for key in keys)
        if own in own_ids:
            problems.add("duplicate id", f"id {own} is used twice", field=f"{where}.id")
        image = images.get(image_id)
        if image is None:
            message = f"there is no image {image_id}, or it was left out"
            problems.add("unknown image", message, field=f"{where}.image_id")
            own_ids[own] = None, None
            continue
        name = image["file_name"]
        if category not in categories:
            message = f"there is no category {category}"
            problems.add("unknown category", message, image=name, field=f"{where}.category_id")
            own_ids[own] = name, None
            continue
        x, y, width, height = problems.box(entry, "bbox", image=name, where=where)
        iscrowd = problems.flag(entry, "iscrowd", default=False, image=name, where=where)
        judged = certainty = None
        if "judged" in entry:
            judged = problems.flag(entry, "judged", default=True, image=name, where=where)
        if entry.get("certainty") is not None:
            certainty = problems.number(entry, "certainty", image=name, where=where)
        ours = builder.add_instance(
            image,
            categories[category]["name"],
            [x, y, x + width, y + height],
            segmentation=_mask(entry, image, where, problems),
            iscrowd=int(iscrowd),
            certainty=certainty,
            judged=judged,
        )
        own_ids[own] = name, ours
    return own_ids


def _mask(
    entry: Mapping, image: Mapping, where: str, problems: Problems
) -> list[list[float]] | dict | None:
    """Polygons or run lengths; None where there are none, or only broken ones."""
    try:
        size = image["height"], image["width"]
        return read_segmentation(entry.get("segmentation"), *size)[0]
    except BadMaskError as error:
        field = f"{where}.segmentation"
        problems.add("bad mask", str(error), image=image["file_name"], field=field)
        return None
