import numpy as np
import pytest

from choi_d2.synthetic.canvas import FACE, Pen, ellipse, hull, moved, paint, rectangle, shade


def test_pen_at_chains_turn_scale_and_mirror():
    pen = Pen([]).at((10, 20), scale=2).at((1, 0), angle=90)
    np.testing.assert_allclose(pen.to_frame([(0, 0), (1, 0)]), [(12, 20), (12, 22)], atol=1e-9)
    mirrored = Pen([]).at((0, 0), mirror=True)
    np.testing.assert_allclose(mirrored.to_frame([(3, 4)]), [(-3, 4)])


def test_line_width_scales_with_the_pen():
    shapes = []
    Pen(shapes).at((0, 0), scale=3).line([(0, 0), (1, 0)], (1, 2, 3), 0.5)
    assert shapes[0].width == pytest.approx(1.5)


def test_moved_mirrors_about_the_unit_and_renumbers_owners():
    shapes = []
    Pen(shapes, owner=2, z=7).fill(rectangle((1, 0), 2, 2), (9, 9, 9))
    shape = moved(shapes[0], scale=10, mirror=True, offset=(100, 50), z=3, first_owner=4)
    assert shape.points[:, 0].min() == 80 and shape.points[:, 0].max() == 100
    assert (shape.owner, shape.z) == (6, 3007)


def test_paint_lets_the_nearer_shape_own_the_pixel_and_remembers_the_hidden_part():
    shapes = []
    Pen(shapes, owner=2, z=5).fill(rectangle((10, 5), 6, 20), (0, 0, 255))
    Pen(shapes, owner=1, z=1).fill(rectangle((10, 5), 20, 4), (0, 255, 0))
    Pen(shapes, owner=2, z=6, part=FACE).fill(rectangle((10, 1), 2, 2), (255, 0, 0))
    painting = paint(np.zeros((12, 20, 3), np.uint8), shapes)
    assert painting.owners[5, 10] == 2 and painting.full[1][5, 10] == 1
    assert painting.owners[5, 2] == 1
    assert painting.parts[1, 10] == FACE and painting.parts[8, 10] != FACE
    assert tuple(painting.image[5, 10]) == (0, 0, 255)


def test_paint_leaves_its_background_alone():
    background, shapes = np.zeros((8, 8, 3), np.uint8), []
    Pen(shapes, owner=1).disc((4, 4), 3, (200, 200, 200))
    assert paint(background, shapes).image.any() and not background.any()


def test_shapes_have_the_size_they_are_asked_for():
    assert np.ptp(ellipse((5, 5), 3, 2), axis=0) == pytest.approx((6, 4), abs=0.1)
    assert np.ptp(rectangle((0, 0), 4, 2, angle=90), axis=0) == pytest.approx((2, 4))
    capsule = hull([((0, 0), 1), ((5, 0), 1)])
    assert np.ptp(capsule, axis=0) == pytest.approx((7, 2), abs=0.05)


def test_shade_darkens_and_lightens():
    assert shade((100, 200, 50), 0.5) == (50, 100, 25)
    assert all(a > b for a, b in zip(shade((100, 200, 50), 1.5), (100, 200, 50), strict=True))
