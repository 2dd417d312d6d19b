"""A picture as a model takes it: in the model's format, resized, with its faces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from detectron2.config import CfgNode
from detectron2.data import transforms as T
from detectron2.structures import Boxes, Instances

from choi_d2.pictures.formats import from_bgr

from .sources import Picture

if TYPE_CHECKING:
    from choi_d2.data.faces import FaceDetector


def prepare(
    picture: Picture, cfg: CfgNode, face_detector: FaceDetector | None
) -> tuple[dict[str, Any], T.Transform, Instances | None]:
    """The inputs of a picture.

    Args:
        picture: what is looked at.
        cfg: the model's: ``INPUT.FORMAT``, ``MIN_SIZE_TEST`` and ``MAX_SIZE_TEST``.
        face_detector: looks at the picture before it is resized; None looks for no faces.

    Returns:
        what the model takes, as Detectron2's have it; how the picture was resized; and its faces,
        ``boxes`` and ``scores`` in its own pixels, None where nobody looked.
    """
    image, file_name = picture.image, picture.file_name
    height, width = image.shape[:2]
    transform = _resize_transform(height, width, cfg)
    # First the format, then the size, as training does.
    resized = transform.apply_image(from_bgr(image, cfg.INPUT.FORMAT))
    tensor = torch.as_tensor(np.array(resized.transpose(2, 0, 1), order="C"))
    inputs = {"image": tensor, "height": height, "width": width}
    if file_name is not None:
        inputs["file_name"] = file_name
    if face_detector is None:
        return inputs, transform, None
    found = face_detector(image, file_name=file_name)
    in_frame = transform.apply_box(found.boxes).reshape(-1, 4)
    inputs["faces"] = _face_instances(in_frame, found.scores, resized.shape[:2])
    return inputs, transform, _face_instances(found.boxes, found.scores, (height, width))


def _resize_transform(height: int, width: int, cfg: CfgNode) -> T.Transform:
    """Detectron2's resizing at test time, which leaves even the narrowest strip a pixel."""
    shortest, longest = cfg.INPUT.MIN_SIZE_TEST, cfg.INPUT.MAX_SIZE_TEST
    if shortest == 0:  # as in Detectron2: no resizing
        return T.NoOpTransform()
    sides = T.ResizeShortestEdge.get_output_shape(height, width, shortest, longest)
    return T.ResizeTransform(height, width, *(max(side, 1) for side in sides))


def _face_instances(boxes: np.ndarray, scores: np.ndarray, size: tuple[int, int]) -> Instances:
    return Instances(
        tuple(size),
        boxes=Boxes(torch.as_tensor(boxes, dtype=torch.float32).reshape(-1, 4)),
        scores=torch.as_tensor(scores, dtype=torch.float32).reshape(-1),
    )
