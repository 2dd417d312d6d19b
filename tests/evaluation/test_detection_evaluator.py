import numpy as np
import pytest
import torch
from detectron2.structures import Boxes
from hoi_scenes import (
    HEIGHT,
    WIDTH,
    empty_output,
    hoiw_like_metadata,
    random_output,
    random_record,
    registered,
)
from pycocotools import mask as mask_util

from choi_d2.evaluation import InstanceDetectionEvaluator


def evaluated(records, outputs, name="detections", **options):
    with registered(name, records, **hoiw_like_metadata()):
        evaluator = InstanceDetectionEvaluator(name, **options)
        evaluator.reset()
        evaluator.process([{"image_id": r["image_id"]} for r in records], outputs)
        return evaluator.evaluate()


@pytest.fixture
def records():
    random = np.random.default_rng(1)
    return [random_record(random, f"{i}.png") for i in range(3)]


def found_again(record):
    """The annotated boxes as detections."""
    output = random_output(np.random.default_rng(0), record)
    output["instances"] = output["instances"][:5]
    output["instances"].pred_boxes = Boxes(torch.tensor([a["bbox"] for a in record["annotations"]]))
    return output


def test_perfect_boxes(records):
    results = evaluated(records, [found_again(record) for record in records])
    assert list(results) == ["bbox"]
    assert results["bbox"]["AP"] == pytest.approx(100)
    assert results["bbox"]["AP-person"] == pytest.approx(100)


def test_humans_at_half_overlap(records):
    """AP of ten IoUs asks for more than AP50, and AP50 of all classes is not that of humans."""
    outputs = [found_again(record) for record in records]
    for output in outputs:
        boxes = output["instances"].pred_boxes.tensor
        shift = 0.15 * (boxes[:, 2] - boxes[:, 0])
        boxes[:2, [0, 2]] += shift[:2, None]  # the two humans: an IoU of 0.74
        output["instances"].pred_classes[2:] = 0
        output["instances"].scores[2:] = 0.01
    results = evaluated(records, outputs)["bbox"]
    assert results["AP50-person"] == pytest.approx(100)
    assert results["AP-person"] == pytest.approx(50)
    assert results["AP50"] == pytest.approx(100 / 3)


def test_uncertain_instances_are_neither_right_nor_wrong(records):
    for record in records:
        record["annotations"][1]["certainty"] = 0.3
    outputs = [found_again(record) for record in records]
    for output in outputs:
        # What is found of the uncertain human goes before what is found of the other.
        output["instances"].scores[:2] = torch.tensor([0.5, 0.9])
    assert evaluated(records, outputs, certainty_thresh=0.5)["bbox"]["AP-person"] == 100
    missed = [{**o, "instances": o["instances"][torch.tensor([0, 2, 3, 4])]} for o in outputs]
    assert evaluated(records, missed, certainty_thresh=0.5)["bbox"]["AP-person"] == 100
    assert evaluated(records, missed)["bbox"]["AP-person"] < 60
    for record in records:
        record["annotations"][1]["bbox"] = [0, 0, 1, 1]
    assert evaluated(records, outputs, certainty_thresh=0.5)["bbox"]["AP-person"] < 60


def test_half_of_the_images_missed(records):
    results = evaluated(records[:2], [found_again(records[0]), empty_output()])
    # Precision 1 up to recall 1/2: 51 of COCO's 101 recall points.
    assert results["bbox"]["AP-person"] == pytest.approx(100 * 51 / 101)


def test_nothing_found_is_zero(records):
    results = evaluated(records, [empty_output() for _ in records])
    assert results["bbox"]["AP50"] == 0


def test_nothing_annotated_is_skipped(records, caplog):
    bare = [record | {"annotations": []} for record in records]
    assert evaluated(bare, [found_again(record) for record in records]) == {}
    assert "no annotated instances" in caplog.text


def test_masks_as_polygons_and_rle(records):
    outputs = []
    for record in records:
        output = found_again(record)
        masks = torch.zeros(5, HEIGHT, WIDTH, dtype=torch.bool)
        for row, annotation in enumerate(record["annotations"]):
            x1, y1, x2, y2 = (round(side) for side in annotation["bbox"])
            masks[row, y1:y2, x1:x2] = True
            if row % 2:
                annotation["segmentation"] = mask_util.encode(np.asfortranarray(masks[row].numpy()))
            else:
                annotation["segmentation"] = [[x1, y1, x2, y1, x2, y2, x1, y2]]
        output["instances"].pred_masks = masks
        outputs.append(output)
    results = evaluated(records, outputs)
    assert results["segm"]["AP"] == pytest.approx(100)
    del records[0]["annotations"][0]["segmentation"]
    assert list(evaluated(records, outputs)) == ["bbox"]
