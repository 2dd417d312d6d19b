"""The detections of a data set's images that somebody else has found."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from detectron2.data import DatasetCatalog, MetadataCatalog
from detectron2.structures import BoxMode

from choi_d2.structures import Detections
from choi_d2.utils import InputError

from .images import join_images
from .results_file import Results, read_results

logger = logging.getLogger(__name__)

MOSTLY_OUTSIDE = 0.05
"""From this share of boxes on that are outside by half, they are not of these images' sizes."""
SAME_ASPECT = 0.03
"""The aspects of one picture in two sizes differ by less than this, by rounding."""

NOTHING = Detections(np.zeros((0, 4)), (), np.zeros(0))


def given_detections(
    dataset_name: str, results_file: str | os.PathLike, names_file: str | os.PathLike = ""
) -> dict[int | str, Detections]:
    """A detector's boxes of every image of a data set.

    Images without an entry have no detection, which is counted and said. Where the file says other
    sizes of the images, boxes are scaled to the data set's.

    Args:
        dataset_name: a registered data set.
        results_file: see :mod:`choi_d2.data.detections.results_file`.
        names_file: what its ids are of where it does not say itself and they are not the data
            set's: a COCO JSON, or "coco".

    Returns:
        ``image_id`` of each record -> boxes in the image's pixels.

    Raises:
        InputError: the file is broken, is of other images, or its boxes are of other sizes.
    """
    records = DatasetCatalog.get(dataset_name)
    metadata = MetadataCatalog.get(dataset_name)
    results = read_results(
        results_file, names_file=names_file, category_names=_category_names(metadata)
    )
    found = results.by_image()
    places = join_images(found, records, metadata.get("image_root"), results_file)
    detections = [NOTHING] * len(records)
    for key, place in places.items():
        given = _scaled(found[key], results.sizes.get(key), records[place], results.path)
        detections[place] = _together(detections[place], given)
    _check_sizes(detections, records, results)
    _report(dataset_name, results.path, detections, places, found)
    ids = (record["image_id"] for record in records)
    return dict(zip(ids, detections, strict=True))


def true_boxes(dataset_name: str, certainty_thresh: float) -> dict[int | str, Detections]:
    """The annotated boxes of every image of a data set, as detections of score 1.

    Crowds, instances of too little certainty, and those whose interactions nobody judged are left
    out.

    Args:
        dataset_name: a registered data set.
        certainty_thresh: the least certainty of an instance.

    Returns:
        as :func:`given_detections`.
    """
    records = DatasetCatalog.get(dataset_name)
    if not any(record.get("annotations") for record in records):
        raise InputError(
            f"data set {dataset_name!r} has no annotated boxes that could be given to the model",
            field="TEST.DETECTIONS",
        )
    names = MetadataCatalog.get(dataset_name).thing_classes
    detections = {}
    for record in records:
        kept = [
            x
            for x in record.get("annotations", ())
            if not x.get("iscrowd", 0)
            and x.get("judged", True)
            and x.get("certainty", 1.0) >= certainty_thresh
        ]
        boxes = [BoxMode.convert(list(x["bbox"]), x["bbox_mode"], BoxMode.XYXY_ABS) for x in kept]
        labels = [names[x["category_id"]] for x in kept]
        corners = np.reshape(boxes, (-1, 4))
        detections[record["image_id"]] = Detections(corners, labels, np.ones(len(kept)))
    return detections


def _category_names(metadata) -> dict[int, str]:
    """The data set's own category ids -> names."""
    names = metadata.get("thing_classes") or ()
    own = metadata.get("thing_dataset_id_to_contiguous_id") or {i: i for i in range(len(names))}
    return {own_id: names[place] for own_id, place in own.items() if place < len(names)}


def _together(first: Detections, second: Detections) -> Detections:
    """Of one image that a file calls by two names."""
    if first is NOTHING:
        return second
    return Detections(
        np.concatenate([first.boxes, second.boxes]),
        [*first.names, *second.names],
        np.concatenate([first.scores, second.scores]),
    )


def _scaled(
    given: Detections, size: tuple[float, float] | None, record: Mapping, path: Path
) -> Detections:
    """From the size that the file says of its image to the record's."""
    if size is None or not {"width", "height"} <= record.keys():
        return given
    width, height = size
    if (width, height) == (record["width"], record["height"]):
        return given
    scales = np.array([record["width"], record["height"]]) / np.maximum((width, height), 1)
    # A rounded side is off by half a pixel.
    slack = SAME_ASPECT + 1 / min(width, height, record["width"], record["height"])
    if abs(scales[0] / scales[1] - 1) > slack:
        raise InputError(
            f"the image is {width} x {height} there, and {record['width']} x {record['height']} in "
            "the data set: no size of the same picture",
            path=path,
            image=record["file_name"],
            hint="Was it turned by its orientation tag, cropped or squashed in one of them?",
        )
    return Detections(given.boxes * np.tile(scales, 2), given.names, given.scores)


def _check_sizes(
    detections: Sequence[Detections], records: Sequence[Mapping], results: Results
) -> None:
    """Are the boxes of images of these sizes?"""
    outside, count, first = 0, 0, None
    ends: list[np.ndarray] = []
    for given, record in zip(detections, records, strict=True):
        if not {"width", "height"} <= record.keys() or not len(given.names):
            continue
        limits = np.array([record["width"], record["height"]] * 2, np.float32)
        visible = np.clip(given.boxes, 0, limits)
        areas = [(x[:, 2] - x[:, 0]) * (x[:, 3] - x[:, 1]) for x in (visible, given.boxes)]
        wrong = areas[0] < 0.5 * areas[1]
        if wrong.any() and first is None:
            first = record["file_name"], given.boxes[wrong.argmax()].tolist()
        outside, count = outside + int(wrong.sum()), count + len(wrong)
        ends.append((given.boxes[:, 2:] / limits[2:]).max(axis=0))
    if outside and outside >= MOSTLY_OUTSIDE * count:
        raise InputError(
            f"{outside} of {count} boxes are for the most part outside of their images, the first "
            f"(x1 y1 x2 y2) {[round(x, 1) for x in first[1]]}",
            path=results.path,
            image=first[0],
            field="bbox",
            hint="Were the images of another size there, or is it not x, y, width, height in "
            "pixels? A file with 'images' that have width and height is scaled.",
        )
    if outside:
        message = (
            "%s: %d of %d boxes are for the most part outside of their images, the first in %s"
        )
        logger.warning(message, results.path, outside, count, first[0])
    if len(ends) >= 10 and np.max(ends) < 0.75:
        message = "%s: no box ends near the right or lower end of its image: are they pixels of "
        logger.warning(message + "images of this size?", results.path)


def _report(
    dataset_name: str,
    path: Path,
    detections: Sequence[Detections],
    places: Mapping,
    found: Mapping,
) -> None:
    logger.info(
        "%s: %d detections in %d images of %r",
        path,
        sum(len(x.names) for x in detections),
        sum(bool(len(x.names)) for x in detections),
        dataset_name,
    )
    absent = len(detections) - len(set(places.values()))
    if absent:
        message = "%s: %d of the %d images of %r are not in it, and have no detection"
        logger.warning(message, path, absent, len(detections), dataset_name)
    others = len(found) - len(places)
    if others:
        logger.info("%s: %d images that %r has not are left out", path, others, dataset_name)
