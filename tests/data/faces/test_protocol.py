"""What all face detectors agree on."""

import os
import subprocess
import sys

import numpy as np
import pytest

from choi_d2.data.faces import Faces, NoFaceDetector
from choi_d2.utils import InputError


def test_from_raw_clips_drops_and_sorts():
    boxes = [
        [-5, -5, 10, 12],  # clipped
        [30, 10, 50, 30],  # clipped at the other end
        [41, 0, 60, 10],  # outside
        [3, 3, 3.5, 9],  # thinner than a pixel
        [1, 1, np.nan, 5],
        [1, 1, 9, 9],  # score too low
        [2, 2, 9, 9],  # score not finite
        [4, 4, 9, 9],  # exactly the threshold
    ]
    scores = [0.6, 0.9, 0.9, 0.9, 0.9, 0.2, np.inf, 0.3]
    faces = Faces.from_raw(np.array(boxes), np.array(scores), (20, 40), score_thresh=0.3)
    assert faces.boxes.tolist() == [[30, 10, 40, 20], [0, 0, 10, 12], [4, 4, 9, 9]]
    np.testing.assert_allclose(faces.scores, [0.9, 0.6, 0.3], rtol=1e-6)
    assert faces.boxes.dtype == faces.scores.dtype == np.float32
    assert len(faces) == 3


def test_from_raw_leaves_its_input_alone():
    boxes = np.array([[-5, -5, 10, 12]], np.float32)
    Faces.from_raw(boxes, np.ones(1, np.float32), (20, 40), 0.5)
    assert boxes.tolist() == [[-5, -5, 10, 12]]


def test_records():
    faces = Faces.from_raw([[0.123, 1, 2, 3.999]], [1 / 3], (20, 40), 0.0)
    assert faces.to_records() == [{"bbox": [0.12, 1.0, 2.0, 4.0], "score": 0.333333}]
    assert Faces.empty().to_records() == []


@pytest.mark.parametrize(
    ("image", "found"),
    [
        (np.zeros((4, 5), np.uint8), r"uint8 \(4, 5\)"),
        (np.zeros((4, 5, 1), np.uint8), r"uint8 \(4, 5, 1\)"),
        (np.zeros((4, 5, 4), np.uint8), r"uint8 \(4, 5, 4\)"),
        (np.zeros((4, 5, 3), np.float32), r"float32 \(4, 5, 3\)"),
        (np.zeros((0, 5, 3), np.uint8), r"an empty image \(0, 5, 3\)"),
        (None, "NoneType"),  # what cv2.imread returns for a file that is not there
    ],
)
def test_what_is_not_an_image(image, found):
    with pytest.raises(InputError, match=f"image 'a.jpg'.*uint8 array.*found {found}"):
        NoFaceDetector()(image, file_name="a.jpg")


def test_no_face_detector():
    faces = NoFaceDetector()(np.zeros((1, 1, 3), np.uint8))
    assert faces.boxes.shape == (0, 4)
    assert faces.scores.shape == (0,)


def test_the_import_leaves_insightface_alone():
    code = (
        "import sys, choi_d2.data.faces\n"
        "assert not {'insightface', 'onnxruntime'} & set(sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, env=environment)
