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
