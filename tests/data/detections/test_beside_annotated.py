"""A detector's boxes as training boxes: which are added, and with what."""

import json

import cv2
import numpy as np
import pytest
from detectron2.config import get_cfg
from detectron2.data import DatasetCatalog, MetadataCatalog
from detectron2.structures import BoxMode

from choi_d2.config import add_choi_config
from choi_d2.data import register_hoi_instances
from choi_d2.data.detections import add_beside_annotated
from choi_d2.data.vocabularies import training_records
from choi_d2.structures import Detections, Vocabulary
from choi_d2.utils import InputError

WORDS = Vocabulary(("person", "dog"), ("pat",))
NAME = "beside_annotated_test"


def record(*annotations, image_id=1):
    kept = [
        {"bbox": box, "bbox_mode": BoxMode.XYXY_ABS, "category_id": c, "iscrowd": crowd}
        for box, c, crowd in annotations
    ]
    size = {"height": 100, "width": 100}
    return {"file_name": "a.jpg", "image_id": image_id, **size, "annotations": kept}


def added(annotations, boxes, names):
    given = Detections(boxes, names, np.linspace(0.9, 0.5, len(names)))
    (joined,) = add_beside_annotated([record(*annotations)], {1: given}, WORDS, "boxes.json")
    return joined["annotations"][len(annotations) :]


def test_what_shows_an_annotated_instance_of_its_class_is_left_out():
    annotations = [([0, 0, 40, 40], 0, 0), ([50, 50, 100, 100], 1, 1)]
    boxes = [
        [0, 0, 40, 36],  # the annotated person
        [0, 0, 40, 36],  # a dog there
        [0, 0, 18, 40],  # less than half of the person
        [60, 60, 70, 70],  # in the crowd of dogs
        [60, 60, 70, 70],  # a person among them
        [80, 80, 120, 120],  # beyond the image
        [120, 0, 130, 9],  # outside
    ]
    names = ["person", "dog", "human", "dog", "person", "Person", "dog"]
    new = added(annotations, boxes, names)
    assert [x["category_id"] for x in new] == [1, 0, 0, 0]
    assert new[-1]["bbox"] == [80, 80, 100, 100] and new[-1]["bbox_mode"] == BoxMode.XYXY_ABS
    scores = np.linspace(0.9, 0.5, 7)[[1, 2, 4, 5]]
    np.testing.assert_allclose([x["certainty"] for x in new], scores, rtol=1e-6)


def test_images_without_annotations_or_detections():
    assert len(added([], [[0, 0, 9, 9], [1, 1, 9, 9]], ["dog", "cat"])) == 1
    assert added([([0, 0, 40, 40], 0, 0)], [], []) == []
    before = record(([0, 0, 9, 9], 0, 0))
    given = {1: Detections([[50, 50, 60, 60]], ["dog"], [0.5])}
    add_beside_annotated([before], given, WORDS, "boxes.json")
    assert len(before["annotations"]) == 1
    bare = {k: v for k, v in before.items() if k != "annotations"}
    assert add_beside_annotated([bare], given, WORDS, "boxes.json") == [bare]


@pytest.fixture
def cfg(tmp_path):
    """Two images: a person, and nothing. The detector finds a dog in the second."""
    for name in ("a.png", "b.png"):
        cv2.imwrite(str(tmp_path / name), np.zeros((100, 100, 3), np.uint8))
    images = [
        {"id": i, "file_name": x, "height": 100, "width": 100}
        for i, x in enumerate(
            (
                "a.png",
                "b.png",
            ),
            1,
        )
    ]
    content = {
        "categories": [{"id": 3, "name": "person"}, {"id": 5, "name": "dog"}],
        "verbs": [{"id": 1, "name": "pat"}],
        "images": images,
        "annotations": [{"id": 1, "image_id": 1, "category_id": 3, "bbox": [0, 0, 40, 40]}],
        "interactions": [],
    }
    found = {"image_id": 2, "category_id": 5, "bbox": [10, 10, 20, 20], "score": 0.75}
    (tmp_path / "own.json").write_text(json.dumps(content))
    (tmp_path / "boxes.json").write_text(json.dumps([found]))
    register_hoi_instances(NAME, {}, tmp_path / "own.json", tmp_path)
    cfg = get_cfg()
    add_choi_config(cfg)
    cfg.DATASETS.TRAIN = (NAME,)
    cfg.INPUT.DETECTIONS.FILES = (f"{NAME}={tmp_path / 'boxes.json'}",)
    yield cfg
    DatasetCatalog.remove(NAME)
    MetadataCatalog.remove(NAME)


def test_training_records_have_them(cfg):
    """An image that has nothing else is not empty."""
    first, second = training_records(cfg, filter_empty=True)
    assert len(first["annotations"]) == 1
    (dog,) = second["annotations"]
    assert dog["category_id"] == 1 and dog["certainty"] == 0.75
    assert dog["bbox"] == [10, 10, 30, 30]
    cfg.INPUT.DETECTIONS.FILES = ()
    assert len(training_records(cfg, filter_empty=True)) == 1


@pytest.mark.parametrize(
    "files, message",
    [
        (("boxes.json",), "INPUT.DETECTIONS.FILES.*is not 'name=path'"),
        (("other=boxes.json",), "INPUT.DETECTIONS.FILES.*'other' is not among DATASETS.TRAIN"),
        ((f"{NAME}=gone.json",), "gone.json.*no such file"),
    ],
)
def test_what_is_refused(cfg, files, message):
    cfg.INPUT.DETECTIONS.FILES = files
    with pytest.raises(InputError, match=message):
        training_records(cfg)
