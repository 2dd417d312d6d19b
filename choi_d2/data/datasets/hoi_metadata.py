"""What the JSON of a data set of your own says about its classes and verbs."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Mapping

from detectron2.data import MetadataCatalog

from choi_d2.data.validation import Problems, read_flag
from choi_d2.utils import InputError

from .coco_like import read_categories, take_names_in_use

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
    used_categories = _ids_in_use(content, "annotations", "category_id")
    categories = take_names_in_use(categories, used_categories, "categories", problems)
    used_verbs = _ids_in_use(content, "interactions", "verb_id")
    verbs = take_names_in_use(verbs, used_verbs, "verbs", problems)
    names = [category["name"] for category in categories.values()]
    human_class = given.get("human_class")
    if human_class is None:
        human_class = _human_class(categories, used_categories, problems)
    if not verbs or not 0 <= (-1 if human_class is None else human_class) < len(names):
        message = (
            "expected at least one verb, and a category called 'person' or 'human' (or human_class "
            f"in the metadata); found the categories {names} and {len(verbs)} verbs"
        )
        problems.add("missing key", message, field="categories, verbs")
        return None
    objectless = [
        not problems.flag(verb, "takes_object", default=True, where=f"verbs[{verb['position']}]")
        for verb in verbs.values()
    ]
    humans_as_objects = read_flag(given.get("humans_as_objects", True))
    if humans_as_objects is None:
        found = given["humans_as_objects"]
        message = f"expected True or False in the data set's metadata, found {found!r}"
        raise InputError(message, field="humans_as_objects")
    metadata = {
        "thing_classes": names,
        "verb_classes": [verb["name"] for verb in verbs.values()],
        "human_class": human_class,
        "humans_as_objects": humans_as_objects,
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


def _ids_in_use(content: Mapping, entries: str, key: str) -> set[int]:
    """The ids at ``key`` of a list of entries, as far as they are ids."""
    values = content.get(entries)
    ids = set()
    for entry in values if isinstance(values, list) else ():
        with contextlib.suppress(KeyError, TypeError, ValueError, OverflowError):
            ids.add(int(entry[key]))
    return ids


def _human_class(
    categories: Mapping[int, dict], in_use: Collection[int], problems: Problems
) -> int | None:
    """The place of the category called person or human; of both, the first that is in use."""
    names = [category["name"] for category in categories.values()]
    found = [name for name in HUMAN_NAMES if name in names]
    used = [categories[own]["name"] for own in categories if own in in_use]
    best = next((name for name in found if name in used), found[0] if found else None)
    if len(found) > 1:
        others = "not in use" if len(set(found) & set(used)) < 2 else "another class"
        message = f"{best!r} is taken for the humans; {found[found[0] == best]!r} is {others}"
        problems.add("name not in use", message, field="categories")
    return None if best is None else names.index(best)


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
