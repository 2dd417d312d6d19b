"""Scenes with their ground truth drawn on: what a person looks at before trusting the set."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from choi_d2.categories.hoiw import OBJECTS

from .scene import Scene

_HUMAN, _THING, _FACE = (80, 220, 60), (230, 60, 230), (60, 230, 250)
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def draw_labels(scene: Scene, zoom: int = 2) -> np.ndarray:
    """The scene, enlarged, with boxes, faces and a line of verbs for every pair.

    Returns:
        (H', W, 3) uint8 BGR; the words stand below the picture.
    """
    image = cv2.resize(scene.image, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC)
    for index, (box, k) in enumerate(zip(scene.boxes, scene.classes, strict=True)):
        color = _THING if k else _HUMAN
        x1, y1, x2, y2 = (int(v * zoom) for v in box)
        cv2.rectangle(image, (x1, y1), (x2 - 1, y2 - 1), color, 1)
        name = f"{index} {OBJECTS[k]}" if k else f"{index}"
        _write(image, name, (x1 + 2, max(y1 - 3, 10)), color)
    for box in scene.faces.values():
        x1, y1, x2, y2 = (round(v * zoom) for v in box)
        cv2.rectangle(image, (x1, y1), (x2 - 1, y2 - 1), _FACE, 1)
    for (human, thing), _ in scene.pairs.items():
        ends = [tuple(int(v * zoom) for v in _middle(scene.boxes[i])) for i in (human, thing)]
        cv2.line(image, ends[0], ends[1], _THING, 1, cv2.LINE_AA)
    words = [
        f"{human} {'+'.join(verbs)} {thing} {OBJECTS[scene.classes[thing]]}"
        for (human, thing), verbs in sorted(scene.pairs.items())
    ]
    rows = max(5, len(words))
    strip = np.full((rows * 16 + 6, image.shape[1], 3), 255, np.uint8)
    for row, line in enumerate(words or ["no pair"]):
        cv2.putText(strip, line, (6, 15 + row * 16), _FONT, 0.45, (20, 20, 20), 1, cv2.LINE_AA)
    return np.vstack([image, strip])


def contact_sheet(scenes: Sequence[Scene], columns: int = 4, zoom: int = 2) -> np.ndarray:
    """Many labelled scenes in one picture, (H, W, 3) uint8 BGR."""
    tiles = [draw_labels(scene, zoom) for scene in scenes]
    height = max(tile.shape[0] for tile in tiles)
    tiles = [
        cv2.copyMakeBorder(
            t, 3, height - t.shape[0] + 3, 3, 3, cv2.BORDER_CONSTANT, value=(255, 255, 255)
        )
        for t in tiles
    ]
    blank = np.full_like(tiles[0], 255)
    tiles += [blank] * (-len(tiles) % columns)
    rows = [np.hstack(tiles[k : k + columns]) for k in range(0, len(tiles), columns)]
    return np.vstack(rows)


def _middle(box: np.ndarray) -> np.ndarray:
    return (box[:2] + box[2:]) / 2


def _write(image: np.ndarray, text: str, origin: tuple[int, int], color) -> None:
    (width, height), _ = cv2.getTextSize(text, _FONT, 0.42, 1)
    x, y = origin
    cv2.rectangle(image, (x - 1, y - height - 2), (x + width + 1, y + 3), color, -1)
    cv2.putText(image, text, origin, _FONT, 0.42, (0, 0, 0), 1, cv2.LINE_AA)
