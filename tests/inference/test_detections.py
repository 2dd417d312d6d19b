"""Another detector's boxes: joined by name, in the frame of the resized image."""

import json
import logging

import numpy as np
import pytest
import torch
from detectron2.data import transforms as T
from detectron2.structures import Boxes, Instances

from choi_d2.inference import Detections, Picture, read_coco_results
from choi_d2.inference.detections import detections_of
from choi_d2.structures import Vocabulary
from choi_d2.utils import InputError

VOCABULARY = Vocabulary(("human", "tennis racket", "dog"), ("hold",))


def detections(*names):
    boxes = [[10 * i, 0, 10 * i + 8, 20] for i in range(len(names))]
    return Detections(boxes, names, [0.9 - 0.1 * i for i in range(len(names))])


def test_classes_are_joined_by_name(caplog):
    given = detections("dog", "person", "Tennis_Racket", "zebra")
    transform = T.ResizeTransform(40, 60, 80, 120)
    with caplog.at_level(logging.WARNING):
        instances = given.as_instances(VOCABULARY, transform, (80, 120))
    assert instances.pred_classes.tolist() == [2, 0, 1]
    torch.testing.assert_close(instances.scores, torch.tensor([0.9, 0.8, 0.7]))
    torch.testing.assert_close(
        instances.pred_boxes.tensor[1], torch.tensor([20.0, 0.0, 36.0, 40.0])
    )
    assert instances.image_size == (80, 120)
    assert "zebra" in caplog.text


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


def test_whose_detections():
    one, two = detections("dog"), detections("human")
    picture = Picture(np.zeros((4, 4, 3), np.uint8), "photos/a.jpg", "a")
    assert detections_of({"a.jpg": one}, picture, 0) is one
    assert detections_of({"photos/a.jpg": two, "a.jpg": one}, picture, 0) is two
    assert detections_of([two, one], picture, 1) is one
    assert detections_of(lambda x: one if x.name == "a" else two, picture, 0) is one
    with pytest.raises(InputError, match="photos/a.jpg.*no detections for it"):
        detections_of({"b.jpg": one}, picture, 0)
    with pytest.raises(InputError, match="no detections"):
        detections_of([one], picture, 1)


@pytest.fixture
def coco(tmp_path):
    annotations = {
        "images": [{"id": 7, "file_name": "val/a.jpg"}, {"id": 8, "file_name": "val/b.jpg"}],
        "categories": [{"id": 1, "name": "person"}, {"id": 18, "name": "dog"}],
    }
    results = [{"image_id": 7, "category_id": 18, "bbox": [1, 2, 10, 20], "score": 0.5}]
    (tmp_path / "annotations.json").write_text(json.dumps(annotations))

    def read(change=None):
        if change is not None:
            results[0].update(change)
        (tmp_path / "results.json").write_text(json.dumps(results))
        return read_coco_results(tmp_path / "results.json", tmp_path / "annotations.json")

    return read


def test_coco_results(coco):
    found = coco()
    assert set(found) == {"a.jpg", "b.jpg"}
    np.testing.assert_allclose(found["a.jpg"].boxes, [[1, 2, 11, 22]])
    assert list(found["a.jpg"].names) == ["dog"]
    assert len(found["b.jpg"].names) == 0


@pytest.mark.parametrize(
    "change, message",
    [
        ({"image_id": 9}, r"results.json.*\[0\].image_id.*9 is not in annotations.json"),
        ({"category_id": "dog"}, r"\[0\].category_id"),
        ({"bbox": [1, 2, 3]}, "expected 'bbox' as four numbers"),
        ({"score": None}, "'score' as one"),
    ],
)
def test_broken_coco_results(coco, change, message):
    with pytest.raises(InputError, match=message):
        coco(change)
