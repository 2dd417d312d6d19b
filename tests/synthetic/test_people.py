import numpy as np
import pytest

from choi_d2.synthetic.gestures import AWAY, gaze_angle, look_away
from choi_d2.synthetic.heads import Head, draw_look, unit
from choi_d2.synthetic.people import FOREARM, UPPER_ARM, Person, joint


@pytest.mark.parametrize("bend", (-1, 1))
@pytest.mark.parametrize("end", ((1.0, 2.0), (-1.5, 0.3), (0.2, -2.5)))
def test_joint_keeps_the_lengths_and_bends_to_the_asked_side(bend, end):
    elbow, hand = joint((0, 0), end, 1.4, 1.3, bend)
    np.testing.assert_allclose(hand, end)
    assert np.linalg.norm(elbow) == pytest.approx(1.4)
    assert np.linalg.norm(hand - elbow) == pytest.approx(1.3)
    normal = np.array((-hand[1], hand[0]))
    assert np.sign(elbow @ normal) == bend


def test_joint_pulls_in_what_it_cannot_reach():
    _, hand = joint((1, 1), (11, 1), 1.4, 1.3, 1)
    assert hand[0] == pytest.approx(1 + 2.7, abs=0.02) and hand[1] == pytest.approx(1)


def test_put_hand_goes_where_it_is_sent():
    rng = np.random.default_rng(0)
    person = Person(rng, draw_look(rng), "front", "standing")
    target = person.neck + (0.5, 1.5)
    np.testing.assert_allclose(person.put_hand(1, target), target)
    far = person.put_hand(0, person.shoulders[0] - (9, 0))
    assert np.linalg.norm(far - person.shoulders[0]) <= UPPER_ARM + FOREARM


@pytest.mark.parametrize("gaze", ((0, 0, 1), (0.9, 0, 0.3), (-0.5, 0.5, 0.6), (0.1, -0.6, 0.7)))
def test_features_lie_on_the_head_towards_the_gaze(gaze):
    head = Head((5.0, 5.0), gaze)
    np.testing.assert_allclose(head.point(0, 0, 1), unit(gaze))
    assert np.linalg.norm(head.mouth - head.center) <= 1 + 1e-9
    assert head.mouth[1] > head.center[1] + unit(gaze)[1] * 0.9  # below the middle of the face
    x1, y1, x2, y2 = head.face_box()
    assert 4 <= x1 < x2 <= 6 and 4 <= y1 < y2 <= 6
    assert x1 <= head.mouth[0] <= x2 and y1 <= head.mouth[1] <= y2


def test_a_head_seen_from_behind_has_no_face():
    assert not Head((0, 0), (0.2, 0, -0.9)).has_face
    assert Head((0, 0), (1, 0, 0)).has_face


def test_look_at_points_the_gaze_at_the_target():
    rng = np.random.default_rng(1)
    person = Person(rng, draw_look(rng), "side", "standing")
    target = person.head.center + (1.5, 1.8)
    person.look_at(target)
    assert gaze_angle(person, target) == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("view", ("front", "side"))
def test_look_away_does_not_look_at_the_target(view):
    rng = np.random.default_rng(2)
    for _ in range(20):
        person = Person(rng, draw_look(rng), view, "standing")
        target = person.head.center + rng.uniform(-2, 2, 2)
        look_away(person, rng, target)
        assert gaze_angle(person, target) > AWAY
