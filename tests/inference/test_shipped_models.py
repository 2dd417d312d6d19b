"""The models that come with the package: the files that they should be, and that they see."""

import re

import numpy as np
import pytest

from choi_d2.inference import HOIPredictor, shipped_models
from choi_d2.inference.model_listing import describe, file_sha256, shipped_sha256
from choi_d2.synthetic import scene_at


@pytest.fixture
def model(request):
    if request.param not in shipped_models():
        pytest.skip(f"the model {request.param!r} is not in this source tree: it is to be trained")
    return request.param


either = pytest.mark.parametrize("model", ["photos", "synthetic"], indirect=True)


def test_files_are_those_of_the_table():
    files = {path.name: file_sha256(path) for path in shipped_models().values()}
    assert files == shipped_sha256()


def test_the_zoo_tells_of_each_file(repository):
    text = (repository / "MODEL_ZOO.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \|.*\| ([\d,]+) \| `([0-9a-f]{64})` \|$", text, re.MULTILINE)
    told = {name: (int(size.replace(",", "")), digest) for name, size, digest in rows}
    there = {
        name: (path.stat().st_size, file_sha256(path)) for name, path in shipped_models().items()
    }
    assert told == there


@either
def test_it_says_what_it_is(model):
    about = describe(shipped_models()[model])
    assert about["name"] == model and about["bytes"] < 25e6
    assert {"data", "licence", "commit", "command", "hours", "seed"} <= about["provenance"].keys()
    assert any(key.endswith("/mAP_rel") for key in about["metrics"])
    text = shipped_models()[model].read_bytes()[:200_000]
    assert b"/work/" not in text and b"/home/" not in text


@either
def test_it_sees_the_same_each_time(model):
    picture = scene_at(3, "test", 5).image
    first, second = (
        HOIPredictor.from_pretrained(model, device="cpu", faces="none")(picture, score_thresh=0.0)[
            0
        ]
        for _ in range(2)
    )
    height, width = picture.shape[:2]
    assert first.image_size == (height, width)
    assert first.boxes.shape == (len(first.classes), 4) and len(first.boxes) == len(first.scores)
    low, high = first.boxes[:, :2], first.boxes[:, 2:]
    assert (low >= 0).all() and (high <= [width, height]).all() and (low < high).all()
    assert (np.diff(first.triplet_scores) <= 0).all()
    assert set(first.names) <= set(first.vocabulary.classes)
    assert {t.verb for t in first.triplets} <= set(first.vocabulary.verbs)
    np.testing.assert_allclose(first.boxes, second.boxes, rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(first.triplet_scores, second.triplet_scores, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("model", ["synthetic"], indirect=True)
def test_it_knows_the_drawn_scenes(model):
    """Of scenes that it has never seen: the best triplet is one of the truth, mostly."""
    predictor = HOIPredictor.from_pretrained(model, device="cpu", faces="none")
    right = 0
    for index in range(8):
        scene = scene_at(3, "test", index)
        truth = {verb for verbs in scene.pairs.values() for verb in verbs}
        (result,) = predictor(scene.image, score_thresh=0.0, max_triplets=1)
        right += bool(result.triplets) and next(iter(result.triplets)).verb in truth
    assert right >= 6
