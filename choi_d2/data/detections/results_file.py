"""What detectors write for COCO's evaluation, checked and with names in the place of ids.

A results file is a list of ``{"image_id", "category_id", "bbox": [x, y, width, height], "score"}``,
or a COCO JSON with ``images``, ``categories`` and such ``annotations``. Where ``category_id`` is a
text, or each entry has a ``category_name``, the file itself says the names.

R: boxes of the file.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from detectron2.data.datasets.builtin_meta import COCO_CATEGORIES

from choi_d2.structures import Detections
from choi_d2.utils import InputError, read_json
from choi_d2.utils.columns import boxes, column, many_objects, numbers, shown

COCO = "coco"
"""What stands for COCO's categories in the place of a file that has them."""

_NEEDED = {
    "categories": {"id", "name"},
    "images": {"id", "file_name"},
    "annotations": {"bbox", "score"},
}

ImageKey = int | str
"""How a file calls an image: by a number or a file name."""


@dataclass(frozen=True, eq=False)
class Results:
    """The boxes of a results file.

    Attributes:
        path: the file.
        images: (R,) whose each is.
        names: (R,) the class of each.
        boxes: (R, 4) float64, x1 y1 x2 y2 in the pixels of the detector's image.
        scores: (R,) float64, in [0, 1].
        listed: the images that somebody lists, with or without boxes; file names. Empty where
            nobody does.
        sizes: width and height of those that are listed, None where they are not said.
    """

    path: Path
    images: Sequence[ImageKey]
    names: Sequence[str]
    boxes: np.ndarray
    scores: np.ndarray
    listed: Sequence[str]
    sizes: Mapping[ImageKey, tuple[float, float] | None]

    def by_image(self) -> dict[ImageKey, Detections]:
        """The detections of every image that has some or is listed."""
        rows: dict[ImageKey, list[int]] = defaultdict(list)
        for name in self.listed:
            rows[name] = []
        for row, image in enumerate(self.images):
            rows[image].append(row)
        return {
            image: Detections(
                self.boxes[mine], [self.names[row] for row in mine], self.scores[mine]
            )
            for image, mine in rows.items()
        }


def read_results(
    path: str | os.PathLike,
    *,
    names_file: str | os.PathLike = "",
    category_names: Mapping[int, str] | None = None,
) -> Results:
    """Read a results file.

    Args:
        path: see the top of this module.
        names_file: what the ids are of where the file itself does not say: a COCO JSON with
            ``categories`` and perhaps ``images``, or :data:`COCO`.
        category_names: the names of ids where neither says them.

    Raises:
        InputError: a file is broken, or an id is not where its name should be.
    """
    path = Path(path)
    with many_objects():
        content = read_json(path)
        described = isinstance(content, dict)
        if not isinstance(content, list | dict):
            problem = f"expected a list of detections, found {shown(content)}"
            raise InputError(problem, path=path)
        entries = _list(content, "annotations", path) if described else content
        listing = _listing(content if described else {}, path, names_file, category_names)

    def place(key: str):
        return lambda row: {"path": path, "field": f"[{row}].{key}"}

    xywh = boxes(column(entries, "bbox", place("bbox")), place("bbox"))
    scores = numbers(column(entries, "score", place("score")), place("score"))
    for wrong, field, expected in (
        ((scores < 0) | (scores > 1), "score", "a number from 0 to 1"),
        ((xywh[:, 2:] < 0).any(axis=1), "bbox", "x, y, width, height"),
    ):
        if wrong.any():
            row = int(wrong.argmax())
            problem = f"expected {expected}, found {shown(entries[row][field])}"
            raise InputError(problem, **place(field)(row))
    return Results(
        path,
        [
            listing.image(x, place("image_id")(row))
            for row, x in enumerate(_image_ids(entries, path))
        ],
        _category_names(entries, listing, place),
        np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1),
        scores,
        list(listing.files.values()),
        listing.sizes,
    )


def read_coco_results(
    results_file: str | os.PathLike, annotation_file: str | os.PathLike
) -> dict[str, Detections]:
    """Read what detectors write for COCO's evaluation, for the predictor.

    Args:
        results_file: JSON list of ``{"image_id", "category_id", "bbox": [x, y, width, height],
            "score"}``.
        annotation_file: JSON with the ``images`` and ``categories`` that the ids are of.

    Returns:
        file name without folder -> detections; an image without any has an empty entry.

    Raises:
        InputError: a file is broken, or an id is in the results alone.
    """
    found = read_results(results_file, names_file=annotation_file).by_image()
    return {os.path.basename(name): detections for name, detections in found.items()}


@dataclass(frozen=True)
class _Listing:
    """What the ids of a file are of.

    Attributes:
        source: who says it, for messages.
        categories: id -> name; None where nobody says it.
        files: image id as a text -> file name; empty where nobody says it.
        sizes: file name -> width and height, None where they are not said.
    """

    source: str
    categories: Mapping[Any, str] | None
    files: Mapping[str, str]
    sizes: Mapping[str, tuple[float, float] | None]

    def image(self, image_id: ImageKey, place: Mapping) -> ImageKey:
        if not self.files:
            return image_id
        # Some write file names, and some numbers as texts.
        name = image_id if image_id in self.sizes else self.files.get(str(image_id))
        if name is None:
            raise InputError(f"{image_id!r} is not in {self.source}", **place)
        return name


def _listing(
    content: Mapping,
    path: Path,
    names_file: str | os.PathLike,
    category_names: Mapping[int, str] | None,
) -> _Listing:
    """What the file itself says goes first, then the names' file, then the data set."""
    source, categories = "the data set", category_names
    files: dict[str, str] = {}
    sizes: dict[str, tuple[float, float] | None] = {}
    described = [(content, path)]
    if names_file == COCO:
        categories, source = {c["id"]: c["name"] for c in COCO_CATEGORIES if c["isthing"]}, "COCO"
    elif names_file:
        described.append((read_json(names_file, dict), Path(names_file)))
        if not {"categories", "images"} & described[-1][0].keys():
            problem = "it has neither 'categories' nor 'images' that ids could be of"
            raise InputError(problem, path=names_file)
    for described_by, where in reversed(described):
        if "categories" in described_by:
            categories = {c["id"]: str(c["name"]) for c in _list(described_by, "categories", where)}
            source = where.name
        if "images" in described_by:
            images = _list(described_by, "images", where)
            files = {str(image["id"]): str(image["file_name"]) for image in images}
            sizes = {str(image["file_name"]): _size(image, where) for image in images}
            source = where.name
    return _Listing(source, categories, files, sizes)


def _size(image: Mapping, path: Path) -> tuple[float, float] | None:
    size = image.get("width"), image.get("height")
    if None in size:
        return None
    if not all(type(side) in (int, float) and side > 0 for side in size):
        problem = f"expected width and height in pixels, found {size[0]!r} and {size[1]!r}"
        raise InputError(problem, path=path, image=image["file_name"], field="images")
    return size


def _list(content: Mapping, key: str, path: Path) -> list:
    entries = content.get(key)
    needed = _NEEDED[key]
    if not isinstance(entries, list) or not all(
        isinstance(x, Mapping) and needed <= x.keys() for x in entries
    ):
        names = " and ".join(f"'{name}'" for name in sorted(needed))
        raise InputError(f"expected a list of objects with {names}", path=path, field=key)
    return entries


def _image_ids(entries: Sequence[Mapping], path: Path) -> list[ImageKey]:
    ids = column(entries, "image_id", lambda row: {"path": path, "field": f"[{row}]"})
    for row, image_id in enumerate(ids):
        if type(image_id) not in (int, str):
            problem = f"expected a number or a file name, found {shown(image_id)}"
            raise InputError(problem, path=path, field=f"[{row}].image_id")
    return ids


def _category_names(entries: Sequence[Mapping], listing: _Listing, place) -> list[str]:
    if entries and all(isinstance(x.get("category_name"), str) for x in entries):
        return [x["category_name"] for x in entries]
    ids = column(entries, "category_id", place("category_id"))
    categories = listing.categories or {}
    names = []
    for row, category in enumerate(ids):
        # bool is an int, and 1.0 would be found as 1.
        name = categories.get(category) if type(category) in (int, str) else None
        if name is None and type(category) is str and category in set(categories.values()):
            name = category
        if name is None:
            raise InputError(
                f"{shown(category)} is not in {listing.source}",
                hint="Say by INPUT.DETECTIONS.NAMES what the ids are of: 'coco', or a JSON with "
                "'categories'.",
                **place("category_id")(row),
            )
        names.append(name)
    return names
