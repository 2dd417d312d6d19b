"""Tiny data sets on disk."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def save_noise(path: Path, height: int = 40, width: int = 60, seed: int = 0) -> Path:
    """A picture of noise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def hoiw_entries() -> list[dict]:
    """Three images in HOIW's format: two pairs, one of them with two verbs; no pair; nothing."""
    return [
        {
            "file_name": "a.png",
            "annotations": [
                {"bbox": [30, 10, 40, 20], "category_id": "4\n"},
                {"bbox": [10, 5, 35, 39], "category_id": "1"},
                {"bbox": [1, 2, 9, 12], "category_id": 6},
            ],
            "hoi_annotation": [
                {"subject_id": 1, "object_id": 0, "category_id": 7},
                {"subject_id": 1, "object_id": 2, "category_id": "6"},
                {"subject_id": 1, "object_id": 0, "category_id": 5},
            ],
        },
        {
            "file_name": "b.png",
            "annotations": [{"bbox": [0, 0, 20, 30], "category_id": "1"}],
            "hoi_annotation": [],
        },
        {"file_name": "c.png", "annotations": [], "hoi_annotation": []},
    ]


@pytest.fixture
def write_image():
    """``write_image(path, height, width)``."""
    return save_noise


@pytest.fixture
def hoiw(tmp_path):
    """A folder with ``gt.json`` and ``images``, and a function that writes the JSON anew."""

    class Folder:
        root = tmp_path
        json_file = tmp_path / "gt.json"
        image_root = tmp_path / "images"
        entries = hoiw_entries()

        def write(self) -> Folder:
            self.json_file.write_text(json.dumps(self.entries))
            return self

    for seed, name in enumerate("abc"):
        save_noise(tmp_path / "images" / f"{name}.png", seed=seed)
    return Folder().write()
