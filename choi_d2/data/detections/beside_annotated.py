"""A detector's boxes beside the annotated ones, to train on."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from detectron2.structures import Boxes, BoxMode, pairwise_ioa, pairwise_iou

from choi_d2.structures import Detections, Vocabulary
from choi_d2.structures.detections import check_names, class_places

logger = logging.getLogger(__name__)

SAME_INSTANCE_IOU = 0.5
"""From this IoU on, two boxes of one class show one instance."""
IN_CROWD = 0.5
"""A box of which so much is in a crowd of its class is one of the crowd."""


def add_beside_annotated(
    records: Sequence[Mapping],
    detections: Mapping[int | str, Detections],
    vocabulary: Vocabulary,
    path: object,
) -> list[dict]:
    """Records with a detector's boxes as instances, whose ``certainty`` is their score.

    A box that shows an annotated instance of its class, or is in a crowd of it, is left out, and so
    are boxes outside of the image and classes that the vocabulary has not.

    Args:
        records: dataset records, their ids those of the vocabulary; they are not changed.
        detections: ``image_id`` -> boxes in the image's pixels.
        vocabulary: of the model that is trained.
        path: the detections' file, for messages.

    Raises:
        InputError: the vocabulary has none of the detector's classes.
    """
    check_names({name for each in detections.values() for name in each.names}, vocabulary, path)
    joined, added, total = [], 0, 0
    for record in records:
        given = detections[record["image_id"]]
        new = _instances(given, record, vocabulary) if "annotations" in record else []
        total, added = total + len(given.names), added + len(new)
        if new:
            record = {**record, "annotations": [*record["annotations"], *new]}
        joined.append(record)
    message = "%s: %d of %d detections are trained on beside the annotated instances"
    logger.info(message, path, added, total)
    return joined


def _instances(given: Detections, record: Mapping, vocabulary: Vocabulary) -> list[dict]:
    classes = class_places(given.names, vocabulary)
    boxes = Boxes(torch.from_numpy(given.boxes.copy()))
    if {"height", "width"} <= record.keys():
        boxes.clip((record["height"], record["width"]))
    kept = torch.from_numpy(classes >= 0) & boxes.nonempty()
    annotations = record["annotations"]
    if annotations:
        corners = [
            BoxMode.convert(list(x["bbox"]), x["bbox_mode"], BoxMode.XYXY_ABS) for x in annotations
        ]
        annotated = Boxes(torch.tensor(np.reshape(corners, (-1, 4)), dtype=torch.float32))
        is_crowd = torch.tensor([bool(x.get("iscrowd", 0)) for x in annotations])
        overlap = torch.where(
            is_crowd[:, None],
            pairwise_ioa(annotated, boxes) >= IN_CROWD,
            pairwise_iou(annotated, boxes) >= SAME_INSTANCE_IOU,
        )
        same = torch.tensor([x["category_id"] for x in annotations])[:, None] == torch.from_numpy(
            classes
        )
        kept &= ~(overlap & same).any(dim=0)
    return [
        {
            "bbox": boxes.tensor[row].tolist(),
            "bbox_mode": BoxMode.XYXY_ABS,
            "category_id": int(classes[row]),
            "iscrowd": 0,
            "certainty": float(given.scores[row]),
        }
        for row in kept.nonzero()[:, 0].tolist()
    ]
