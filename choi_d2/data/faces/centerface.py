"""Faces by CenterFace, which OpenCV's dnn module runs.

Xu et al., "CenterFace: Joint Face Detection and Alignment Using Face as Point", 2020.
"""

from __future__ import annotations

import os

import cv2
import numpy as np

from choi_d2.utils import InputError

from .model_files import CENTERFACE_OUTPUTS, describe, find_centerface, output_names
from .protocol import DEFAULT_SCORE_THRESH, Faces, check_image
from .working_size import LONGEST_SIDE, to_working_size

# Heat map, log sizes and offsets, of which each cell stands for 4 x 4 pixels; landmarks are 540.
OUTPUTS = ("537", "538", "539")
STRIDE = 4
NMS_THRESHOLD = 0.3
TOP_K = 5000


class CenterFaceDetector:
    """The ``centerface`` backend: faces of all poses, few that are none; on the CPU.

    Args:
        model_file: CenterFace as a local ONNX file; "": the one that
            :func:`~choi_d2.data.faces.model_files.fetch_centerface` has put into the cache.
        score_thresh: faces with a lower score are not returned.

    Raises:
        InputError: there is no such file, or it is not CenterFace.
    """

    name = "centerface"

    def __init__(
        self, model_file: str | os.PathLike = "", score_thresh: float = DEFAULT_SCORE_THRESH
    ):
        path = find_centerface(model_file)
        if output_names(path) != CENTERFACE_OUTPUTS:
            raise InputError(
                "face detector 'centerface': expected CenterFace, found another model or a damaged "
                "file",
                path=path,
                hint="Delete it and run `choi models --fetch-faces`.",
            )
        self.score_thresh = score_thresh
        self.description = (
            f"centerface {describe(path)}, longest side {LONGEST_SIDE}, score >= {score_thresh:g}"
        )
        self._file = np.frombuffer(path.read_bytes(), np.uint8)
        self._network, self._size = None, None

    def __call__(self, image_bgr: np.ndarray, *, file_name: str | None = None) -> Faces:
        """Find faces; see :class:`~choi_d2.data.faces.FaceDetector`."""
        check_image(image_bgr, file_name)
        image, back = to_working_size(image_bgr)
        heat, log_sizes, offsets = self._forward(image)
        boxes, scores = decode(heat[0, 0], log_sizes[0], offsets[0], self.score_thresh)
        return Faces.from_raw(boxes * back, scores, image_bgr.shape[:2], self.score_thresh)

    def _forward(self, image: np.ndarray) -> tuple[np.ndarray, ...]:
        if self._size != image.shape:
            # OpenCV 4.14's network gives nonsense once the size of its input has changed, and to
            # read it again takes a fifth of the time that it needs for a photo.
            self._network = cv2.dnn.readNetFromONNX(self._file)
            self._size = image.shape
        self._network.setInput(cv2.dnn.blobFromImage(image, swapRB=True))
        return self._network.forward(OUTPUTS)


def decode(
    heat: np.ndarray, log_sizes: np.ndarray, offsets: np.ndarray, score_thresh: float
) -> tuple[np.ndarray, np.ndarray]:
    """Boxes from the network's maps, by the paper's Sec. 3.2: a face is a point with a size.

    Args:
        heat: float32 (H, W), the probability that a face's centre is in a cell.
        log_sizes: float32 (2, H, W), log of height and width in cells.
        offsets: float32 (2, H, W), of the centre from the cell's, y and x, in cells.
        score_thresh: cells with less heat are no face.

    Returns:
        boxes float32 (F, 4), XYXY in pixels of the network's input, and scores float32 (F,).
    """
    rows, columns = np.nonzero(heat >= np.float32(score_thresh))
    scores = heat[rows, columns]
    sizes = STRIDE * np.exp(log_sizes[:, rows, columns])
    centres = STRIDE * (np.stack([rows, columns]) + 0.5 + offsets[:, rows, columns])
    corners = centres - sizes / 2
    xywh = np.stack([corners[1], corners[0], sizes[1], sizes[0]], axis=1).astype(np.float32)
    # They have passed the threshold; OpenCV's own asks for more, not for as much.
    kept = cv2.dnn.NMSBoxes(xywh.tolist(), scores.tolist(), 0.0, NMS_THRESHOLD, top_k=TOP_K)
    kept = np.array(kept, np.int64).reshape(-1)
    boxes = xywh[kept]
    boxes[:, 2:] += boxes[:, :2]
    return boxes, scores[kept]
