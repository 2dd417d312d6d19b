import cv2
import numpy as np
import pytest

from choi_d2.pictures import as_bgr, read_picture
from choi_d2.pictures.pixels import to_8_bits
from choi_d2.utils import InputError


@pytest.mark.parametrize("scale", [255, 4095, 65535, 2**31 - 1, 2**32 - 1])
@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.uint32, np.int64, ">u2"])
def test_integers_are_scaled_by_the_smallest_range_that_holds_them(scale, dtype):
    if scale > np.iinfo(dtype).max:
        pytest.skip("beyond this type")
    values = np.array([0, scale // 2, scale], np.int64)
    expected = np.floor(values * 255 / scale + 0.5).astype(int).tolist()
    assert to_8_bits(values.astype(dtype)).tolist() == expected


def test_what_lies_between_the_ranges_and_below_zero():
    assert to_8_bits(np.array([-5, 0, 4096], np.int32)).tolist() == [0, 0, 16]
    assert to_8_bits(np.array([True, False])).tolist() == [255, 0]
    assert to_8_bits(np.zeros((0, 3), np.uint16)).shape == (0, 3)


def test_arrays_as_opencv_gives_them(tmp_path):
    path = str(tmp_path / "a.png")
    bgra = np.dstack([np.full((4, 5), value, np.uint8) for value in (1, 2, 3, 200)])
    cv2.imwrite(path, bgra)
    assert as_bgr(cv2.imread(path, cv2.IMREAD_UNCHANGED))[0, 0].tolist() == [1, 2, 3]
    assert as_bgr(np.full((4, 5), 7, np.uint8))[0, 0].tolist() == [7, 7, 7]
    assert as_bgr(np.full((4, 5, 1), 257 * 99, np.uint16))[0, 0].tolist() == [99, 99, 99]
    strided = np.zeros((4, 5, 3), np.uint8)[:, ::-1, ::-1]
    assert as_bgr(strided).flags.c_contiguous


@pytest.mark.parametrize("top", [4095, 65535])
def test_a_deep_array_is_what_its_file_is(tmp_path, top):
    deep = np.random.default_rng(0).integers(0, top, (6, 7, 4), dtype=np.uint16)
    deep[0, 0] = top
    cv2.imwrite(str(tmp_path / "a.png"), deep)
    array = cv2.imread(str(tmp_path / "a.png"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(as_bgr(array), read_picture(tmp_path / "a.png"))


@pytest.mark.parametrize(
    "wrong, found",
    [
        (None, "NoneType"),
        (np.zeros((4, 5, 3), np.float32), "float32"),
        (np.zeros((4, 5, 2), np.uint8), "shape"),
        (np.zeros((0, 5, 3), np.uint8), "no pixels"),
        (np.zeros(4, np.uint8), "shape"),
    ],
)
def test_what_is_no_picture_is_refused(wrong, found):
    with pytest.raises(InputError, match=f"image 'x.png'.*{found}"):
        as_bgr(wrong, "x.png")
