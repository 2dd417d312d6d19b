"""Where labels go: inside the picture, near their anchor, off each other and off what matters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class LabelRequest:
    """A label that wants a place.

    Args:
        width: in pixels.
        height: in pixels.
        anchors: float (A, 2), the points (x, y) that the label could belong to, the best first;
            its centre would best be at one of them.
        anchor_share: where in the label an anchor should be: (0.5, 0.5) is its centre, (0, 1) its
            lower left corner.
    """

    width: float
    height: float
    anchors: np.ndarray
    anchor_share: tuple[float, float] = (0.5, 0.5)

    def nearest_anchor(self, box: np.ndarray) -> np.ndarray:
        """The anchor (x, y) that is nearest to the label when it lies at ``box``."""
        outside = self.anchors - np.clip(self.anchors, box[:2], box[2:])
        return self.anchors[np.argmin(np.hypot(*outside.T))]


class LabelLayout:
    """A coarse map of how bad it is to cover each part of a picture.

    Args:
        height: picture height, in pixels.
        width: picture width, in pixels.
    """

    CELLS = 240  # on the picture's longer side
    LABEL_DENSITY = 40.0  # covering another label is worse than anything else
    DISTANCE_WEIGHT = 12.0  # cost of moving a label by the picture's diagonal
    LATER_ANCHOR = 0.01  # each next anchor is as good as being so far (in diagonals) from the first

    def __init__(self, height: int, width: int):
        self.height, self.width = height, width
        self.cell = max(height, width) / self.CELLS
        rows, columns = np.ceil(np.array([height, width]) / self.cell).astype(int)
        self._cost = np.zeros((max(rows, 1), max(columns, 1)))

    def protect(self, box: Sequence[float], density: float) -> None:
        """Make covering ``box`` (x1 y1 x2 y2, pixels) cost ``density`` per label's area."""
        self._cost[self._cells(box)] += density

    def place(self, requests: Sequence[LabelRequest], rounds: int = 2) -> list[np.ndarray]:
        """Boxes (x1 y1 x2 y2, pixels) for the labels, in their order; the first choose first.

        Args:
            requests: the labels.
            rounds: how often each label may choose again, the others being where they are.
        """
        boxes: list[np.ndarray | None] = [None] * len(requests)
        for _ in range(rounds):
            for index, request in enumerate(requests):
                if boxes[index] is not None:
                    self.protect(boxes[index], -self.LABEL_DENSITY)
                boxes[index] = self._best(request)
                self.protect(boxes[index], self.LABEL_DENSITY)
        return boxes

    def _best(self, request: LabelRequest) -> np.ndarray:
        rows, columns = self._cost.shape
        # One cell more than the label covers: it need not start where a cell starts.
        tall = min(int(np.ceil(request.height / self.cell)) + 1, rows)
        wide = min(int(np.ceil(request.width / self.cell)) + 1, columns)
        integral = np.pad(self._cost.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
        covered = (
            integral[tall:, wide:]
            - integral[:-tall, wide:]
            - integral[tall:, :-wide]
            + integral[:-tall, :-wide]
        ) / (tall * wide)
        left = np.arange(covered.shape[1]) * self.cell
        top = np.arange(covered.shape[0]) * self.cell
        center_x = left + request.width * request.anchor_share[0]
        center_y = top + request.height * request.anchor_share[1]
        diagonal = np.hypot(self.height, self.width)
        distance = np.full(covered.shape, np.inf)
        for rank, (x, y) in enumerate(request.anchors):
            reach = np.hypot(center_x[None] - x, center_y[:, None] - y) / diagonal
            np.minimum(distance, reach + rank * self.LATER_ANCHOR, out=distance)
        row, column = np.unravel_index(
            np.argmin(covered + self.DISTANCE_WEIGHT * distance), covered.shape
        )
        x = np.clip(left[column], 0, max(self.width - request.width, 0))
        y = np.clip(top[row], 0, max(self.height - request.height, 0))
        return np.array([x, y, x + request.width, y + request.height])

    def _cells(self, box: Sequence[float]) -> tuple[slice, slice]:
        x1, y1, x2, y2 = np.maximum(box, 0) / self.cell
        return (
            slice(int(y1), max(int(np.ceil(y2)), int(y1) + 1)),
            slice(int(x1), max(int(np.ceil(x2)), int(x1) + 1)),
        )
