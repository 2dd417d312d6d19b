import numpy as np
import torch
from detectron2.structures import Boxes, BoxMode, Instances

from choi_d2.structures import HOIAnnotations
from choi_d2.visualization import Triplet
from choi_d2.visualization.scene import Scene


def test_record_and_sample_of_the_same_scene_agree(record):
    from_record = Scene.from_record(record, record["height"], record["width"])
    instances = Instances((record["height"], record["width"]))
    boxes = [annotation["bbox"] for annotation in record["annotations"]]
    instances.gt_boxes = Boxes(torch.tensor(boxes, dtype=torch.float32))
    instances.gt_classes = torch.tensor([a["category_id"] for a in record["annotations"]])
    faces = Instances(
        instances.image_size, boxes=Boxes(torch.tensor([record["faces"][0]["bbox"]]).float())
    )
    sample = {
        "instances": instances,
        "interactions": HOIAnnotations.from_records(record["interactions"], 3),
        "faces": faces,
    }
    from_sample = Scene.from_sample(sample)
    for name in ("boxes", "classes", "faces"):
        assert np.array_equal(getattr(from_record, name), getattr(from_sample, name)), name
    assert from_record.triplets == from_sample.triplets
    assert from_record.mask_of(0).any() and from_sample.mask_of(0) is None


def test_box_modes_are_converted(record):
    record["annotations"][0].update(bbox=[20, 30, 100, 200], bbox_mode=BoxMode.XYWH_ABS)
    scene = Scene.from_record(record, record["height"], record["width"])
    assert scene.boxes[0].tolist() == [20, 30, 120, 230]


def test_a_record_with_nothing_in_it():
    scene = Scene.from_record({}, 10, 10)
    assert scene.boxes.shape == (0, 4) and scene.faces.shape == (0, 4) and scene.triplets == []


def test_predictions(instances, interactions):
    scene = Scene.from_predictions(instances, interactions, 0.5, 2)
    assert scene.triplets == [
        Triplet(0, 1, 1, float(interactions.triplet_scores[0, 1])),
        Triplet(0, 1, 0, float(interactions.triplet_scores[0, 0])),
    ]
    assert scene.faces.shape == (0, 4)
