"""HOIResult: choosing triplets, writing and reading, drawing."""

import csv
import dataclasses
import io
import json

import cv2
import numpy as np
import pytest
import torch
from detectron2.structures import Boxes, Instances

from choi_d2.inference import HOIResult
from choi_d2.utils import InputError

from .conftest import VOCABULARY


def words(triplets):
    return [(x.human_index, x.verb, x.object) for x in triplets]


def test_triplets_in_words(result):
    assert len(result) == len(result.triplets) == 5
    assert words(result.triplets) == [
        (0, "ride", "bike"),
        (0, "hold", "bike"),
        (2, "hold", "bike"),
        (2, "walk", None),
        (0, "hold", "dog"),
    ]
    first = result.triplets[0]
    assert first.score == pytest.approx(0.9)
    np.testing.assert_allclose(first.object_box, [0, 20, 60, 40])
    assert str(first) == "human 0 ride bike (0.90)"
    assert "a.jpg: human 0 ride bike" in str(result)


def test_numbers_over_a_videos_frames(result):
    """They are in words, in JSON, in the table, and choose triplets; objects have them, too."""
    tracked = dataclasses.replace(result, track_ids=np.array([7, 9, -1, -1]), frame=4, time=0.16)
    assert str(tracked.triplets[0]) == "human #7 ride bike #9 (0.90)"
    assert str(tracked.triplets[2]) == "human 2 hold bike #9 (0.40)"
    assert words(tracked.triplets.filter(human_track=7)) == [
        (0, "ride", "bike"), (0, "hold", "bike"), (0, "hold", "dog")
    ]  # fmt: skip
    content = json.loads(tracked.to_json())
    assert [x["track"] for x in content["instances"]] == [7, 9, None, None]
    assert (content["frame"], content["time"]) == (4, 0.16)
    read = HOIResult.from_dict(content)
    np.testing.assert_array_equal(read.track_ids, tracked.track_ids)
    rows = list(csv.DictReader(io.StringIO(tracked.to_csv())))
    assert [row["human_track"] for row in rows] == ["7", "7", "", "", "7"]
    assert [row["object_track"] for row in rows] == ["9", "9", "9", "", ""]
    for wrong in ("one", -3, 1.5, True):
        content["instances"][1]["track"] = wrong
        with pytest.raises(InputError, match=r"instances\[1\].track"):
            HOIResult.from_dict(content)
    assert "track" not in result.to_dict()["instances"][0]


def test_boolean_indexing_and_slices(result):
    triplets = result.triplets
    assert words(triplets[triplets.scores >= 0.4]) == words(triplets)[:3]
    assert words(triplets[1:3]) == words(triplets)[1:3]
    assert words(triplets[[4, 0]]) == [words(triplets)[4], words(triplets)[0]]
    assert words(triplets[-1:]) == words(triplets)[-1:]
    assert len(triplets[[]]) == 0
    with pytest.raises(IndexError):
        triplets[5]
    with pytest.raises(IndexError):
        triplets[np.array([True, False])]


def test_filter(result):
    triplets = result.triplets
    assert len(triplets.filter(verb="hold")) == 3
    assert words(triplets.filter(verb=["hold", "walk"], score=0.3)) == words(triplets)[1:4]
    assert words(triplets.filter(object="dog")) == words(triplets)[4:]
    # "walk" has no object: its second row is the human itself.
    assert len(triplets.filter(object="person")) == 0
    assert words(triplets.filter(human=2)) == words(triplets)[2:4]
    assert len(triplets.filter(human_track=7)) == 0
    assert triplets.filter(verb="hold").filter(object="bike").count() == {"hold": 2}
    with pytest.raises(ValueError, match="knows no verb 'fly', but ride, hold, walk"):
        triplets.filter(verb="fly")


def test_threshold_of_a_score_keeps_that_score(result):
    """0.1 is not a float32: the column is compared in its own precision."""
    assert len(result.triplets.filter(score=0.1)) == 5


def test_count(result):
    assert list(result.triplets.count().items()) == [("hold", 3), ("ride", 1), ("walk", 1)]


def test_dict_and_back(result):
    content = json.loads(result.to_json(masks=True))
    again = HOIResult.from_dict(content)
    for name in ("boxes", "scores", "triplet_scores", "faces", "face_scores"):
        np.testing.assert_allclose(getattr(again, name), getattr(result, name), atol=1e-5)
    for name in ("classes", "pairs", "verbs", "masks"):
        np.testing.assert_array_equal(getattr(again, name), getattr(result, name))
    assert again.vocabulary == result.vocabulary
    assert again.file_name == "a.jpg" and again.image_size == (40, 60)
    assert again.to_dict(masks=True) == content


def test_json_says_names(result):
    content = result.to_dict()
    bike = {"box": [0.0, 20.0, 60.0, 40.0], "category": "bike", "score": 0.8}
    assert content["instances"][1] == bike
    assert content["triplets"][3] == {"human": 2, "verb": "walk", "object": None, "score": 0.3}
    assert "frame" not in content


def test_nothing_found():
    outputs = {"instances": Instances((30, 20)), "interactions": Instances((30, 20))}
    outputs["instances"].pred_boxes = Boxes(torch.zeros(0, 4))
    outputs["instances"].scores = torch.zeros(0)
    outputs["instances"].pred_classes = torch.zeros(0, dtype=torch.int64)
    outputs["instances"].pred_masks = torch.zeros(0, 30, 20, dtype=torch.bool)
    outputs["interactions"].pair_indices = torch.zeros(0, 2, dtype=torch.int64)
    outputs["interactions"].triplet_scores = torch.zeros(0, 3)
    result = HOIResult.from_predictions(outputs, VOCABULARY)
    assert len(result) == 0 and not list(result.triplets)
    assert result.triplets.count() == {}
    assert len(result.triplets.filter(verb="ride")) == 0
    assert result.to_csv().count("\n") == 1
    assert len(HOIResult.from_dict(result.to_dict(masks=True))) == 0
    assert str(result) == "picture: no triplet"


def test_from_predictions_keeps_the_best(result):
    instances = Instances((40, 60))
    instances.pred_boxes = Boxes(torch.tensor(result.boxes))
    instances.scores = torch.tensor(result.scores)
    instances.pred_classes = torch.tensor(result.classes)
    interactions = Instances((40, 60))
    interactions.pair_indices = torch.tensor([[0, 1], [2, 2]])
    interactions.triplet_scores = torch.tensor([[0.2, 0.6, 0.0], [0.0, 0.0, 0.4]])
    outputs = {"instances": instances, "interactions": interactions}
    found = HOIResult.from_predictions(outputs, VOCABULARY, score_thresh=0.3, file_name="b.jpg")
    assert words(found.triplets) == [(0, "hold", "bike"), (2, "walk", None)]
    found = HOIResult.from_predictions(outputs, VOCABULARY, max_triplets=1)
    assert words(found.triplets) == [(0, "hold", "bike")]
    assert found.boxes.dtype == np.float32 and found.classes.dtype == np.int64
    assert found.masks is None and found.faces is None


def test_csv(result):
    rows = list(csv.DictReader(io.StringIO(result.to_csv())))
    assert len(rows) == 5
    assert (rows[0]["file_name"], rows[0]["verb"], rows[0]["object"]) == ("a.jpg", "ride", "bike")
    assert float(rows[0]["object_y2"]) == 40
    assert rows[3]["object"] == rows[3]["object_index"] == rows[3]["object_x1"] == ""


def test_files_are_written(result, tmp_path):
    result.to_json(tmp_path / "a.json")
    result.to_csv(tmp_path / "a.csv")
    result.save(tmp_path / "a.png", masks=True, faces=True, all_instances=True)
    assert json.loads((tmp_path / "a.json").read_text())["file_name"] == "a.jpg"
    assert (tmp_path / "a.csv").read_text() == result.to_csv()
    assert cv2.imread(str(tmp_path / "a.png")) is not None


def test_drawing_needs_the_picture(result):
    assert result.draw().dtype == np.uint8
    without = HOIResult.from_dict(result.to_dict())
    with pytest.raises(ValueError, match="no picture to draw on"):
        without.draw()
    drawn = dataclasses.replace(without, image=result.image).draw()
    np.testing.assert_array_equal(drawn, result.draw())


@pytest.mark.parametrize(
    "change, message",
    [
        ({"boxes": np.zeros((3, 4), np.float32)}, r"classes: expected shape \(3,\), found \(4,\)"),
        ({"pairs": np.array([[0, 4]] * 5)}, "pairs: expected numbers from 0 to 3"),
        ({"verbs": np.array([0, 1, 1, 2, 3])}, "verbs: expected numbers from 0 to 2"),
        ({"masks": np.zeros((4, 2, 2), bool)}, r"masks: expected shape \(4, 40, 60\)"),
    ],
)
def test_arrays_that_do_not_belong_together(result, change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(result, **change)


@pytest.mark.parametrize(
    "path, value, message",
    [
        (("height",), "40", "field 'height': expected int, found str"),
        (("triplets", 0, "verb"), "fly", r"triplets\[0\].verb.*'fly' is not in the vocabulary"),
        (("triplets", 2, "human"), 9, r"triplets\[2\].human.*from 0 to 3, found 9"),
        (("instances", 1, "box"), [0, 1], r"instances\[1\].box.*four finite numbers"),
        (("instances", 1, "score"), None, r"instances\[1\].score.*expected a number, found None"),
        (("vocabulary", "human"), "cat", "expected one of the classes, found 'cat'"),
        (("instances",), {}, "expected list, found dict"),
    ],
)
def test_broken_dicts_are_named(result, path, value, message):
    content = json.loads(result.to_json())
    inner = content
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    with pytest.raises(InputError, match=message):
        HOIResult.from_dict(content)
