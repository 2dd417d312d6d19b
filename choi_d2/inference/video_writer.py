"""Drawings of a video's frames as an MP4."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

_DEFAULT_FPS = 25.0


class VideoWriter:
    """Writes frames; all of them get the size of the first.

    Use it in a ``with`` block.

    Args:
        path: the MP4.
        fps: frames a second; None where nobody knows, which gives 25.
    """

    def __init__(self, path: Path, fps: float | None):
        self._path, self._fps = path, fps or _DEFAULT_FPS
        self._writer: cv2.VideoWriter | None = None
        self._count = 0

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(self, kind: type | None, *_) -> None:
        if self._writer is None:
            return
        self._writer.release()
        # OpenCV says nothing of a disk that is full.
        if kind is None and frame_count(self._path) != self._count:
            raise OSError(f"{self._path}: the video cannot be written; is the disk full?")

    def write(self, image_rgb: np.ndarray) -> None:
        """Add a frame.

        Args:
            image_rgb: uint8 (H, W, 3).

        Raises:
            OSError: the file cannot be written.
        """
        if self._writer is None:
            # Codecs want even sides.
            height, width = (side - side % 2 for side in image_rgb.shape[:2])
            self._size = max(width, 2), max(height, 2)
            code = cv2.VideoWriter_fourcc(*"mp4v")
            self._writer = cv2.VideoWriter(str(self._path), code, self._fps, self._size)
            if not self._writer.isOpened():
                raise OSError(f"{self._path.name}: OpenCV cannot write an MP4 of {self._size}")
        if image_rgb.shape[1::-1] != self._size:
            image_rgb = cv2.resize(image_rgb, self._size, interpolation=cv2.INTER_AREA)
        self._writer.write(np.ascontiguousarray(image_rgb[:, :, ::-1]))
        self._count += 1


def frame_rate(path: str | int | Path) -> float | None:
    """Frames a second of a video; None where it does not say."""
    return _property(path, cv2.CAP_PROP_FPS)


def frame_count(path: str | Path) -> int | None:
    """The frames that a video says it has; None where it does not."""
    count = _property(path, cv2.CAP_PROP_FRAME_COUNT)
    return None if count is None else int(count)


def _property(path: str | int | Path, key: int) -> float | None:
    capture = cv2.VideoCapture(path if isinstance(path, int) else str(path))
    try:
        value = capture.get(key) if capture.isOpened() else 0.0
    finally:
        capture.release()
    return value if np.isfinite(value) and 0 < value < 1e9 else None
