"""The synthetic benchmark: fixed sets of scenes that tell the parts of the method apart.

Each scene has two to four people among things that nobody uses, so that most pairs have no verb
(relation ranking, Sec. 3.3.2). Of those who do nothing special, some hold a phone or a document, or
sit at a computer, as if to use it, and look elsewhere: only face and gaze tell (explicit facial
region attending). Some have the posture of one who rides or kicks, and face the other way: only the
body as a whole tells (implicit human semantic mining). Small people in front of each other make
proposals loose (cascade).

In the crowded part, three rows of people and things make over 200 pairs a scene, so that the
ranking decides which of them are classified.

In the part with bystanders, mostly one person interacts and the others do nothing that has a verb,
so that sparse annotations leave out nearly all negatives, as HOIW's do (sampling of pairs).

Every split is annotated twice: fully, and sparsely, as HOIW is: only the people and things that
take part in an interaction. The interactions are the same.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from choi_d2.utils import InputError

from .scene import SceneStyle
from .writer import make_dataset

logger = logging.getLogger(__name__)

VERSION = 2
FOLDER = "synthetic_benchmark"
"""Below ``$DETECTRON2_DATASETS``; registered are ``synthetic_benchmark_{train,val,test}``, the
further parts ``synthetic_benchmark_{crowded,bystanders}_...``, each also with ``_sparse`` before
the split, and with ``_true_faces`` behind it.
"""
SEED = 2027


@dataclass(frozen=True)
class Part:
    """Scenes of one style.

    Attributes:
        sizes: number of scenes by split.
        image_size: width, height.
        style: what makes them hard.
    """

    sizes: Mapping[str, int]
    image_size: tuple[int, int]
    style: SceneStyle


_MAIN = Part(
    sizes={"train": 1600, "val": 160, "test": 240},
    image_size=(256, 192),
    style=SceneStyle(
        people=(0.0, 0.4, 0.4, 0.2),
        verb=0.5,
        hold=0.3,
        tempting=0.2,
        look_away=0.6,
        posture=0.3,
        loose=(0.1, 0.3, 0.4, 0.2),
        head_radius=(13.0, 20.0),
        overlap=0.5,
        close_up=0.1,
    ),
)

PARTS = {
    "": _MAIN,
    "crowded": Part(
        sizes={"val": 20, "test": 60},
        image_size=(512, 384),
        style=SceneStyle(
            people=(0.0,) * 9 + (1.0,),
            verb=0.5,
            hold=0.3,
            tempting=0.2,
            look_away=0.6,
            posture=0.3,
            loose=(0.0,) * 12 + (1.0,),
            head_radius=(5.5, 8.0),
            overlap=0.4,
            close_up=0.0,
            rows=3,
        ),
    ),
    "bystanders": replace(
        _MAIN,
        style=replace(
            _MAIN.style,
            verb=0.02,
            hold=0.0,
            tempting=0.98,
            look_away=0.0,
            posture=0.08,
            one_acts=True,
        ),
    ),
}
"""By name of the folder below the benchmark's own."""

SHA256 = {
    "train.json": "c4a3744109d972b6d5fed25265336d7bc7a0f3d17542a8996d2410fc074f7947",
    "train_sparse.json": "622672d0a9a8e4dd7771e5910aa2e03e99c1e9e05f3803d5e87070863583f7e9",
    "val.json": "cd4ca24a49b0be74e287179e9537ca9eff29c09e20b6009797554a2bbc573adc",
    "val_sparse.json": "38545a0a2a7748fd03a243d8011afdd5fe7c8b47510e8b50222465b1581c11cb",
    "test.json": "b3d2926755ea79221482c3407eb2edf6aa1b666b7e81925282dd190a823abf4a",
    "test_sparse.json": "1af48697d061b8cbeef1750c7275246963dbd52bcb1bc0c48d0f409abde3c798",
    "crowded/val.json": "c30e924e55586abb72bf5c75e37aba5e1821c85e696748b0c0579a16b6691f27",
    "crowded/val_sparse.json": "89c4cb4fa78c23d9c285dfe8906961cc6b4d651d4095e60e426fca1a8ea13803",
    "crowded/test.json": "4b6907bba572d98809f5876e3898eaa5b9554242d2d44aa2ed8327e052e11bf9",
    "crowded/test_sparse.json": "41c2f40c9843880b243c6c9b24a3182459762c736fd79203d8eb218f771c4eb3",
    "bystanders/train.json": "3f9aba259858d371effe13c2b6cba5ef7de5aefa78796626234b482615ca6156",
    "bystanders/train_sparse.json": (
        "ce6ce3ac3d98f0cb3206aa22601f194ac7befb6a7fb72cf5f5b0d7d95278234e"
    ),
    "bystanders/val.json": "93dd6f33ee43adfc9fd21ea60c415f7f9149ac365d82fdebc0431c1d1af82148",
    "bystanders/val_sparse.json": (
        "74c7e8884eef177fc8c69873a7e47786ca59e2cd503d12a1ac86895c781cda1a"
    ),
    "bystanders/test.json": "8d6d96127636675be590600f1b79a90bbe54ae7c1c45200703b6f7569d5a65cf",
    "bystanders/test_sparse.json": (
        "be3752f3391881c1bf47a4078d78f908d38991dac45707db1d51943942ab4c5f"
    ),
}
"""Of annotations, by path below the benchmark's folder: what is in the scenes. Other ground truth
is another benchmark."""


def make_benchmark(
    root: str | os.PathLike | None = None, *, workers: int = 2, progress: bool = True
) -> dict[str, dict[str, Any]]:
    """Write the benchmark in HOIW's format, unless it is there already, and check what it holds.

    Args:
        root: folder; by default ``$DETECTRON2_DATASETS/synthetic_benchmark``.
        workers: processes that draw.
        progress: show a bar.

    Returns:
        The manifest of each part, as of :func:`make_dataset`.

    Raises:
        InputError: ``root`` cannot be written to, or the annotations are not this version's.
    """
    if root is None:
        root = Path(os.getenv("DETECTRON2_DATASETS", "datasets")) / FOLDER
    root = Path(root)
    manifests = {
        name: make_dataset(
            root / name,
            seed=SEED,
            sizes=part.sizes,
            image_size=part.image_size,
            style=part.style,
            workers=workers,
            progress=progress,
        )
        for name, part in PARTS.items()
    }
    for name, expected in SHA256.items():
        found = hashlib.sha256((root / name).read_bytes()).hexdigest()
        if found != expected:
            raise InputError(
                f"expected the annotations of benchmark version {VERSION} (SHA-256 {expected}), "
                f"found {found}",
                path=root / name,
                hint="The drawing code, NumPy's generator or OpenCV draw other scenes than the "
                "published ones: numbers cannot be compared with docs/benchmark.md.",
            )
    return manifests


def checksum_of(name: str) -> str | None:
    """SHA-256 of a registered data set's annotations; None if it is none of the benchmark's."""
    if not name.startswith(f"{FOLDER}_"):
        return None
    words = name.removeprefix(f"{FOLDER}_").removesuffix("_true_faces").split("_")
    folder = f"{words.pop(0)}/" if words[0] in PARTS else ""
    return SHA256.get(f"{folder}{'_'.join(reversed(words))}.json")
