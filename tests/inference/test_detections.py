"""Whose detections are whose."""

import numpy as np
import pytest
from detectron2.data import transforms as T

from choi_d2.inference import Detections, Picture
from choi_d2.inference.detections import detections_of, given_instances
from choi_d2.structures import Vocabulary
from choi_d2.utils import InputError


def test_whose_detections():
    one, two = (Detections([[0, 0, 8, 20]], [name], [0.9]) for name in ("dog", "human"))
    picture = Picture(np.zeros((4, 4, 3), np.uint8), "photos/a.jpg", "a")
    assert detections_of({"a.jpg": one}, picture, 0) is one
    assert detections_of({"photos/a.jpg": two, "a.jpg": one}, picture, 0) is two
    assert detections_of([two, one], picture, 1) is one
    assert detections_of(lambda x: one if x.name == "a" else two, picture, 0) is one
    with pytest.raises(InputError, match="photos/a.jpg.*no detections for it"):
        detections_of({"b.jpg": one}, picture, 0)
    with pytest.raises(InputError, match="no detections"):
        detections_of([one], picture, 1)


def test_a_class_that_the_model_does_not_know_is_said_once(caplog):
    given = Detections([[0, 0, 8, 20]] * 3, ["okapi", "dog", "quokka"], [0.9, 0.8, 0.7])
    vocabulary = Vocabulary(("human", "dog"), ("hold",))
    for _ in range(2):
        found = given_instances(given, vocabulary, T.NoOpTransform(), (20, 20))
        assert found.scores.tolist() == pytest.approx([0.8])
    said = [record.getMessage() for record in caplog.records]
    assert [words.rsplit(" ", 1)[1] for words in said] == ["okapi", "quokka"]
