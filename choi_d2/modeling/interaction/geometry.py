"""Geometry of boxes that pairs and faces need.

Shape shorthand:
    P: number of (box, frame) pairs; M: humans; F: faces; S: bins along one side of a region.
Boxes are XYXY in absolute pixels, float.
"""

import torch
from torch import Tensor


def union_boxes(humans: Tensor, objects: Tensor) -> Tensor:
    """The smallest boxes around both: the region of U in Eq. 3.

    Args:
        humans, objects: Tensor[P, 4].

    Returns:
        Tensor[P, 4]
    """
    return torch.cat(
        [
            torch.minimum(humans[:, :2], objects[:, :2]),
            torch.maximum(humans[:, 2:], objects[:, 2:]),
        ],
        dim=1,
    )


def box_coverage(boxes: Tensor, frames: Tensor, resolution: int) -> Tensor:
    """Which part of each bin of a frame does a box cover? Exact areas, no sampling.

    A frame is cut into S x S equal bins, as RoIAlign does. A box and an axis-parallel bin overlap
    in a rectangle, so the covered part is a product of the covered parts of both sides.

    Args:
        boxes: Tensor[P, 4].
        frames: Tensor[P, 4]; a frame without area is not covered at all.
        resolution: S.

    Returns:
        Tensor[P, S, S] in [0, 1]; rows are y, columns are x.
    """
    edges = torch.linspace(0, 1, resolution + 1, dtype=boxes.dtype, device=boxes.device)
    sides = []
    for axis in (1, 0):
        start, end = frames[:, axis, None], frames[:, axis + 2, None]
        grid = start + (end - start) * edges
        low, high = grid[:, :-1], grid[:, 1:]
        overlap = torch.minimum(high, boxes[:, axis + 2, None]) - torch.maximum(
            low, boxes[:, axis, None]
        )
        tiny = torch.finfo(boxes.dtype).tiny
        sides.append((overlap / (high - low).clamp(min=tiny)).clamp(0, 1))
    rows, columns = sides
    return rows[:, :, None] * columns[:, None, :]


def assign_faces(humans: Tensor, faces: Tensor, scores: Tensor) -> Tensor:
    """The face of each human: the one with the largest part inside the human's box.

    Ties go to the higher score, then to the face that is nearest to the middle of the box's upper
    edge, where a head is. One face may serve two humans whose boxes overlap.

    Args:
        humans: Tensor[M, 4].
        faces: Tensor[F, 4].
        scores: Tensor[F].

    Returns:
        Tensor[M] int64: index into ``faces``; -1 for a human whose box no face touches.
    """
    if len(faces) == 0 or len(humans) == 0:
        return torch.full((len(humans),), -1, dtype=torch.int64, device=humans.device)
    low = torch.maximum(humans[:, None, :2], faces[None, :, :2])
    high = torch.minimum(humans[:, None, 2:], faces[None, :, 2:])
    overlap = (high - low).clamp(min=0).prod(dim=2)
    areas = (faces[:, 2:] - faces[:, :2]).clamp(min=0).prod(dim=1)
    # Rounded, so that "wholly inside" is a tie in spite of float arithmetic.
    inside = torch.where(areas > 0, overlap / areas.clamp(min=1e-6), 0.0).round(decimals=4)

    head = torch.stack([(humans[:, 0] + humans[:, 2]) / 2, humans[:, 1]], dim=1)
    middle = (faces[:, :2] + faces[:, 2:]) / 2
    distance = torch.linalg.vector_norm(head[:, None] - middle[None], dim=2)

    best_inside = inside.amax(dim=1, keepdim=True)
    score = torch.where(inside == best_inside, scores[None].to(inside), -torch.inf)
    tied = score == score.amax(dim=1, keepdim=True)
    choice = torch.where(tied, distance, torch.inf).argmin(dim=1)
    return torch.where(best_inside[:, 0] > 0, choice, -1)
