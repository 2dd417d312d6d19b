"""Small data sets and model outputs for the evaluators' tests."""

from __future__ import annotations

import contextlib

import numpy as np
import torch
from detectron2.data import DatasetCatalog, MetadataCatalog
from detectron2.structures import Boxes, BoxMode, Instances

HEIGHT, WIDTH = 120, 160


@contextlib.contextmanager
def registered(name: str, records: list[dict], **metadata):
    """A data set that exists only in here."""
    DatasetCatalog.register(name, lambda: records)
    MetadataCatalog.get(name).set(**metadata)
    try:
        yield name
    finally:
        DatasetCatalog.remove(name)
        MetadataCatalog.remove(name)


def hoiw_like_metadata(**changes) -> dict:
    """Three classes and four verbs with ids that are not the contiguous ones."""
    return {
        "thing_classes": ["person", "cup", "phone"],
        "verb_classes": ["hold", "drink", "call", "smoke"],
        "human_class": 0,
        "humans_as_objects": False,
        "objectless_verbs": (),
        "thing_dataset_id_to_contiguous_id": {1: 0, 4: 1, 2: 2},
        "verb_dataset_id_to_contiguous_id": {7: 0, 5: 1, 2: 2, 1: 3},
        "evaluator_type": "hoiw",
    } | changes


def random_record(random: np.random.Generator, image_id, num_classes=3, num_verbs=4) -> dict:
    """One image: two humans, three objects, some pairs."""
    corner = random.uniform(0, 60, (5, 2))
    boxes = np.concatenate([corner, corner + random.uniform(20, 50, (5, 2))], axis=1).round(2)
    classes = [0, 0, *random.integers(1, num_classes, 3).tolist()]
    pairs = [(0, 2), (0, 3), (1, 4)]
    verbs = random.integers(0, num_verbs, (3, 2)).tolist()
    return {
        "file_name": f"/images/{image_id}",
        "image_id": image_id,
        "height": HEIGHT,
        "width": WIDTH,
        "annotations": [
            {"bbox": box, "bbox_mode": BoxMode.XYXY_ABS, "category_id": category, "iscrowd": 0}
            for box, category in zip(boxes.tolist(), classes, strict=True)
        ],
        "interactions": [
            {"human": human, "object": object_, "verbs": sorted(set(verbs_of_pair))}
            for (human, object_), verbs_of_pair in zip(pairs, verbs, strict=True)
        ],
    }


def random_output(random: np.random.Generator, record: dict, num_verbs=4) -> dict:
    """A model's output: the annotated boxes, jittered, some of them twice, and scores at random."""
    truth = np.array([a["bbox"] for a in record["annotations"]]).reshape(-1, 4)
    rows = np.concatenate([np.arange(len(truth)), random.integers(0, max(len(truth), 1), 3)])
    rows = rows[: len(truth) + 3 * bool(len(truth))]
    boxes = torch.tensor(truth[rows] + random.normal(0, 2.5, (len(rows), 4)), dtype=torch.float32)
    classes = torch.tensor([record["annotations"][r]["category_id"] for r in rows]).long()
    pairs = [
        (h, o) for h in range(len(rows)) for o in range(len(rows)) if h != o and classes[h] == 0
    ]
    verb_scores = torch.tensor(random.uniform(0, 1.5, (len(pairs), num_verbs)), dtype=torch.float32)
    return model_output(
        boxes, classes, torch.tensor(random.uniform(0.3, 1, len(rows))).float(), pairs, verb_scores
    )


def model_output(boxes, classes, scores, pairs, verb_scores, masks=None) -> dict:
    """``{"instances", "interactions"}`` as the model returns them."""
    pairs = torch.tensor(pairs, dtype=torch.int64).reshape(-1, 2)
    humans, objects = pairs[:, 0], pairs[:, 1]
    instances = Instances(
        (HEIGHT, WIDTH), pred_boxes=Boxes(boxes), scores=scores, pred_classes=classes
    )
    if masks is not None:
        instances.pred_masks = masks
    interactions = Instances(
        (HEIGHT, WIDTH),
        pair_indices=pairs,
        human_boxes=Boxes(boxes[humans]),
        object_boxes=Boxes(boxes[objects]),
        human_scores=scores[humans],
        object_scores=scores[objects],
        human_classes=classes[humans],
        object_classes=classes[objects],
        rank_scores=torch.linspace(1, 0, len(pairs)),
        verb_scores=verb_scores,
        triplet_scores=(scores[humans] * scores[objects])[:, None] * verb_scores,
    )
    return {"instances": instances, "interactions": interactions}


def empty_output(num_verbs=4) -> dict:
    """Nothing was found."""
    return model_output(
        torch.zeros(0, 4), torch.zeros(0).long(), torch.zeros(0), [], torch.zeros(0, num_verbs)
    )


def evaluated(evaluator, records, outputs):
    """The metrics of these outputs; None is an image that the evaluator never sees."""
    evaluator.reset()
    for record, output in zip(records, outputs, strict=True):
        if output is not None:
            evaluator.process([{"image_id": record["image_id"]}], [output])
    return evaluator.evaluate()
