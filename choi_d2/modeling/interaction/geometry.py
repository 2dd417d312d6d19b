"""Geometry of boxes that pairs and faces need.

Shape shorthand:
    P: number of (box, frame) pairs; M: humans; F: faces; S: bins along one side of a region;
    n: cells along one side of a box.
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
    rows, columns = bin_coverage(boxes, frames, resolution, (1, 1))
    return rows * columns.transpose(1, 2)


def bin_coverage(
    boxes: Tensor, frames: Tensor, resolution: int, cells: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    """Which part of each row of bins of a frame do the rows of cells of a box cover? And columns?

    Box and frame are cut into equal cells and bins. What cell (i, j) covers of bin (r, c) is the
    product of what row i covers of row r and column j of column c.

    Args:
        boxes, frames, resolution: as :func:`box_coverage`.
        cells: (rows, columns) of the grid of a box.

    Returns:
        Tensor[P, S, rows], Tensor[P, S, columns] in [0, 1]: 0 for a box or frame without area.
        Computed in float64: the edges of many cells in a large frame differ by little.
    """
    sides = []
    for axis, count in zip((1, 0), cells):
        low, high = _edges(frames, axis, resolution)
        cell_low, cell_high = _edges(boxes, axis, count)
        overlap = torch.minimum(high[:, :, None], cell_high[:, None]) - torch.maximum(
            low[:, :, None], cell_low[:, None]
        )
        size = (high - low).clamp(min=torch.finfo(torch.float64).tiny)
        sides.append((overlap / size[:, :, None]).clamp(0, 1).to(boxes))
    return sides[0], sides[1]


def _edges(boxes: Tensor, axis: int, count: int) -> tuple[Tensor, Tensor]:
    """Tensor[P, count], Tensor[P, count] float64: where equal parts of a side start and end."""
    parts = torch.linspace(0, 1, count + 1, dtype=torch.float64, device=boxes.device)
    start, end = boxes[:, axis, None].double(), boxes[:, axis + 2, None].double()
    edges = start + (end - start) * parts
    return edges[:, :-1], edges[:, 1:]


def assign_faces(humans: Tensor, faces: Tensor, scores: Tensor) -> Tensor:
    """The face of each human: the one with the largest part inside the human's box.

    Ties, such as several faces wholly inside, go to the face whose middle is nearest to the middle
    of the box's upper edge, where a head is: the detector's score, which decides last, says how
    clear a face is and not whose. One face may serve two humans whose boxes overlap.

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
    distance = torch.where(inside == best_inside, distance, torch.inf)
    tied = distance == distance.amin(dim=1, keepdim=True)
    choice = torch.where(tied, scores[None].to(inside), -torch.inf).argmax(dim=1)
    return torch.where(best_inside[:, 0] > 0, choice, -1)
