"""What detectors write: checked, with the names that their ids stand for."""

import json

import numpy as np
import pytest

from choi_d2.data.detections import read_coco_results
from choi_d2.data.detections.results_file import COCO, read_results
from choi_d2.utils import InputError

ANNOTATIONS = {
    "images": [{"id": 7, "file_name": "val/a.jpg"}, {"id": 8, "file_name": "val/b.jpg"}],
    "categories": [{"id": 1, "name": "person"}, {"id": 18, "name": "dog"}],
}
ENTRY = {"image_id": 7, "category_id": 18, "bbox": [1, 2, 10, 20], "score": 0.5}


@pytest.fixture
def write(tmp_path):
    def write(content, name="results.json"):
        (tmp_path / name).write_text(json.dumps(content))
        return tmp_path / name

    return write


def test_coco_results(write):
    found = read_coco_results(write([ENTRY]), write(ANNOTATIONS, "annotations.json"))
    assert set(found) == {"a.jpg", "b.jpg"}
    np.testing.assert_allclose(found["a.jpg"].boxes, [[1, 2, 11, 22]])
    assert list(found["a.jpg"].names) == ["dog"]
    assert len(found["b.jpg"].names) == 0


@pytest.mark.parametrize("change", [{"image_id": "7"}, {"image_id": "val/a.jpg"}])
def test_image_ids_as_texts(write, change):
    sized = [{**image, "width": 9, "height": 9} for image in ANNOTATIONS["images"]]
    annotations = write({**ANNOTATIONS, "images": sized}, "annotations.json")
    found = read_coco_results(write([{**ENTRY, **change}]), annotations)
    assert len(found["a.jpg"].names) == 1


@pytest.mark.parametrize(
    "change, message",
    [
        ({"image_id": 9}, r"results.json.*\[0\].image_id.*9 is not in annotations.json"),
        ({"image_id": 7.5}, r"\[0\].image_id.*a number or a file name"),
        ({"category_id": 19}, r"\[0\].category_id.*19 is not in annotations.json"),
        ({"category_id": "cat"}, r"\[0\].category_id.*'cat'.*INPUT.DETECTIONS.NAMES"),
        ({"category_id": True}, r"\[0\].category_id"),
        ({"bbox": [1, 2, 3]}, r"\[0\].bbox.*four finite numbers"),
        ({"bbox": [1, 2, -3, 4]}, r"\[0\].bbox.*x, y, width, height"),
        ({"score": None}, r"\[0\].score.*a finite number"),
        ({"score": 87.0}, r"\[0\].score.*from 0 to 1"),
    ],
)
def test_broken_results(write, change, message):
    with pytest.raises(InputError, match=message):
        read_coco_results(write([{**ENTRY, **change}]), write(ANNOTATIONS, "annotations.json"))


@pytest.mark.parametrize(
    "content, message",
    [
        ([{k: v for k, v in ENTRY.items() if k != "score"}], "'score' is missing"),
        ([5], "expected an object"),
        ({"boxes": []}, "'annotations': expected a list of objects with 'bbox' and 'score'"),
        (5, "expected a list of detections"),
        ({"annotations": [ENTRY], "images": [{"id": 7}]}, "'images': expected.*'file_name'"),
    ],
)
def test_files_of_another_form(write, content, message):
    with pytest.raises(InputError, match=f"results.json.*{message}"):
        read_results(write(content), category_names={18: "dog"})


def test_a_file_that_says_its_own_names_goes_before_all_others(write):
    entries = [ENTRY, {**ENTRY, "category_id": 1}]
    described = {**ANNOTATIONS, "annotations": entries}
    results = read_results(write(described), names_file=COCO, category_names={18: "sheep"})
    assert results.names == ["dog", "person"]
    assert results.images == ["val/a.jpg"] * 2
    named = [{**entry, "category_name": "cow"} for entry in entries]
    assert read_results(write(named), category_names={}).names == ["cow", "cow"]
    texts = [{**entry, "category_id": "dog"} for entry in entries]
    assert read_results(write(texts), names_file=COCO).names == ["dog", "dog"]


def test_cocos_ids_are_not_the_data_sets(write):
    """COCO numbers its 80 categories from 1 to 90."""
    path = write([{**ENTRY, "category_id": 90}])
    assert read_results(path, names_file=COCO).names == ["toothbrush"]
    with pytest.raises(InputError, match="90 is not in the data set"):
        read_results(path, category_names={i: str(i) for i in range(1, 81)})
    assert read_results(path, category_names={90: "brush"}).images == [7]


def test_nothing_found(write):
    results = read_results(write([]), category_names={})
    assert results.boxes.shape == (0, 4) and results.by_image() == {}
