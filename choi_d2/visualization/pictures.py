"""Whole pictures: several in one, and writing them."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
from PIL import Image

from choi_d2.utils import atomic_path

from . import palette
from .canvas import Canvas, render_label


def side_by_side(images: Sequence[np.ndarray], titles: Sequence[str]) -> np.ndarray:
    """One picture of several, scaled to the height of the tallest, each under its title.

    Args:
        images: uint8 (H, W, 3) each, at least one.
        titles: one for each image.

    Returns:
        uint8 (H', W', 3).
    """
    height = max(image.shape[0] for image in images)
    panels = [Canvas(image, height / image.shape[0]).pixels for image in images]
    gap = max(round(height / 60), 4)
    size = max(round(height / 28), 13)
    background = np.array(palette.CHIP, dtype=np.uint8)
    columns = []
    for panel, title in zip(panels, titles, strict=True):
        label = render_label([[(title, palette.TEXT)]], size)
        shrunk = int(size * min(1.0, panel.shape[1] / label.shape[1]))
        label = render_label([[(title, palette.TEXT)]], max(shrunk, 6))[..., :3]
        bar = np.tile(background, (round(1.9 * size), panel.shape[1], 1))
        label = label[: bar.shape[0], : bar.shape[1]]
        y, x = (np.array(bar.shape[:2]) - label.shape[:2]) // 2
        bar[y : y + label.shape[0], x : x + label.shape[1]] = label
        if columns:
            columns.append(np.tile(background, (height + len(bar), gap, 1)))
        columns.append(np.concatenate([bar, panel]))
    return np.concatenate(columns, axis=1)


def save_picture(path: str | os.PathLike, image_rgb: np.ndarray) -> None:
    """Write uint8 (H, W, 3) in the format that the name's ending says, whole or not at all."""
    with atomic_path(path) as temporary:
        Image.fromarray(image_rgb).save(temporary, quality=92)
