import numpy as np

from choi_d2.visualization import palette, side_by_side


def test_side_by_side_puts_titles_above(image):
    tall = np.full((480, 100, 3), 50, np.uint8)
    both = side_by_side([image, tall], ["Ground truth", "A title much longer than its picture"])
    assert both.shape[0] > 480 and both.shape[1] >= 640 + 100
    assert both[-1, 0].tolist() == [128] * 3 and both[-1, -1].tolist() == [50] * 3
    assert (both[:30] == palette.TEXT).all(-1).any()
