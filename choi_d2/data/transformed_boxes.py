"""Boxes beside the instances, faces and ignored regions, in the frame of a transformed image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from detectron2.data import transforms as T
from detectron2.structures import Boxes, BoxMode, Instances

from choi_d2.structures import IgnoredRegions


def transform_faces(
    faces: Sequence[Mapping], transforms: T.TransformList, image_size: tuple[int, int]
) -> Instances:
    """Faces in the frame of the transformed image.

    Args:
        faces: ``[{"bbox": [x1, y1, x2, y2], "score": float}, ...]`` in the original image.
        transforms: what was done to the image.
        image_size: (height, width) of the transformed image.

    Returns:
        ``Instances`` with ``boxes`` (F boxes, clipped to the image) and ``scores`` (F,); faces that
        are outside the image are left out.
    """
    boxes = _transform_boxes([face["bbox"] for face in faces], transforms, image_size)
    scores = torch.tensor([face["score"] for face in faces], dtype=torch.float32)
    inside = boxes.nonempty()
    return Instances(image_size, boxes=boxes[inside], scores=scores[inside])


def transform_ignored(
    annotations: Sequence[Mapping], transforms: T.TransformList, image_size: tuple[int, int]
) -> IgnoredRegions:
    """Ignored regions in the frame of the transformed image.

    Args:
        annotations: with ``bbox``, ``bbox_mode`` and ``iscrowd``, in the original image.
        transforms: what was done to the image.
        image_size: (height, width) of the transformed image.

    Returns:
        The regions, clipped to the image; those outside it are left out.
    """
    corners = [BoxMode.convert(x["bbox"], x["bbox_mode"], BoxMode.XYXY_ABS) for x in annotations]
    boxes = _transform_boxes(corners, transforms, image_size)
    is_crowd = torch.tensor([bool(x.get("iscrowd", 0)) for x in annotations], dtype=torch.bool)
    inside = boxes.nonempty()
    return IgnoredRegions(boxes.tensor[inside], is_crowd[inside])


def _transform_boxes(
    corners: Sequence[Sequence[float]], transforms: T.TransformList, image_size: tuple[int, int]
) -> Boxes:
    """Boxes ``[x1, y1, x2, y2]`` in the transformed image, clipped to it."""
    boxes = np.asarray(corners, dtype=np.float64).reshape(-1, 4)
    boxes = Boxes(torch.as_tensor(transforms.apply_box(boxes), dtype=torch.float32).reshape(-1, 4))
    boxes.clip(image_size)
    return boxes
