"""A data set of three classes and three verbs, a scene of it, and a prediction."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from detectron2.structures import Boxes, BoxMode, Instances

HEIGHT, WIDTH = 240, 320
BOXES = [[20, 30, 120, 230], [90, 100, 180, 200], [200, 40, 300, 230]]
CLASSES = [0, 2, 0]


@pytest.fixture
def metadata():
    return SimpleNamespace(
        name="toy", thing_classes=["human", "cup", "bike"], verb_classes=["hold", "ride", "walk"]
    )


@pytest.fixture
def image():
    return np.full((HEIGHT, WIDTH, 3), 128, np.uint8)


@pytest.fixture
def record():
    """Human 0 holds and rides bike 1; human 2 walks; the upper half of each box is its mask."""
    annotations = [
        {
            "bbox": box,
            "bbox_mode": BoxMode.XYXY_ABS,
            "category_id": category,
            "segmentation": [[x1, y1, x2, y1, x2, (y1 + y2) / 2, x1, (y1 + y2) / 2]],
        }
        for box, category in zip(BOXES, CLASSES)
        for x1, y1, x2, y2 in [box]
    ]
    return {
        "file_name": "a.jpg",
        "height": HEIGHT,
        "width": WIDTH,
        "annotations": annotations,
        "interactions": [
            {"human": 0, "object": 1, "verbs": [0, 1]},
            {"human": 2, "object": 2, "verbs": [2]},
        ],
        "faces": [{"bbox": [50, 35, 80, 75], "score": 0.9}],
    }


@pytest.fixture
def instances():
    instances = Instances((HEIGHT, WIDTH))
    instances.pred_boxes = Boxes(torch.tensor(BOXES, dtype=torch.float32))
    instances.pred_classes = torch.tensor(CLASSES)
    instances.scores = torch.tensor([0.9, 0.8, 0.7])
    return instances


@pytest.fixture
def interactions():
    interactions = Instances((HEIGHT, WIDTH))
    interactions.pair_indices = torch.tensor([[0, 1], [2, 1], [2, 2]])
    interactions.triplet_scores = torch.tensor([[0.6, 0.9, 0.0], [0.1, 0.3, 0.0], [0.0, 0.0, 0.6]])
    return interactions
