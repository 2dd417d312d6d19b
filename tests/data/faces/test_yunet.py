"""The YuNet backend: what it makes of OpenCV's answers, and real photos with the real model."""

import cv2
import numpy as np
import pytest

from choi_d2.data.faces import model_files, yunet
from choi_d2.data.faces.yunet import YuNetFaceDetector
from choi_d2.utils import InputError


class _Model:
    """Answers as OpenCV would, and keeps what it was asked."""

    def __init__(self, rows):
        self.rows, self.size, self.image = rows, None, None

    def setInputSize(self, size):  # noqa: N802
        self.size = size

    def detect(self, image):
        self.image = image
        if not self.rows:
            return 1, None
        found = np.zeros((len(self.rows), 15), np.float32)
        found[:, :4] = [row[:4] for row in self.rows]
        found[:, 14] = [row[4] for row in self.rows]
        return 1, found


@pytest.fixture
def detector(tmp_path, monkeypatch):
    path = tmp_path / "yunet.onnx"
    path.write_bytes(b"a model")
    monkeypatch.setattr(yunet, "output_names", lambda path: model_files.YUNET_OUTPUTS)
    monkeypatch.setattr(cv2.FaceDetectorYN, "create", lambda *_: _Model([]))
    return YuNetFaceDetector(path)


def test_boxes_and_scores_of_what_opencv_says(detector):
    detector._model = _Model([(10, 20, 30, 40, 0.8), (600, 300, 60, 60, 0.9)])
    faces = detector(np.zeros((700, 1280, 3), np.uint8))
    # Half as large, padded to multiples of 32.
    assert detector._model.size == (640, 352)
    assert detector._model.image.shape == (352, 640, 3)
    # The second comes first, and is clipped.
    assert faces.boxes.tolist() == [[1200, 600, 1280, 700], [20, 40, 80, 120]]
    np.testing.assert_allclose(faces.scores, [0.9, 0.8], rtol=1e-6)


def test_a_small_image_is_enlarged(detector):
    detector._model = _Model([(10, 20, 30, 40, 0.8), (np.inf, 0, -np.inf, 5, 0.9)])
    faces = detector(np.zeros((240, 320, 3), np.uint8))
    assert detector._model.image.shape == (480, 640, 3)
    assert faces.boxes.tolist() == [[5, 10, 20, 30]]


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (19, 20)], ids=str)
def test_no_face(detector, shape):
    faces = detector(np.zeros((*shape, 3), np.uint8))
    assert faces.boxes.shape == (0, 4)
    assert faces.scores.shape == (0,)
    assert all(side % 32 == 0 and side >= 64 for side in detector._model.size)


def test_another_model_or_none(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("OPENCV_SAMPLES_DATA_PATH", str(tmp_path))
    with pytest.raises(InputError, match=r"no \*yunet\*.onnx in .*checkpoints or .*MODEL_FILE"):
        YuNetFaceDetector()
    with pytest.raises(InputError, match="nowhere.onnx.*no such file"):
        YuNetFaceDetector("nowhere.onnx")
    (tmp_path / "old_yunet.onnx").write_bytes(b"\x08\x07not a model")
    with pytest.raises(InputError, match="old_yunet.onnx.*expected YuNet"):
        YuNetFaceDetector(tmp_path / "old_yunet.onnx")
    # One that OpenCV cannot run is not found either.
    with pytest.raises(InputError, match=r"no \*yunet\*.onnx"):
        YuNetFaceDetector()


def test_faces_of_six_photos(shared, tmp_path, monkeypatch):
    model = shared / "models" / "yunet_n_320_320.onnx"
    if not model.is_file():
        pytest.skip("needs ../shared/models/yunet_n_320_320.onnx")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("OPENCV_SAMPLES_DATA_PATH", str(model.parent))
    detector = YuNetFaceDetector(score_thresh=0.7)
    assert detector.description.startswith("yunet yunet_n_320_320.onnx (")
    photos = [cv2.imread(str(path)) for path in sorted(shared.glob("pic_demo/images/*.jpg"))]
    # 24 with OpenCV 4.14.
    assert 22 <= sum(len(detector(photo)) for photo in photos) <= 26
    for shape in ((1, 1), (1, 5000), (5000, 1), (1000, 1500)):
        for level in (0, 200):
            assert len(detector(np.full((*shape, 3), level, np.uint8))) == 0
    with pytest.raises(InputError, match="scrfd.*expected YuNet"):
        YuNetFaceDetector(model.with_name("scrfd_500m_bnkps.onnx"))
