"""Face caches: what is written is read again, and what is broken is named."""

import json

import numpy as np
import pytest

from choi_d2.data.faces import (
    FileFaceDetector,
    load_face_cache,
    read_face_cache,
    save_face_cache,
)
from choi_d2.utils import InputError

FACES = {
    "train/a.png": [
        {"bbox": [1.0, 2.0, 11.0, 12.0], "score": 0.25},
        {"bbox": [4.5, 5.0, 60.0, 9.0], "score": 0.75},
    ],
    "b.png": [],
}
IMAGE = np.zeros((20, 30, 3), np.uint8)


@pytest.fixture
def cache(tmp_path):
    path = tmp_path / "deep" / "faces.json"
    save_face_cache(path, FACES, "haar of a test")
    return path


def test_what_is_saved_is_loaded(cache):
    assert load_face_cache(cache) == FACES
    assert read_face_cache(cache) == ("haar of a test", FACES)
    assert json.loads(cache.read_text())["detector"] == "haar of a test"


def _with_face(**change):
    face = {"bbox": [1, 2, 3, 4], "score": 0.5, **change}
    return {"detector": "x", "faces": {"a.png": [{"bbox": [1, 2, 3, 4], "score": 1}, face]}}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "expected a JSON object"),
        ({"faces": {}}, "field 'detector'"),
        ({"detector": "x"}, "field 'faces'.*found nothing"),
        ({"detector": "x", "faces": [1]}, r"field 'faces'.*found \[1\]"),
        (
            {"detector": "x", "faces": {"/data/a.png": []}},
            "relative to the image root.*/data/a.png",
        ),
        ({"detector": "x", "faces": {"../a.png": []}}, "relative to the image root"),
        ({"detector": "x", "faces": {"./a.png": []}}, "relative to the image root"),
        ({"detector": "x", "faces": {"": []}}, "relative to the image root"),
        ({"detector": "x", "faces": {"a.png": {}}}, "image 'a.png', field 'faces'.*a list"),
        (
            {"detector": "x", "faces": {"a.png": [[1, 2, 3, 4]]}},
            r"image 'a.png', field 'faces\[0\]'",
        ),
        (_with_face(bbox=None), r"image 'a.png', field 'faces\[1\].bbox'.*found nothing"),
        (_with_face(bbox=[1, 2, 3]), r"field 'faces\[1\].bbox'.*four finite numbers"),
        (_with_face(bbox=[1, 2, 3, "4"]), r"field 'faces\[1\].bbox'.*four finite numbers"),
        (_with_face(bbox=[1, 2, 3, True]), r"field 'faces\[1\].bbox'.*four finite numbers"),
        (_with_face(bbox=[1, 2, 3, float("nan")]), r"field 'faces\[1\].bbox'.*four finite numbers"),
        (_with_face(bbox=[1, 2, 3, 10**400]), r"field 'faces\[1\].bbox'.*four finite numbers"),
        (_with_face(bbox=[3, 2, 1, 4]), r"field 'faces\[1\].bbox'.*x2 > x1"),
        (_with_face(bbox=[1, 2, 3, 2]), r"field 'faces\[1\].bbox'.*y2 > y1"),
        (_with_face(score=1.5), r"field 'faces\[1\].score'.*from 0 to 1, found 1.5"),
        (_with_face(score=float("nan")), r"field 'faces\[1\].score'.*from 0 to 1"),
        (_with_face(score="high"), r"field 'faces\[1\].score'.*from 0 to 1"),
        (_with_face(score=None), r"field 'faces\[1\].score'.*found nothing"),
    ],
)
def test_a_broken_cache_says_where(tmp_path, content, message):
    path = tmp_path / "faces.json"
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=f"faces.json.*{message}"):
        load_face_cache(path)


def test_what_cannot_be_loaded_is_not_saved(cache):
    with pytest.raises(InputError, match="image 'b.png'"):
        save_face_cache(cache, {"b.png": [{"bbox": [0, 0, 1, 1], "score": 2}]}, "x")
    assert load_face_cache(cache) == FACES


def test_lookup_by_the_end_of_the_path(cache):
    detector = FileFaceDetector([cache], score_thresh=0.2)
    faces = detector(IMAGE, file_name="/data/hoiw/train/a.png")
    # Best first, and clipped to the image.
    assert faces.boxes.tolist() == [[4.5, 5, 30, 9], [1, 2, 11, 12]]
    assert faces.scores.tolist() == [0.75, 0.25]
    assert len(detector(IMAGE, file_name="elsewhere/b.png")) == 0
    with pytest.raises(InputError, match="image 'a.png'.*not in the file.*choi faces"):
        detector(IMAGE, file_name="a.png")
    with pytest.raises(InputError, match="file name"):
        detector(IMAGE)


def test_the_longest_end_wins(tmp_path):
    path = tmp_path / "faces.json"
    save_face_cache(path, {"a.png": [], "train/a.png": FACES["train/a.png"]}, "x")
    detector = FileFaceDetector([path], score_thresh=0.5)
    assert len(detector(IMAGE, file_name="x/train/a.png")) == 1
    assert len(detector(IMAGE, file_name="x/val/a.png")) == 0


def test_two_caches(cache, tmp_path):
    other = tmp_path / "other.json"
    save_face_cache(other, {"b.png": [], "c.png": []}, "x")
    detector = FileFaceDetector([cache, other])
    assert len(detector(IMAGE, file_name="train/a.png")) == 1
    assert len(detector(IMAGE, file_name="c.png")) == 0
    save_face_cache(other, {"b.png": FACES["train/a.png"]}, "x")
    with pytest.raises(InputError, match="other.json, image 'b.png'.*other faces"):
        FileFaceDetector([cache, other])


def test_no_cache_at_all():
    with pytest.raises(InputError, match="no file is given.*INPUT.FACES.FILES"):
        FileFaceDetector([])
