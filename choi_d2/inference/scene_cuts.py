"""Where one shot of a video ends and another begins."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter

_GRID = 4
_BINS = (16, 16, 16)
"""Of CIELAB, in which dark and grey pixels with noise do not differ in colour, as in HSV."""
_MOST = 0.4
"""Frames that differ by more are of two shots; see :meth:`Look.difference`."""


@dataclass(frozen=True, eq=False)
class Look:
    """The colours of a frame, by its parts.

    Attributes:
        size: (height, width) of the frame.
        histograms: float32 (parts, bins), of colours; each has the sum 1.
    """

    size: tuple[int, int]
    histograms: np.ndarray

    @classmethod
    def of(cls, image_bgr: np.ndarray) -> Look:
        """The look of a frame, uint8 (H, W, 3) in BGR."""
        small = cv2.resize(image_bgr, (32 * _GRID, 24 * _GRID), interpolation=cv2.INTER_AREA)
        lab = cv2.cvtColor(small, cv2.COLOR_BGR2LAB)
        counts = np.stack(
            [
                cv2.calcHist([part], [0, 1, 2], None, _BINS, [0, 256] * 3)
                for row in np.split(lab, _GRID, axis=0)
                for part in np.split(row, _GRID, axis=1)
            ]
        )
        # Smooth, so that a little more light moves nothing to another bin altogether.
        counts = gaussian_filter(counts, (0, 1, 1, 1), mode="nearest").reshape(len(counts), -1)
        return cls(image_bgr.shape[:2], counts / counts.sum(axis=1, keepdims=True))

    def difference(self, other: Look) -> float:
        """From 0, the same colours everywhere, to 1: the median of the parts' differences.

        Of the median, because whoever comes close to the camera changes some of the parts.
        """
        distances = [
            cv2.compareHist(a, b, cv2.HISTCMP_BHATTACHARYYA)
            for a, b in zip(self.histograms, other.histograms, strict=True)
        ]
        return float(np.median(distances))

    def is_cut_from(self, other: Look) -> bool:
        """Are the two frames of different shots?"""
        return self.size != other.size or self.difference(other) > _MOST
