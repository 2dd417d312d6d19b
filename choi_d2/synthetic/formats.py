"""What a format of the synthetic data set is: how scenes lie on disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from pycocotools import mask as coco_mask

from choi_d2.utils import InputError

from .scene import Scene

SPLITS = ("train", "val", "test")


def check_image_size(image_size: Sequence[int]) -> None:
    """Can scenes be drawn in (width, height)?

    Raises:
        InputError: no.
    """
    if len(image_size) != 2 or min(image_size) < 120 or max(image_size) > 4096:
        raise InputError(
            f"expected (width, height), each 120..4096, found {image_size}", field="image_size"
        )


class Format(Protocol):
    """How scenes lie on disk; paths are relative to the data set's root.

    Attributes:
        name: what the command line calls it; the module that defines it is ``{name}_writer.py``.
    """

    name: str

    def image_files(self, split: str, stem: str) -> list[str]:
        """The photo of a scene, then the PNG of each of its `label_maps`."""

    def label_maps(self, scene: Scene) -> list[np.ndarray]:
        """(H, W) uint8 arrays that are written beside the photo."""

    def annotate(self, scene: Scene, split: str, index: int) -> dict[str, Any]:
        """What the annotation files say about a scene, with names and counts for the manifest:
        ``instances`` and ``triplets`` are lists of names.
        """

    def annotation_files(self, rows: Mapping[str, Sequence[dict[str, Any]]]) -> dict[str, Any]:
        """Annotation files by name: JSON content, or text.

        Args:
            rows: split -> what `annotate` returned, by index. The names follow from the splits
                alone.
        """


def stem_at(split: str, index: int) -> str:
    """The name of an image file, without its ending."""
    return f"{split}_{index:06d}"


def run_lengths(scene: Scene) -> list[dict[str, Any]]:
    """The visible pixels of every instance, as COCO run-length codes."""
    codes = coco_mask.encode(np.asfortranarray(scene.masks.transpose(1, 2, 0).astype(np.uint8)))
    size = list(scene.image.shape[:2])
    return [{"size": size, "counts": code["counts"].decode("ascii")} for code in codes]
