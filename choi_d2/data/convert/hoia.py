"""HOI-A's form, which PPDM, QPIC and others use for their data sets too.

``[{"file_name", "annotations": [{"bbox": [x1, y1, x2, y2], "category_id"}], "hoi_annotation":
[{"subject_id", "object_id", "category_id"}]}]``: ids are positions in ``annotations``, -1 as object
means none. It has neither names (``--objects``, ``--verbs``) nor sizes (``--images``).
"""

from __future__ import annotations

from collections.abc import Mapping

from choi_d2.data.datasets.common import existing_images

from .content import ContentBuilder
from .name_lists import KNOWN_OBJECTS, KNOWN_VERBS, read_names
from .source import Options, Source


def matches(source: Source) -> bool:
    """A list of images with ``hoi_annotation``, and no classes of interaction as HICO-DET has."""
    return has_pairs(source) and not has_classes(source)


def has_pairs(source: Source) -> bool:
    """A list of images with ``hoi_annotation``?"""
    return {"file_name", "annotations", "hoi_annotation"} <= set(source.first)


def has_classes(source: Source) -> bool:
    """Does an interaction have HICO-DET's ``hoi_category_id``?"""
    return any(
        isinstance(pair, dict) and "hoi_category_id" in pair
        for entry in source.content
        if isinstance(entry, dict) and isinstance(entry.get("hoi_annotation"), list)
        for pair in entry["hoi_annotation"]
    )


def read(source: Source, options: Options, builder: ContentBuilder) -> None:
    """Read the list."""
    why = "the form has numbers alone; a file with one name a line, or a known list: "
    objects, verbs = (
        read_names(options.need(key, why + ", ".join(known)), known, f"--{key}")
        for key, known in (("objects", KNOWN_OBJECTS), ("verbs", KNOWN_VERBS))
    )
    root = options.need("images", "the form has no sizes of images, they are read from the files")
    builder.declare(objects.values(), verbs.values())
    problems = builder.problems
    entries = {}
    for position, entry in enumerate(source.content):
        name = problems.file_name(entry, "file_name", where=f"[{position}]")
        if name in entries:
            problems.add("duplicate image", "the image is there twice", image=name)
        entries[name] = entry
    sizes = existing_images(root, list(entries), problems, source.path)
    for name, (height, width) in sizes.items():
        image = builder.add_image(name, width, height)
        ids = _add_boxes(image, entries[name], objects, builder)
        _add_pairs(name, entries[name], verbs, ids, builder)


def _add_boxes(
    image: Mapping, entry: Mapping, objects: Mapping[int, str], builder: ContentBuilder
) -> list[int | None]:
    """The id of each box; None for one that is left out."""
    problems, name, ids = builder.problems, image["file_name"], []
    for position, box in enumerate(problems.value(entry, "annotations", list, image=name)):
        where = f"annotations[{position}]"
        corners = problems.box(box, "bbox", image=name, where=where)
        category = problems.integer(box, "category_id", image=name, where=where)
        if category not in objects:
            message = f"--objects has no {category}, it goes from {min(objects)} to {max(objects)}"
            problems.add("unknown category", message, image=name, field=f"{where}.category_id")
        known = category in objects
        ids.append(builder.add_instance(image, objects[category], corners) if known else None)
    return ids


def _add_pairs(
    name: str,
    entry: Mapping,
    verbs: Mapping[int, str],
    ids: list[int | None],
    builder: ContentBuilder,
) -> None:
    problems = builder.problems
    for position, pair in enumerate(problems.value(entry, "hoi_annotation", list, image=name)):
        where = f"hoi_annotation[{position}]"
        human = problems.integer(pair, "subject_id", image=name, where=where)
        verb = problems.integer(pair, "category_id", image=name, where=where)
        target = -1
        if "object_id" not in pair or pair["object_id"] is not None:
            target = problems.integer(pair, "object_id", image=name, where=where)
        ends = {"subject_id": human} | ({} if target == -1 else {"object_id": target})
        dangling = [key for key, end in ends.items() if not 0 <= end < len(ids)]
        if dangling:
            message = f"there is no box {ends[dangling[0]]}, the image has {len(ids)}"
            problems.add("dangling id", message, image=name, field=f"{where}.{dangling[0]}")
        elif verb not in verbs:
            message = f"--verbs has no {verb}, it goes from {min(verbs)} to {max(verbs)}"
            problems.add("unknown verb", message, image=name, field=f"{where}.category_id")
        elif None in [ids[end] for end in ends.values()]:
            message = "one of its boxes was left out"
            problems.add("pair of a left-out instance", message, image=name, field=where)
        else:
            end = None if target == -1 else ids[target]
            builder.add_triplet(ids[human], end, verbs[verb], image=name, field=where)
