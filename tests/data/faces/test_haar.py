"""The Haar backend: blank images of all sizes, and six photos where they are."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import cv2
import numpy as np
import pytest

from choi_d2.data.faces import haar
from choi_d2.data.faces.haar import HaarFaceDetector
from choi_d2.utils import InputError

needs_cascades = pytest.mark.skipif(
    not hasattr(cv2, "CascadeClassifier"), reason="OpenCV 5 has no cascades"
)


@needs_cascades
@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 5000), (5000, 1), (19, 20), (64, 64), (3000, 4000)], ids=str
)
def test_blank_images_have_no_face(shape):
    faces = HaarFaceDetector()(np.full((*shape, 3), 200, np.uint8))
    assert faces.boxes.shape == (0, 4)
    assert faces.boxes.dtype == np.float32
    assert faces.scores.shape == (0,)
    assert faces.scores.dtype == np.float32


@needs_cascades
def test_the_threshold_that_scores_are_measured_from_is_the_cascades():
    root = ElementTree.parse(Path(cv2.data.haarcascades, haar.CASCADE)).getroot()
    thresholds = [float(node.text) for node in root.iter("stageThreshold")]
    assert thresholds[-1] == pytest.approx(haar.LAST_STAGE_THRESHOLD, abs=1e-8)


class _Cascade:
    """Answers as OpenCV would, and keeps what it was asked."""

    def __init__(self, xywh, votes):
        self.xywh, self.votes, self.image = xywh, votes, None

    def detectMultiScale3(self, image, **kwargs):  # noqa: N802
        self.image = image
        return np.array(self.xywh, np.int32), np.full(len(self.xywh), 20), np.array(self.votes)


@needs_cascades
def test_boxes_and_scores_of_what_the_cascade_says():
    detector = HaarFaceDetector()
    votes = [haar.LAST_STAGE_THRESHOLD - 1e-6, haar.LAST_STAGE_THRESHOLD + np.log(3)]
    detector._cascade = _Cascade([[10, 20, 30, 40], [600, 300, 60, 50]], votes)
    faces = detector(np.zeros((700, 1280, 3), np.uint8))
    assert detector._cascade.image.shape == (350, 640)
    # Twice as large; the second comes first, and is clipped.
    assert faces.boxes.tolist() == [[1200, 600, 1280, 700], [20, 40, 80, 120]]
    np.testing.assert_allclose(faces.scores, [0.75, 0.5], rtol=1e-6)


@needs_cascades
def test_a_small_image_is_not_enlarged():
    detector = HaarFaceDetector()
    detector._cascade = _Cascade([[10, 20, 30, 40]], [haar.LAST_STAGE_THRESHOLD + 1])
    faces = detector(np.zeros((100, 200, 3), np.uint8))
    assert detector._cascade.image.shape == (100, 200)
    assert faces.boxes.tolist() == [[10, 20, 40, 60]]


def test_opencv_without_cascades(monkeypatch, tmp_path):
    with monkeypatch.context() as context:
        context.delattr(cv2, "CascadeClassifier", raising=False)
        with pytest.raises(InputError, match="no Haar cascades.*opencv-python<5"):
            HaarFaceDetector()
    if hasattr(cv2, "data"):
        monkeypatch.setattr(cv2.data, "haarcascades", str(tmp_path))
        with pytest.raises(InputError, match="no such cascade"):
            HaarFaceDetector()


@needs_cascades
def test_faces_of_six_photos(shared):
    detector = HaarFaceDetector()
    photos = shared / "pic_demo"
    count = 0
    for path in sorted(photos.glob("images/*.jpg")):
        image = cv2.imread(str(path))
        faces = detector(image, file_name=path.name)
        height, width = image.shape[:2]
        assert (faces.boxes >= 0).all()
        assert (faces.boxes <= [width, height, width, height]).all()
        assert (faces.boxes[:, :2] < faces.boxes[:, 2:]).all()
        assert ((faces.scores >= 0.5) & (faces.scores < 1)).all()
        # Category 1 is human in PIC: a face's center lies on one.
        categories = cv2.imread(str(photos / "semantic" / f"{path.stem}.png"), cv2.IMREAD_UNCHANGED)
        columns, rows = ((faces.boxes[:, :2] + faces.boxes[:, 2:]) / 2).astype(int).T
        assert (categories[rows, columns] == 1).all(), path.name
        count += len(faces)
    # 12 with OpenCV 4.14; a little less would be no error.
    assert count >= 10
