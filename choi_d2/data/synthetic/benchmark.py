"""The synthetic benchmark: a fixed set of scenes that tells the parts of the method apart.

Each scene has two to four people among things that nobody uses, so that most pairs have no verb
(relation ranking, Sec. 3.3.2). Two in five of those who do nothing special hold a phone or a
document, or sit at a computer, as if to use it, and look elsewhere: only face and gaze tell
(explicit facial region attending). Riders have neighbours beside bikes, kickers neighbours who kick
the air (implicit human semantic mining). Small people in front of each other make proposals loose
(cascade).
"""

from __future__ import annotations

import hashlib
import logging
import os
from pathlib import Path
from typing import Any

from choi_d2.utils import InputError

from .scene import SceneStyle
from .writer import make_dataset

logger = logging.getLogger(__name__)

VERSION = 1
FOLDER = "synthetic_benchmark"
"""Below ``$DETECTRON2_DATASETS``; registered are ``synthetic_benchmark_{train,val,test}``."""
SEED = 2026
SIZES = {"train": 2000, "val": 240, "test": 240}
IMAGE_SIZE = (320, 240)
STYLE = SceneStyle(
    people=(0.0, 0.3, 0.4, 0.3),
    verb=0.5,
    hold=0.36,
    tempting=0.14,
    look_away=0.4,
    loose=(0.1, 0.3, 0.4, 0.2),
    head_radius=(11.0, 17.0),
    overlap=0.5,
    close_up=0.1,
)
SHA256 = {
    "train": "10da22a26a1f529c7ed826ce938da9ac51b9642e6ff01e831984e3ff54a17c46",
    "val": "79f245406c0ce58411c85237d804eaee8cb93ea38a0a37317d6999961cc40e50",
    "test": "ba5ec51177f975cefccb8f145743c976d8c76a4555ed35ef1c520bfb4c0566bb",
}
"""Of ``{split}.json``: what is in the scenes. Other ground truth is another benchmark."""


def make_benchmark(
    root: str | os.PathLike | None = None, *, workers: int = 2, progress: bool = True
) -> dict[str, Any]:
    """Write the benchmark in HOIW's format, unless it is there already, and check what it holds.

    Args:
        root: folder; by default ``$DETECTRON2_DATASETS/synthetic_benchmark``.
        workers: processes that draw.
        progress: show a bar.

    Returns:
        The manifest, as of :func:`make_dataset`.

    Raises:
        InputError: ``root`` cannot be written to, or the annotations are not version 1's.
    """
    if root is None:
        root = Path(os.getenv("DETECTRON2_DATASETS", "datasets")) / FOLDER
    manifest = make_dataset(
        root,
        seed=SEED,
        sizes=SIZES,
        image_size=IMAGE_SIZE,
        style=STYLE,
        workers=workers,
        progress=progress,
    )
    for split, expected in SHA256.items():
        path = Path(root) / f"{split}.json"
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != expected:
            raise InputError(
                f"expected the annotations of benchmark version {VERSION} (SHA-256 {expected}), "
                f"found {found}",
                path=path,
                hint="The drawing code, NumPy's generator or OpenCV draw other scenes than the "
                "published ones: numbers cannot be compared with docs/benchmark.md.",
            )
    return manifest
