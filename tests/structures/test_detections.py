"""Another detector's boxes: joined by name, in the frame of the resized image."""

import logging

import numpy as np
import pytest
import torch
from detectron2.data import transforms as T
from detectron2.structures import Boxes, Instances

from choi_d2.structures import Detections, Vocabulary
from choi_d2.structures.detections import check_names
from choi_d2.utils import InputError
from choi_d2.utils.said import saying_once

VOCABULARY = Vocabulary(("human", "tennis racket", "dog"), ("hold",))


def detections(*names):
    boxes = [[10 * i, 0, 10 * i + 8, 20] for i in range(len(names))]
    return Detections(boxes, names, [0.9 - 0.1 * i for i in range(len(names))])


def test_classes_are_joined_by_name():
    given = detections("dog", "person", "Tennis_Racket", "zebra")
    transform = T.ResizeTransform(40, 60, 80, 120)
    instances = given.as_instances(VOCABULARY, transform, (80, 120))
    assert instances.pred_classes.tolist() == [2, 0, 1]
    torch.testing.assert_close(instances.scores, torch.tensor([0.9, 0.8, 0.7]))
    torch.testing.assert_close(
        instances.pred_boxes.tensor[1], torch.tensor([20.0, 0.0, 36.0, 40.0])
    )
    assert instances.image_size == (80, 120)


def test_boxes_outside_are_left_out():
    given = Detections([[0, 0, 20, 20], [70, 0, 90, 20]], ["dog", "dog"], [0.5, 0.5])
    instances = given.as_instances(VOCABULARY, T.NoOpTransform(), (40, 60))
    assert len(instances) == 1


def test_nothing_found():
    instances = Detections([], [], []).as_instances(VOCABULARY, T.NoOpTransform(), (40, 60))
    assert len(instances) == 0 and instances.pred_boxes.tensor.shape == (0, 4)


def test_from_a_detectron2_model():
    instances = Instances((40, 60))
    instances.pred_boxes = Boxes(torch.tensor([[0.0, 1.0, 2.0, 3.0]]))
    instances.pred_classes = torch.tensor([1])
    instances.scores = torch.tensor([0.25])
    found = Detections.from_instances(instances, ["cat", "dog"])
    assert found.names == ["dog"]
    np.testing.assert_allclose(found.boxes, [[0, 1, 2, 3]])


@pytest.mark.parametrize(
    "boxes, scores, field",
    [
        ([[0, 0, 1, 1]], [0.5, 0.5], "boxes"),
        ([[0, 0, 1, 1], [0, 0, 1, 1]], [0.5], "scores"),
        ([[0, 0, 1, np.nan], [0, 0, 1, 1]], [0.5, 0.5], "boxes"),
    ],
)
def test_arrays_that_do_not_fit(boxes, scores, field):
    with pytest.raises(InputError, match=f"detections.{field}"):
        Detections(boxes, ["dog", "dog"], scores)


def test_a_detector_without_any_common_class_is_refused():
    check_names(["zebra", "dog"], VOCABULARY, "boxes.json")
    check_names([], VOCABULARY, "boxes.json")
    with pytest.raises(InputError, match="boxes.json.*none of.*giraffe, zebra.*tennis racket"):
        check_names(["zebra", "giraffe"], VOCABULARY, "boxes.json")


def test_what_of_a_file_is_left_out_is_said_once_in_a_run(caplog):
    with saying_once():
        for _ in range(2):
            check_names(["zebra", "dog", "tenis racket"], VOCABULARY, "boxes.json")
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage().startswith("boxes.json: ")
    assert record.getMessage().endswith("left out: tenis racket (is it tennis racket?), zebra")
