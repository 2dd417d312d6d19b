"""The insightface backend, with a detector whose answers are known."""

import importlib.util
import socket
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from choi_d2.data.faces.insightface import InsightFaceDetector, why_unavailable
from choi_d2.utils import InputError

sys.path.insert(0, str(Path(__file__).parent))
from scrfd_onnx import write_embedding_model, write_red_square_detector  # noqa: E402

installed = all(map(importlib.util.find_spec, ("insightface", "onnxruntime", "onnx")))
needs_insightface = pytest.mark.skipif(
    not installed, reason="insightface, onnxruntime and onnx are not installed (extra: faces)"
)

RED_BGR = (0, 0, 255)


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Every attempt to reach the network fails the test."""

    def refuse(*args, **kwargs):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture(params=[False, True], ids=["6 outputs", "9 outputs"])
def detector(request, tmp_path):
    path = tmp_path / "det.onnx"
    return InsightFaceDetector(write_red_square_detector(path, keypoints=request.param))


@needs_insightface
def test_boxes_are_where_the_squares_are(detector):
    image = np.full((640, 640, 3), 128, np.uint8)
    image[64:96, 128:160] = RED_BGR
    image[320:352, 0:32] = RED_BGR
    # Three quarters red: a lower score, so it comes last.
    image[608:632, 608:640] = RED_BGR
    image[352:384, 352:384] = RED_BGR[::-1]  # blue
    faces = detector(image)
    assert faces.boxes.dtype == faces.scores.dtype == np.float32
    assert sorted(faces.boxes[:2].tolist()) == [[0, 320, 32, 352], [128, 64, 160, 96]]
    assert faces.boxes[2:].tolist() == [[608, 608, 640, 640]]
    np.testing.assert_allclose(faces.scores[:2], 1 / (1 + np.exp(-6 * 0.992)), atol=1e-3)
    assert 0.5 < faces.scores[2] < 0.96


@needs_insightface
@pytest.mark.parametrize(
    ("height", "width", "scale"), [(960, 1280, 2), (1280, 640, 2), (240, 320, 0.5)]
)
def test_boxes_are_in_the_images_own_pixels(detector, height, width, scale):
    image = np.zeros((height, width, 3), np.uint8)
    x1, y1, x2, y2 = (int(scale * x) for x in (64, 96, 96, 128))
    image[y1:y2, x1:x2] = RED_BGR
    # As a view that is not contiguous, which OpenCV does not take.
    faces = detector(image[:, ::-1].copy()[:, ::-1])
    np.testing.assert_allclose(faces.boxes, [[x1, y1, x2, y2]], atol=1e-3)


@needs_insightface
def test_a_narrow_strip_is_padded_and_its_boxes_clipped(detector):
    image = np.zeros((40, 1280, 3), np.uint8)
    image[:, 64:128] = RED_BGR
    faces = detector(image)
    np.testing.assert_allclose(faces.boxes, [[64, 0, 128, 40]], atol=1e-3)


@needs_insightface
@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 3000, 3), (3000, 1, 3), (7, 5, 3)])
def test_images_without_room_for_a_face(detector, shape):
    faces = detector(np.zeros(shape, np.uint8))
    assert faces.boxes.shape == (0, 4)
    assert faces.scores.shape == (0,)


@needs_insightface
def test_score_threshold(tmp_path):
    path = write_red_square_detector(tmp_path / "det.onnx", keypoints=True)
    image = np.zeros((640, 640, 3), np.uint8)
    image[64:96, 64:96] = RED_BGR
    assert len(InsightFaceDetector(path, score_thresh=0.99)(image)) == 1
    assert len(InsightFaceDetector(path, score_thresh=0.999)(image)) == 0


@needs_insightface
def test_a_model_with_a_fixed_input_size_keeps_it(tmp_path):
    path = write_red_square_detector(tmp_path / "det.onnx", keypoints=True, input_size=(320, 320))
    detector = InsightFaceDetector(path)
    image = np.zeros((640, 640, 3), np.uint8)
    image[64:128, 128:192] = RED_BGR
    np.testing.assert_allclose(detector(image).boxes, [[128, 64, 192, 128]], atol=1e-3)
    assert "320 x 320" in detector.description


@needs_insightface
def test_the_description_tells_models_with_one_name_apart(tmp_path):
    descriptions = set()
    for keypoints in (False, True):
        folder = tmp_path / str(keypoints)
        folder.mkdir()
        path = write_red_square_detector(folder / "det.onnx", keypoints=keypoints)
        descriptions.add(InsightFaceDetector(path).description)
    assert len(descriptions) == 2
    assert all(text.startswith("insightface det.onnx (") for text in descriptions)


@needs_insightface
def test_files_that_are_no_face_detector(tmp_path):
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"\x08\x07not a model")
    with pytest.raises(InputError, match="broken.onnx.*ONNX Runtime can load"):
        InsightFaceDetector(broken)
    with pytest.raises(InputError, match="recognition.onnx.*expected a face detection model"):
        InsightFaceDetector(write_embedding_model(tmp_path / "recognition.onnx"))


@needs_insightface
@pytest.mark.parametrize(
    ("model_file", "message"),
    [
        ("", "no model file is given.*INPUT.FACES.MODEL_FILE"),
        ("missing.onnx", "missing.onnx.*no such file"),
        ("buffalo_l", "buffalo_l.*ends in .onnx"),
    ],
)
def test_missing_files_are_found_before_insightface_looks(
    tmp_path, monkeypatch, model_file, message
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "insightface.model_zoo", None)  # an import would fail
    with pytest.raises(InputError, match=message):
        InsightFaceDetector(model_file)


def test_missing_package(tmp_path, monkeypatch):
    (tmp_path / "det.onnx").write_bytes(b"something")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="insightface is not installed.*pip install"):
        InsightFaceDetector(tmp_path / "det.onnx")
    assert why_unavailable(tmp_path / "det.onnx") is not None


def test_a_package_that_cannot_be_imported(tmp_path, monkeypatch):
    (tmp_path / "det.onnx").write_bytes(b"something")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    monkeypatch.setitem(sys.modules, "insightface", None)
    monkeypatch.setitem(sys.modules, "insightface.model_zoo", None)
    with pytest.raises(InputError, match="cannot be imported.*onnxruntime"):
        InsightFaceDetector(tmp_path / "det.onnx")


@needs_insightface
def test_faces_of_six_photos(shared):
    model = shared / "models" / "scrfd_500m_bnkps.onnx"
    if not model.is_file():
        pytest.skip("needs ../shared/models/scrfd_500m_bnkps.onnx")
    detector = InsightFaceDetector(model)
    photos = [cv2.imread(str(path)) for path in sorted(shared.glob("pic_demo/images/*.jpg"))]
    # 21 with insightface 2.1, all of them faces.
    assert 19 <= sum(len(detector(photo)) for photo in photos) <= 23
    gray = cv2.cvtColor(cv2.cvtColor(photos[0], cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    assert len(detector(gray)) >= 4
    for shape in ((1, 1), (1, 3000), (3000, 1), (2000, 3000)):
        assert len(detector(np.full((*shape, 3), 200, np.uint8))) == 0
