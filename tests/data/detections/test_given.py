"""Detections of a data set's images: whose they are, their sizes, the annotated ones."""

import json
import logging

import numpy as np
import pytest
from detectron2.data import DatasetCatalog, MetadataCatalog
from detectron2.structures import BoxMode

from choi_d2.data.detections import given_detections, true_boxes
from choi_d2.utils import InputError

NAME = "given_detections_test"
PERSON = {"image_id": 4, "category_id": 1, "bbox": [10, 20, 30, 40], "score": 0.75}
DOG = {"image_id": 4, "category_id": 7, "bbox": [50, 20, 30, 40], "score": 0.5}


def instance(box, category=0, **more):
    return {"bbox": box, "bbox_mode": BoxMode.XYXY_ABS, "category_id": category, **more}


RECORDS = [
    {
        "file_name": "/photos/a.jpg",
        "image_id": 4,
        "height": 80,
        "width": 120,
        "annotations": [
            instance([10, 20, 40, 60]),
            instance([50, 20, 80, 60], 1, certainty=0.6, judged=True),
            instance([0, 0, 120, 80], iscrowd=1),
            instance([1, 1, 9, 9], certainty=0.3),
            instance([2, 2, 9, 9], judged=False),
        ],
    },
    {"file_name": "/photos/b.jpg", "image_id": 5, "height": 80, "width": 120, "annotations": []},
]


@pytest.fixture(autouse=True)
def dataset():
    DatasetCatalog.register(NAME, lambda: RECORDS)
    MetadataCatalog.get(NAME).set(
        thing_classes=["person", "dog"],
        thing_dataset_id_to_contiguous_id={1: 0, 7: 1},
        image_root="/photos",
    )
    yield
    DatasetCatalog.remove(NAME)
    MetadataCatalog.remove(NAME)


@pytest.fixture
def given(tmp_path):
    def given(content, names=""):
        (tmp_path / "boxes.json").write_text(json.dumps(content))
        found = given_detections(NAME, tmp_path / "boxes.json", names)
        assert list(found) == [4, 5]
        return found.values()

    return given


def test_by_the_data_sets_own_ids(given, caplog):
    with caplog.at_level(logging.INFO):
        first, second = given([PERSON, DOG, {**DOG, "image_id": 99}])
    assert list(first.names) == ["person", "dog"] and len(second.names) == 0
    np.testing.assert_allclose(first.boxes, [[10, 20, 40, 60], [50, 20, 80, 60]])
    np.testing.assert_allclose(first.scores, [0.75, 0.5])
    assert "1 of the 2 images" in caplog.text and "have no detection" in caplog.text
    assert f"1 images that {NAME!r} has not are left out" in caplog.text


def test_by_names_of_its_own_and_from_another_size(given):
    """A photo that was twice as large when the detector saw it."""
    described = {
        "images": [
            {"id": 1, "file_name": "a.jpg", "width": 240, "height": 160},
            {"id": 2, "file_name": "b.jpg", "width": 120, "height": 80},
        ],
        "categories": [{"id": 3, "name": "person"}],
        "annotations": [{"image_id": 1, "category_id": 3, "bbox": [20, 40, 60, 80], "score": 1}],
    }
    first, second = given(described)
    np.testing.assert_allclose(first.boxes, [[10, 20, 40, 60]])
    assert list(first.names) == ["person"] and len(second.names) == 0
    described["images"][0].update(width=160, height=240)
    with pytest.raises(InputError, match="boxes.json.*160 x 240 there, and 120 x 80"):
        given(described)


def test_nothing_found_anywhere(given, caplog):
    assert [len(x.names) for x in given([])] == [0, 0]
    assert "2 of the 2 images" in caplog.text


def test_boxes_of_other_sizes_are_refused(given, caplog):
    inside = [PERSON] * 30
    beyond = {**DOG, "bbox": [300, 200, 80, 80]}
    with pytest.raises(InputError, match="a.jpg.*2 of 32 boxes.*outside.*300.0, 200.0"):
        given([*inside, beyond, beyond])
    first, _ = given([*inside, beyond])
    assert len(first.names) == 31
    assert "1 of 31 boxes are for the most part outside" in caplog.text


def test_the_annotated_boxes():
    first, second = true_boxes(NAME, certainty_thresh=0.5).values()
    np.testing.assert_allclose(first.boxes, [[10, 20, 40, 60], [50, 20, 80, 60]])
    assert list(first.names) == ["person", "dog"]
    assert first.scores.tolist() == [1, 1] and len(second.names) == 0
    assert list(true_boxes(NAME, 0.9)[4].names) == ["person"]


def test_without_annotated_boxes(monkeypatch):
    monkeypatch.setattr("choi_d2.data.detections.given.DatasetCatalog", {NAME: RECORDS[1:]})
    with pytest.raises(InputError, match="TEST.DETECTIONS.*no annotated boxes"):
        true_boxes(NAME, 0.5)
