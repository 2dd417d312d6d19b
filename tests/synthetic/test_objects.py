import numpy as np
import pytest

from choi_d2.categories.hoiw import OBJECTS
from choi_d2.synthetic.canvas import Pen
from choi_d2.synthetic.objects import THINGS, draw_thing, make_thing
from choi_d2.synthetic.vehicles import FITS, draw_vehicle, vehicle_color

KINDS = [(category, kind) for category, kinds in THINGS.items() for kind in kinds]


def test_every_object_category_can_be_drawn():
    assert {*THINGS, *FITS} == set(OBJECTS[1:])


@pytest.mark.parametrize("category,kind", KINDS)
def test_a_thing_is_as_big_as_it_says(category, kind):
    rng, shapes = np.random.default_rng(0), []
    thing = make_thing(rng, category, kind)
    draw_thing(Pen(shapes, owner=1), thing)
    points = np.concatenate([shape.points for shape in shapes])
    size = np.ptp(points, axis=0)
    assert size == pytest.approx((thing.width, thing.height), rel=0.2)
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    assert np.abs(middle).max() < 0.25


@pytest.mark.parametrize("category", FITS)
def test_a_vehicle_reaches_from_back_to_front_and_touches_the_ground(category):
    rng, shapes = np.random.default_rng(0), []
    draw_vehicle(Pen(shapes, owner=1), category, vehicle_color(rng, category), 0.25)
    points = np.concatenate([shape.points for shape in shapes])
    fit = FITS[category]
    assert points[:, 0].min() == pytest.approx(fit.back, abs=0.4)
    assert points[:, 0].max() == pytest.approx(fit.front, abs=0.4)
    assert abs(points[:, 1].max()) < 0.3
    assert points[:, 1].min() - 0.15 < fit.grip[1] < fit.foot[1]
