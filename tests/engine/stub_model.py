"""A meta-architecture that finds the same triplet in every photo, and a data set with its words."""

import pytest
import torch
from detectron2.data import DatasetCatalog, MetadataCatalog
from detectron2.modeling import META_ARCH_REGISTRY
from detectron2.structures import Boxes, Instances

DATASET = "stub_triplets_test"
CLASSES, VERBS = ("human", "bike"), ("hold", "ride", "walk")


@META_ARCH_REGISTRY.register()
class StubTripletModel(torch.nn.Module):
    """One human that rides a bike (0.9), and walks (0.5); ``seen`` are the inputs so far."""

    def __init__(self, cfg):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(2))
        self.seen = []

    def forward(self, inputs):
        assert not self.training
        self.seen += inputs
        return [self._output(each["height"], each["width"]) for each in inputs]

    def _output(self, height, width):
        boxes = torch.tensor([[0.1, 0.1, 0.5, 0.9], [0.3, 0.5, 0.8, 0.9]])
        instances = Instances((height, width))
        instances.pred_boxes = Boxes(boxes * torch.tensor([width, height, width, height]))
        instances.scores = torch.tensor([0.95, 0.9])
        instances.pred_classes = torch.tensor([0, 1])
        instances.pred_masks = torch.zeros(2, height, width, dtype=torch.bool)
        instances.pred_masks[:, height // 2 :] = True
        interactions = Instances((height, width))
        interactions.pair_indices = torch.tensor([[0, 1], [0, 0]])
        interactions.triplet_scores = torch.tensor([[0.0, 0.9, 0.0], [0.0, 0.0, 0.5]])
        return {"instances": instances, "interactions": interactions}


OPTIONS = {
    "MODEL.META_ARCHITECTURE": "StubTripletModel",
    "MODEL.DEVICE": "cpu",
    "MODEL.MASK_ON": True,
    "MODEL.ROI_HEADS.NUM_CLASSES": len(CLASSES),
    "MODEL.ROI_INTERACTION_HEAD.NUM_VERBS": len(VERBS),
    "MODEL.ROI_INTERACTION_HEAD.EFRA.ENABLED": False,
    "DATASETS.TRAIN": (DATASET,),
    "DATASETS.TEST": (DATASET,),
    "INPUT.MIN_SIZE_TEST": 64,
    "INPUT.MAX_SIZE_TEST": 100,
}


@pytest.fixture
def stub_dataset():
    """The data set's name; it has no records."""
    DatasetCatalog.register(DATASET, list)
    MetadataCatalog.get(DATASET).set(thing_classes=list(CLASSES), verb_classes=list(VERBS))
    yield DATASET
    DatasetCatalog.remove(DATASET)
    MetadataCatalog.remove(DATASET)
