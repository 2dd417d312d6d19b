"""The size at which YuNet and CenterFace look."""

import numpy as np
import pytest

from choi_d2.data.faces.working_size import to_working_size


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((960, 1280), (480, 640)),
        ((256, 341), (480, 640)),
        ((640, 427), (640, 448)),
        ((1, 1), (640, 640)),
        ((1, 5000), (64, 640)),
        ((5000, 7), (640, 64)),
    ],
)
def test_longest_side_multiples_and_way_back(shape, expected):
    image, back = to_working_size(np.full((*shape, 3), 200, np.uint8))
    assert image.shape == (*expected, 3)
    # What is not black, taken back, is the whole image.
    rows, columns = np.nonzero(image[:, :, 0])
    extent = back * [columns.max() + 1, rows.max() + 1, columns.max() + 1, rows.max() + 1]
    height, width = shape
    np.testing.assert_allclose(extent, [width, height, width, height], rtol=1e-5)
