import pytest
import torch
from detectron2.structures import Boxes, Instances

from choi_d2.modeling.meta_arch.postprocessing import hoi_postprocess
from choi_d2.modeling.roi_heads.prediction import TripletScore, make_interactions


def test_a_dropped_detection_takes_its_pairs_along_and_no_index_dangles():
    instances = Instances((10, 10))
    # The second box has no area and is dropped by Detectron2's own postprocessing.
    instances.pred_boxes = Boxes(
        torch.tensor([[0.0, 0, 5, 5], [3, 3, 3, 3], [1, 1, 6, 6], [2, 2, 9, 9]])
    )
    instances.scores = torch.tensor([0.9, 0.8, 0.7, 0.6])
    instances.pred_classes = torch.tensor([0, 1, 2, 3])
    pairs = torch.tensor([[0, 1], [0, 3], [0, 2]])
    interactions = make_interactions(
        instances, pairs, torch.tensor([0.9, 0.8, 0.7]), torch.rand(3, 2), TripletScore()
    )
    verbs = interactions.verb_scores.clone()
    outputs = hoi_postprocess(instances, interactions, height=20, width=40)

    instances, interactions = outputs["instances"], outputs["interactions"]
    assert instances.pred_classes.tolist() == [0, 2, 3]
    assert interactions.pair_indices.tolist() == [[0, 2], [0, 1]]
    assert interactions.object_boxes.tensor.tolist() == [[8, 4, 36, 18], [4, 2, 24, 12]]
    assert torch.equal(interactions.verb_scores, verbs[1:])
    assert interactions.image_size == (20, 40)
    assert not instances.has("rows")


def with_masks():
    """Two detections of a 20 x 10 image with masks in their boxes, and their pair."""
    instances = Instances((10, 20))
    instances.pred_boxes = Boxes(torch.tensor([[0.0, 0, 8, 8], [10, 2, 18, 10]]))
    instances.scores, instances.pred_classes = torch.tensor([0.9, 0.8]), torch.tensor([0, 1])
    instances.pred_masks = torch.zeros(2, 1, 28, 28)
    instances.pred_masks[0, 0, 14:, :14] = 1  # its lower left quarter; the other's is empty
    pair = torch.tensor([[0, 1]])
    interactions = make_interactions(
        instances, pair, torch.ones(1), torch.rand(1, 2), TripletScore()
    )
    return instances, interactions


def test_boxes_around_masks():
    outputs = hoi_postprocess(*with_masks(), height=100, width=200, boxes_from_masks=True)
    boxes = outputs["instances"].pred_boxes.tensor.tolist()
    assert boxes[0] == pytest.approx([0, 40, 40, 80], abs=1)
    assert boxes[1] == [100, 20, 180, 100]  # as detected
    rows, columns = outputs["instances"].pred_masks[0].nonzero().unbind(1)
    around = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    assert boxes[0] == [x.item() for x in around]
    interactions = outputs["interactions"]
    assert interactions.human_boxes.tensor.tolist() == boxes[:1]
    assert interactions.object_boxes.tensor.tolist() == boxes[1:]


def test_detected_boxes_by_default():
    boxes = hoi_postprocess(*with_masks(), height=100, width=200)["instances"].pred_boxes.tensor
    assert boxes[0].tolist() == [0, 0, 80, 80]


def test_boxes_around_masks_of_no_detection():
    instances, interactions = (x[:0] for x in with_masks())
    outputs = hoi_postprocess(instances, interactions, 100, 200, boxes_from_masks=True)
    assert len(outputs["instances"]) == len(outputs["interactions"]) == 0
