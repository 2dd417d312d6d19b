"""Feature maps, and pairs of random regions on them."""

import torch
from detectron2.structures import Boxes, Instances
from tiny import NUM_CLASSES, NUM_VERBS, SIZE, make_faces

from choi_d2.modeling.interaction import PairBatch

STRIDES = {"p2": 4, "p3": 8, "p4": 16, "p5": 32}
CHANNELS = 16
PRIOR = torch.rand(NUM_CLASSES, NUM_VERBS)


def make_features(images=2):
    return {
        name: torch.randn(images, CHANNELS, SIZE[0] // s, SIZE[1] // s)
        for name, s in STRIDES.items()
    }


def make_regions(count, previous=False):
    regions = Instances(SIZE)
    corners = torch.rand(count, 2, 2) * torch.tensor([SIZE[1], SIZE[0]])
    boxes = torch.cat([corners.amin(1), corners.amax(1) + 1], dim=1)
    regions.boxes = Boxes(boxes)
    if previous:
        regions.previous_boxes = Boxes(boxes + torch.rand(count, 4))
    regions.classes = torch.randint(0, NUM_CLASSES, (count,))
    return regions


def make_batch(previous=False):
    regions = [make_regions(5, previous), make_regions(4, previous)]
    pairs = [torch.tensor([[0, 1], [0, 4], [3, 1]]), torch.tensor([[2, 0], [2, 2], [1, 0], [2, 3]])]
    return PairBatch(regions, pairs, [make_faces([[5.0, 5, 60, 50]]), make_faces([])])


def with_masks(batch, make):
    for regions in batch.regions:
        regions.masks, regions.previous_masks = make(len(regions)), make(len(regions))
    return batch
