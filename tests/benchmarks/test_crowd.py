import torch
from detectron2.structures import pairwise_iou

from choi_d2.benchmarks.crowd import make_crowd, make_faces, make_input, make_proposals
from choi_d2.benchmarks.heads import feature_maps, pair_batch

SIZE = (120, 200)


def generator():
    return torch.Generator().manual_seed(3)


def test_a_crowd_is_inside_the_image_and_always_the_same():
    crowd, again = (make_crowd(6, 4, SIZE, generator()) for _ in range(2))
    boxes = crowd.pred_boxes.tensor
    assert torch.equal(boxes, again.pred_boxes.tensor)
    assert (boxes >= 0).all() and (boxes[:, 2] <= 200).all() and (boxes[:, 3] <= 120).all()
    assert (boxes[:, 2:] > boxes[:, :2]).all()
    assert crowd.pred_classes.tolist() == [0] * 6 + [1] * 4
    assert len(make_faces(crowd)) == 6


def test_proposals_match_the_instances():
    crowd = make_crowd(3, 2, SIZE, generator())
    proposals = make_proposals(crowd, 50, generator())
    assert len(proposals) == 50
    overlaps = pairwise_iou(crowd.pred_boxes, proposals.proposal_boxes)
    assert (overlaps.amax(dim=1) > 0.75).all()
    assert len(make_proposals(make_crowd(0, 0, SIZE, generator()), 50, generator())) == 50


def test_every_human_is_paired_with_every_object():
    batch = pair_batch(make_crowd(3, 2, SIZE, generator()))
    assert len(batch.pairs) == 6 and len(batch.human_rows) == 3 and len(batch.object_rows) == 2


def test_inputs_of_a_training_step():
    inputs = make_input(make_crowd(5, 4, SIZE, generator()), 3, generator())
    assert inputs["image"].shape == (3, *SIZE)
    assert inputs["interactions"].pairs.tolist() == [[0, 5], [1, 6], [2, 7], [3, 8]]
    assert inputs["interactions"].verbs.argmax(dim=1).tolist() == [0, 1, 2, 0]


def test_feature_maps_are_laid_out_as_the_backbone_gives_them():
    maps = feature_maps(SIZE, 8, generator())
    assert maps["p5"].shape == (1, 8, 4, 7)
    assert all(x.is_contiguous(memory_format=torch.channels_last) for x in maps.values())
