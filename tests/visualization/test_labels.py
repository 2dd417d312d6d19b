import numpy as np

from choi_d2.visualization import palette
from choi_d2.visualization.canvas import Canvas
from choi_d2.visualization.labels import fitting_font_size


def test_a_crowd_has_smaller_letters():
    canvas = Canvas(np.zeros((480, 640, 3), np.uint8))
    label = [[("human ride bike", palette.TEXT)]]
    assert fitting_font_size(canvas, []) == canvas.font_size
    assert fitting_font_size(canvas, [label]) == canvas.font_size
    crowded = fitting_font_size(canvas, [label] * 60)
    assert canvas.SMALLEST_FONT <= crowded < canvas.font_size
    narrow = Canvas(np.zeros((480, 100, 3), np.uint8))
    assert fitting_font_size(narrow, [label]) < narrow.font_size
