"""What the JSON of a data set of your own says about its classes and verbs."""

from __future__ import annotations

import os
from collections.abc import Mapping

from detectron2.data import MetadataCatalog

from choi_d2.data.validation import Problems
from choi_d2.utils import InputError

from .coco_like import read_categories

HUMAN_NAMES = ("person", "human")


def hoi_metadata(content: Mapping, given: Mapping, problems: Problems) -> dict | None:
    """What the file says about classes and verbs, completed by ``given``.

    Args:
        content: the JSON.
        given: metadata with which the data set was registered.
        problems: where blemishes are reported.

    Returns:
        The metadata, or None where the file lacks something.
    """
    categories = read_categories(content, "categories", problems)
    verbs = read_categories(content, "verbs", problems)
    names = [category["name"] for category in categories.values()]
    human_class = given.get("human_class")
    if human_class is None:
        human_class = next((names.index(name) for name in HUMAN_NAMES if name in names), None)
    if not verbs or not 0 <= (-1 if human_class is None else human_class) < len(names):
        message = (
            "expected at least one verb, and a category called 'person' or 'human' (or human_class "
            f"in the metadata); found the categories {names} and {len(verbs)} verbs"
        )
        problems.add("missing key", message, field="categories, verbs")
        return None
    objectless = [not verb.get("takes_object", True) for verb in verbs.values()]
    metadata = {
        "thing_classes": names,
        "verb_classes": [verb["name"] for verb in verbs.values()],
        "human_class": human_class,
        "humans_as_objects": given.get("humans_as_objects", True),
        "objectless_verbs": tuple(i for i, is_objectless in enumerate(objectless) if is_objectless),
        "thing_dataset_id_to_contiguous_id": {own: i for i, own in enumerate(categories)},
        "verb_dataset_id_to_contiguous_id": {own: i for i, own in enumerate(verbs)},
    }
    allowed = given.get("allowed_interactions")
    if "allowed_interactions" in content:
        allowed = _allowed_interactions(content, categories, verbs, problems)
    if allowed is not None:
        metadata["allowed_interactions"] = tuple(map(tuple, allowed))
    return metadata


def _allowed_interactions(
    content: Mapping, categories: Mapping, verbs: Mapping, problems: Problems
) -> list[tuple[str, str]]:
    """(verb, object) by name."""
    key = "allowed_interactions"
    allowed = []
    for position, entry in enumerate(problems.value(content, key, list) or []):
        where = f"{key}[{position}]"
        verb = problems.integer(entry, "verb_id", where=where)
        category = problems.integer(entry, "category_id", where=where)
        if verb is None or category is None:
            continue
        if verb not in verbs:
            problems.add("unknown verb", f"there is no verb {verb}", field=f"{where}.verb_id")
        elif category not in categories:
            message = f"there is no category {category}"
            problems.add("unknown category", message, field=f"{where}.category_id")
        else:
            allowed.append((verbs[verb]["name"], categories[category]["name"]))
    if not allowed:
        message = "expected at least one verb with its object; leave out the key to allow all"
        problems.add("missing key", message, field=key)
    return allowed


def complete_metadata(name: str, metadata: Mapping, json_file: str | os.PathLike) -> None:
    """Add what a file says to a registered data set's metadata.

    Raises:
        InputError: they contradict each other.
    """
    target = MetadataCatalog.get(name)
    for key, value in metadata.items():
        given = target.get(key)
        same = given == value or (isinstance(given, list | tuple) and list(given) == list(value))
        if given is not None and not same:
            message = f"the file says {value!r}, the metadata of {name!r} {given!r}"
            raise InputError(message, path=json_file, field=key)
        if given is None:
            target.set(**{key: value})
