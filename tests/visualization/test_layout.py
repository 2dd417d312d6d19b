import itertools

import numpy as np
import pytest

from choi_d2.visualization.layout import LabelLayout, LabelRequest


def overlap(a, b):
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    return max(width, 0) * max(height, 0)


def request(x, y, width=100, height=20):
    return LabelRequest(width, height, np.array([[x, y]], dtype=float))


def test_a_label_alone_stays_at_its_anchor():
    (place,) = LabelLayout(480, 640).place([request(320, 240)])
    assert np.allclose([place[[0, 2]].mean(), place[[1, 3]].mean()], [320, 240], atol=3)
    assert np.allclose(place[2:] - place[:2], [100, 20])


def test_labels_of_one_anchor_do_not_overlap():
    places = LabelLayout(480, 640).place([request(320, 240)] * 20)
    assert all(overlap(a, b) == 0 for a, b in itertools.combinations(places, 2))


@pytest.mark.parametrize("anchor", [(0, 0), (640, 480), (-50, 900), (3, 240)])
def test_labels_stay_inside(anchor):
    for place in LabelLayout(480, 640).place([request(*anchor)] * 4):
        assert (place >= 0).all() and (place <= [640, 480, 640, 480]).all()


def test_a_label_larger_than_the_picture_starts_in_its_corner():
    (place,) = LabelLayout(30, 40).place([request(20, 15, width=100, height=50)])
    assert place[:2].tolist() == [0, 0]


def test_labels_avoid_what_is_protected():
    face = (300, 220, 340, 260)
    free, careful = LabelLayout(480, 640), LabelLayout(480, 640)
    careful.protect(face, 5.0)
    assert overlap(free.place([request(320, 240)])[0], face) > 0
    assert overlap(careful.place([request(320, 240)])[0], face) == 0


def test_the_next_anchor_is_taken_where_the_first_is_covered():
    layout = LabelLayout(480, 640)
    layout.protect((0, 0, 320, 480), 50.0)
    ask = LabelRequest(100, 20, np.array([[100.0, 100.0], [500.0, 400.0]]))
    (place,) = layout.place([ask])
    assert np.allclose([place[[0, 2]].mean(), place[[1, 3]].mean()], [500, 400], atol=3)
    assert ask.nearest_anchor(place).tolist() == [500, 400]
