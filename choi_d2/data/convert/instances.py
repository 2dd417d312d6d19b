"""``instances_*.json`` as of fredzzhang's repositories: pairs of boxes for each image.

HICO-DET's: ``{"annotation": [{"boxes_h", "boxes_o", "hoi", "object", "verb"}], "filenames", "size",
"objects", "verbs", "correspondence"}``, pixels counted from 1, classes from 0; without lists of
names they are HICO-DET's. V-COCO's: ``{"annotations": [{"boxes_h", "boxes_o", "actions", "objects",
"file_name"}], "classes"}``, pixels from 0, objects with COCO's ids, no sizes (``--images``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from choi_d2.categories import hicodet
from choi_d2.data.datasets.common import existing_images
from choi_d2.data.datasets.merge_boxes import merge_pairs
from choi_d2.data.validation import Problems

from .content import HUMAN_NAMES, ContentBuilder
from .name_lists import COCO
from .source import Options, Source


def matches(source: Source) -> bool:
    """One of the two."""
    return {"annotation", "filenames"} <= source.keys or _is_vcoco(source)


def _is_vcoco(source: Source) -> bool:
    if not {"annotations", "classes"} <= source.keys:
        return False
    entries = source.content["annotations"]
    first = entries[0] if isinstance(entries, list) and entries else None
    return isinstance(first, dict) and "boxes_h" in first


def read(source: Source, options: Options, builder: ContentBuilder) -> None:
    """Read either."""
    (_read_vcoco if _is_vcoco(source) else _read_hicodet)(source, options, builder)


def _read_hicodet(source: Source, options: Options, builder: ContentBuilder) -> None:
    content, problems = source.content, builder.problems
    objects = _names(content, "objects", hicodet.OBJECTS, problems)
    verbs = _names(content, "verbs", hicodet.VERBS, problems)
    builder.declare(objects, verbs)
    for verb, target in _allowed(content, objects, verbs, problems):
        builder.allow(verb, target)
    human = next((i for i, name in enumerate(objects) if builder.is_human(name)), len(objects))
    entries = problems.value(content, "annotation", list)
    names = _names(content, "filenames", (), problems)
    if len(names) != len(entries):
        message = f"expected {len(entries)} names, as 'annotation' has, found {len(names)}"
        problems.add("unlike lists", message, field="filenames")
    sizes = _sizes(content, names, source, options, problems)
    for position, (name, entry) in enumerate(zip(names, entries, strict=True)):
        if name not in sizes:
            continue
        where = f"annotation[{position}]"
        height, width = sizes[name]
        image = builder.add_image(name, width, height)
        targets, actions = (
            problems.list_of_integers(entry, key, image=name, where=where)
            for key in ("object", "verb")
        )
        key = "hoi" if "hoi" in entry else "verb"
        annotated = problems.list_of_integers(entry, key, image=name, where=where)
        if len(annotated) != len(actions):
            message = f"expected {len(actions)} classes, as 'verb' has, found {len(annotated)}"
            problems.add("unlike lists", message, image=name, field=f"{where}.hoi")
        humans, things = _boxes(entry, name, where, len(targets), problems, shift=-1)
        kept = _known(targets, actions, (objects, verbs), image, where, problems)
        classes = np.array([targets[row] for row in kept], np.int64)
        # What was annotated for one class of interaction tells people and things apart.
        numbers = {number: place for place, number in enumerate(dict.fromkeys(annotated))}
        of_class = np.array([numbers[annotated[row]] for row in kept], np.int64)
        merged = merge_pairs(humans[kept], things[kept], classes, of_class, human)
        ids = [
            builder.add_instance(
                image, HUMAN_NAMES[0] if category == human else objects[category], box
            )
            for box, category in zip(merged.boxes.tolist(), merged.classes.tolist(), strict=True)
        ]
        pairs = zip(merged.humans.tolist(), merged.objects.tolist(), kept, strict=True)
        for first, second, row in pairs:
            verb = verbs[actions[row]]
            field = f"{where}.verb[{row}]"
            builder.add_triplet(ids[first], ids[second], verb, image=name, field=field)


def _read_vcoco(source: Source, options: Options, builder: ContentBuilder) -> None:
    content, problems = source.content, builder.problems
    verbs = [name.replace(" ", "_") for name in _names(content, "classes", (), problems)]
    builder.declare(COCO.values(), verbs)
    entries = problems.value(content, "annotations", list)
    names = [
        problems.file_name(entry, "file_name", where=f"annotations[{position}]")
        for position, entry in enumerate(entries)
    ]
    root = options.need("images", "the form has no sizes of images, they are read from the files")
    sizes = existing_images(root, names, problems, source.path)
    for position, (name, entry) in enumerate(zip(names, entries, strict=True)):
        if name not in sizes:
            continue
        where = f"annotations[{position}]"
        height, width = sizes[name]
        image = builder.add_image(name, width, height)
        actions = problems.list_of_integers(entry, "actions", image=name, where=where)
        targets = [
            problems.integer({"objects": number}, "objects", image=name, where=where)
            for number in problems.value(entry, "objects", list, image=name, where=where)
        ]
        humans, things = _boxes(entry, name, where, len(actions), problems, shift=0)
        # The same box is the same person or thing.
        ids: dict[tuple, int] = {}
        for row in _known(targets, actions, (COCO, verbs), image, where, problems):
            ends = [
                (HUMAN_NAMES[0], tuple(humans[row].tolist())),
                (COCO[targets[row]], tuple(things[row].tolist())),
            ]
            for end in ends:
                if end not in ids:
                    ids[end] = builder.add_instance(image, *end)
            first, second = (ids[end] for end in ends)
            field = f"{where}.actions[{row}]"
            builder.add_triplet(first, second, verbs[actions[row]], image=name, field=field)


def _names(content: Mapping, key: str, default: Sequence[str], problems: Problems) -> Sequence[str]:
    if key not in content and default:
        return default
    names = problems.value(content, key, list)
    for position, name in enumerate(names):
        problems.value({f"{key}[{position}]": name}, f"{key}[{position}]", str)
    return names


def _allowed(
    content: Mapping, objects: Sequence[str], verbs: Sequence[str], problems: Problems
) -> list[tuple[str, str]]:
    """(verb, object) of each class of interaction, where the file has a list of them."""
    if "correspondence" not in content:
        return []
    pairs = []
    for position, row in enumerate(problems.value(content, "correspondence", list)):
        field = f"correspondence[{position}]"
        numbers = problems.list_of_integers({field: row}, field)
        known = (
            len(numbers) == 3 and 0 <= numbers[1] < len(objects) and 0 <= numbers[2] < len(verbs)
        )
        if not known:
            message = f"expected a class, its object and its verb, found {row}"
            problems.add("unlike lists", message, field=field)
        pairs.append((verbs[numbers[2]], objects[numbers[1]]))
    return pairs


def _sizes(
    content: Mapping, names: list, source: Source, options: Options, problems: Problems
) -> dict[str, tuple[int, int]]:
    """Heights and widths by name."""
    if "size" not in content:
        root = options.need("images", "the file has no 'size', sizes are read from the images")
        return existing_images(root, names, problems, source.path)
    sizes = problems.value(content, "size", list)
    if len(sizes) != len(names) or any(not isinstance(s, list) or len(s) != 2 for s in sizes):
        message = f"expected {len(names)} pairs of width and height, one for each image"
        problems.add("unlike lists", message, field="size")
    return {name: (height, width) for name, (width, height) in zip(names, sizes, strict=True)}


def _boxes(
    entry: Mapping, name: str, where: str, number: int, problems: Problems, *, shift: int
) -> tuple[np.ndarray, np.ndarray]:
    """(P, 4) corners of the humans and of the objects; the last pixel is a part of a box."""
    found = []
    for key in ("boxes_h", "boxes_o"):
        rows = problems.value(entry, key, list, image=name, where=where)
        if len(rows) != number:
            message = f"expected {number} boxes, one for each pair, found {len(rows)}"
            problems.add("unlike lists", message, image=name, field=f"{where}.{key}")
        boxes = [
            problems.box({f"{key}[{row}]": box}, f"{key}[{row}]", image=name, where=where)
            for row, box in enumerate(rows)
        ]
        corners = np.array(boxes, np.float64).reshape(-1, 4) + shift
        found.append(corners + [0, 0, 1, 1])
    return found[0], found[1]


def _known(
    targets: Sequence[int],
    actions: Sequence[int],
    lists: tuple[Sequence[str] | Mapping[int, str], Sequence[str]],
    image: Mapping,
    where: str,
    problems: Problems,
) -> list[int]:
    """Rows of pairs whose object and verb have a name."""
    if len(targets) != len(actions):
        message = f"expected as many objects as verbs, found {len(targets)} and {len(actions)}"
        problems.add("unlike lists", message, image=image["file_name"], field=where)
    objects, verbs = lists
    rows = []
    for row, (target, action) in enumerate(zip(targets, actions, strict=True)):
        is_known = target in objects if isinstance(objects, Mapping) else 0 <= target < len(objects)
        if not is_known or not 0 <= action < len(verbs):
            kind = "unknown verb" if is_known else "unknown category"
            message = f"the object {target} or the verb {action} has no name in the file's lists"
            problems.add(kind, message, image=image["file_name"], field=f"{where}[{row}]")
        else:
            rows.append(row)
    return rows
