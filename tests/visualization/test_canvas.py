import numpy as np
import pytest

from choi_d2.visualization import palette
from choi_d2.visualization.canvas import Canvas, render_label

RED = (255, 0, 0)


def blank(height, width):
    return np.full((height, width, 3), 100, np.uint8)


def test_the_picture_that_was_given_is_left_alone():
    image = blank(60, 80)
    canvas = Canvas(image)
    canvas.box((10, 10, 50, 50), RED)
    assert (image == 100).all() and not (canvas.pixels == 100).all()


def test_lines_and_letters_grow_with_the_picture():
    small, large = Canvas(blank(480, 640)), Canvas(blank(2400, 3200))
    assert large.font_size > 2 * small.font_size
    small.box((100, 100, 300, 300), RED)
    large.box((500, 500, 1500, 1500), RED)
    thin = (small.pixels[200, 80:120] == RED).all(-1).sum()
    thick = (large.pixels[1000, 400:600] == RED).all(-1).sum()
    assert thin >= 2 and thick > 2 * thin


def test_a_box_at_the_border_is_drawn_inside():
    canvas = Canvas(blank(200, 300))
    canvas.box((-50, -50, 900, 900), RED)
    reds = np.argwhere((canvas.pixels == RED).all(-1))
    assert (reds.min(0) <= 4).all() and (reds.max(0) >= [195, 295]).all()


def test_a_mask_is_tinted_inside_and_nowhere_else():
    mask = np.zeros((100, 150), bool)
    mask[30:70, 40:120] = True
    canvas = Canvas(blank(100, 150), scale=2.0)
    canvas.mask(mask, RED, alpha=0.5)
    assert canvas.pixels[100, 160].tolist() == [178, 50, 50]
    assert canvas.pixels[20, 20].tolist() == [100, 100, 100]
    canvas.mask(np.zeros((100, 150), bool), RED)


def test_a_mask_of_the_whole_picture():
    canvas = Canvas(blank(33, 47), scale=1.7)
    canvas.mask(np.ones((33, 47), bool), RED)
    assert canvas.pixels[28, 40, 0] > 100


@pytest.mark.parametrize("corner", [(-5, -5), (95, 75), (500, 500)])
def test_a_label_that_does_not_fit_is_cut(corner):
    canvas = Canvas(blank(80, 100))
    canvas.paste(render_label([[("words", palette.TEXT)]], 20), *corner)
    assert canvas.pixels.shape == (80, 100, 3)


def test_labels_hold_their_words():
    one = render_label([[("ride", palette.TEXT)]], 20)
    longer = render_label([[("ride ", palette.TEXT), ("bike", palette.OBJECT)]], 20)
    two = render_label([[("ride", palette.TEXT)], [("hold", palette.TEXT)]], 20)
    assert longer.shape[1] > one.shape[1] and longer.shape[0] == one.shape[0]
    assert two.shape[0] > 1.5 * one.shape[0]
    assert (one[..., :3] == palette.TEXT).all(-1).any()
    striped = render_label([[("ride", palette.TEXT)]], 20, stripe=RED)
    assert (striped[10, 0, :3] == RED).all()


def test_arrows_without_length_and_points_far_away_are_no_trouble():
    canvas = Canvas(blank(50, 50))
    point = np.array([25.0, 25.0])
    canvas.arrow_head(point, np.zeros(2), RED)
    canvas.leader(point, point, RED)
    canvas.curve(np.array([[-1e9, 0.0], [1e9, 50.0]]), RED)
    assert (canvas.pixels == RED).all(-1).any()
