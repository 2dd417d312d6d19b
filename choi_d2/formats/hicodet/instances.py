"""``instances_train2015.json`` and ``instances_test2015.json``: lists of boxes for each image."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from choi_d2.categories.hicodet import HOIS, OBJECTS, VERBS
from choi_d2.utils import InputError
from choi_d2.utils.columns import boxes, integers, shown
from choi_d2.utils.rows import Notes, Rows, check_unique

from .annotations import NUM_HOIS, HICODETAnnotations, check_hoi_ids

_HOI_TABLE = np.array(HOIS)


def read_instances(
    content: Mapping[str, Any], path: str | os.PathLike, notes: Notes
) -> HICODETAnnotations:
    """Read the object.

    Raises:
        InputError: a field is broken, or the file's own lists are not HICO-DET's.
    """
    entries, names = _list(content, "annotation", path), _list(content, "filenames", path)
    if len(names) != len(entries):
        problem = f"expected {len(entries)} names, one for each annotation, found {len(names)}"
        raise InputError(problem, path=path, field="filenames")
    for index, name in enumerate(names):
        if not isinstance(name, str):
            problem = f"expected a file name, found {shown(name)}"
            raise InputError(problem, path=path, field=f"filenames[{index}]")
    check_unique(names, path)
    _check_lists(content, path)

    rows = {
        key: Rows.of(entries, path, names, key)
        for key in ("hoi", "boxes_h", "boxes_o", "object", "verb")
    }
    for key, table in rows.items():
        unlike = np.flatnonzero(table.counts != rows["hoi"].counts)
        if len(unlike):
            image = int(unlike[0])
            problem = (
                f"expected {rows['hoi'].counts[image]} elements, as many as 'hoi' has, "
                f"found {table.counts[image]}"
            )
            raise InputError(problem, path=path, image=names[image], field=key)
    ids = {
        key: integers(rows[key].elements, rows[key].place())[0] for key in ("hoi", "object", "verb")
    }
    hoi_ids = ids["hoi"] + 1
    check_hoi_ids(hoi_ids, rows["hoi"].place(), first=0)
    named = np.stack([ids["object"], ids["verb"]], axis=1)
    other = np.flatnonzero((_HOI_TABLE[hoi_ids - 1] != named).any(axis=1))
    kind = "ground-truth pair whose object or verb is not its HOI class's, counted by the HOI class"
    rows["hoi"].note(notes, kind, other)
    return HICODETAnnotations(
        path=str(path),
        form="instances",
        names=names,
        sizes=_sizes(content, names, path),
        images=rows["hoi"].owners,
        hoi_ids=hoi_ids,
        human_boxes=boxes(rows["boxes_h"].elements, rows["boxes_h"].place()) - 1,
        object_boxes=boxes(rows["boxes_o"].elements, rows["boxes_o"].place()) - 1,
        entries=rows["hoi"].positions,
        place=rows["hoi"].place(),
        invisible=np.zeros((0, 2), np.int64),
        rare=_rare(content, path),
    )


def _list(content: Mapping[str, Any], key: str, path) -> list:
    if not isinstance(content[key], list):
        raise InputError(f"expected a list, found {shown(content[key])}", path=path, field=key)
    return content[key]


def _check_lists(content: Mapping[str, Any], path) -> None:
    """The file's own lists, where it has them, are HICO-DET's: its numbers mean nothing else."""
    correspondence = [[i, hoi.object, hoi.verb] for i, hoi in enumerate(HOIS)]
    expected = {"objects": list(OBJECTS), "verbs": list(VERBS), "correspondence": correspondence}
    for key, values in expected.items():
        if key not in content:
            continue
        found = _list(content, key, path)
        if found != values:
            pairs = enumerate(zip(found, values, strict=False))
            row = next((i for i, (ours, theirs) in pairs if ours != theirs), None)
            what = f"found {len(found)}" if row is None else f"found {shown(found[row])} at {row}"
            problem = f"expected HICO-DET's list of {len(values)}, {what}"
            raise InputError(problem, path=path, field=key)


def _sizes(content: Mapping[str, Any], names: Sequence[str], path) -> np.ndarray | None:
    if "size" not in content:
        return None
    sizes = _list(content, "size", path)
    if len(sizes) != len(names):
        problem = f"expected {len(names)} sizes, one for each image, found {len(sizes)}"
        raise InputError(problem, path=path, field="size")
    try:
        return np.array(sizes, np.int64).reshape(len(names), 2)
    except (ValueError, TypeError, OverflowError):
        problem = "expected a width and a height for each image"
        raise InputError(problem, path=path, field="size") from None


def _rare(content: Mapping[str, Any], path) -> np.ndarray | None:
    if "rare" not in content:
        return None
    ids, _ = integers(_list(content, "rare", path), lambda i: {"path": path, "field": f"rare[{i}]"})
    check_hoi_ids(ids + 1, lambda i: {"path": path, "field": f"rare[{i}]"}, first=0)
    return np.isin(np.arange(NUM_HOIS), ids)
