import numpy as np
import pytest
from detectron2.data.detection_utils import read_image
from drawn_pictures import scene
from PIL import Image

from choi_d2.pictures import read_picture
from choi_d2.pictures.formats import FORMATS, check_channels, from_bgr, to_rgb
from choi_d2.utils import InputError


@pytest.mark.parametrize("format", FORMATS)
def test_channels_are_detectron2s(tmp_path, format):
    Image.fromarray(scene()).save(tmp_path / "a.png")
    found = from_bgr(read_picture(tmp_path / "a.png"), format)
    expected = read_image(str(tmp_path / "a.png"), format)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert found.flags.c_contiguous and found.shape[2] == (1 if format == "L" else 3)


@pytest.mark.parametrize("format", FORMATS)
def test_back_to_look_at(format):
    back = to_rgb(from_bgr(scene()[:, :, ::-1], format), format)
    assert back.dtype == np.uint8 and back.shape == scene().shape
    if format != "L":
        assert abs(back.astype(int) - scene()).max() <= 1


def test_as_many_means_as_channels():
    for format, fitting in (("BGR", (3,)), ("RGB", (3,)), ("YUV-BT.601", (3,)), ("L", (1, 3))):
        for number in range(1, 5):
            if number in fitting:
                check_channels(format, number)
                continue
            with pytest.raises(InputError, match=r"MODEL\.PIXEL_MEAN.*found"):
                check_channels(format, number)


@pytest.mark.parametrize("format", ["bgr", "HSV", "", "F"])
def test_other_formats_are_refused(format):
    with pytest.raises(InputError, match=r"INPUT\.FORMAT.*BGR, RGB, L"):
        from_bgr(scene(), format)
