"""What ``choi synthetic`` does: a data set, or the benchmark's, and a picture of it; a video."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from choi_d2.utils import InputError, atomic_path

from . import benchmark
from .formats import SPLITS
from .moving import ClipStyle
from .preview import contact_sheet
from .writer import make_dataset, scene_at

if TYPE_CHECKING:
    from .clip_writer import MadeClip

CLIP = ClipStyle(shots=(100, 60, 25, 60), empty=(2,), pan=0.08)


def complete(args: argparse.Namespace) -> argparse.Namespace:
    """The arguments of ``choi synthetic`` with the root, and with what the benchmark gives."""
    if args.root is None:
        datasets = Path(os.environ.get("DETECTRON2_DATASETS", "datasets"))
        name = benchmark.FOLDER if args.benchmark else f"synthetic_{args.format}"
        args.root = datasets / name
    if args.benchmark:
        part = benchmark.PARTS[""]
        args.format, args.seed, args.size = "hoiw", benchmark.SEED, part.image_size
        vars(args).update(part.sizes)
    return args


@dataclass(frozen=True)
class Made:
    """What was made.

    Attributes:
        root: the folder of the set.
        format: of its files.
        seed: of its scenes.
        splits: ``train``, ``val``, ``test``, of the benchmark's further parts ``crowded val`` and
            so on -> ``images``, ``faces``, and ``triplets``: verb -> how many.
        contact_sheet: the picture of what is in it; None where none was asked for.
    """

    root: Path
    format: str
    seed: int
    splits: Mapping[str, Mapping[str, Any]]
    contact_sheet: Path | None

    def to_dict(self) -> dict[str, Any]:
        """Strings and numbers alone."""
        sheet = None if self.contact_sheet is None else str(self.contact_sheet)
        return {**vars(self), "root": str(self.root), "contact_sheet": sheet}

    def __str__(self) -> str:
        lines = []
        for name, numbers in self.splits.items():
            verbs = ", ".join(f"{verb} {count}" for verb, count in numbers["triplets"].items())
            counts = f"{numbers['images']} images, {numbers['faces']} faces"
            lines.append(f"{name}: {counts}; triplets: {verbs}")
        lines.append(f"The data set is in {self.root}.")
        if self.contact_sheet is not None:
            lines.append(f"The contact sheet is {self.contact_sheet}.")
        return "\n".join(lines)


def make(args: argparse.Namespace) -> Made | MadeClip:
    """Make the set, or the video.

    Args:
        args: what :func:`complete` gave.

    Raises:
        InputError: a size that is too small, or no scene for the contact sheet.
    """
    if args.video:
        # Here, because results need torch, and drawing does not.
        from .clip_writer import write_clip

        return write_clip(args.video, args.seed, args.size, CLIP)
    sizes = {split: getattr(args, split) for split in SPLITS}
    style = benchmark.PARTS[""].style if args.benchmark else None
    if args.benchmark:
        manifests = benchmark.make_benchmark(args.root, workers=args.workers)
    else:
        manifest = make_dataset(
            args.root,
            seed=args.seed,
            sizes=sizes,
            image_size=args.size,
            workers=args.workers,
            format=args.format,
        )
        manifests = {"": manifest}
    if args.contact_sheet:
        count = min(24, sizes[args.contact_split])
        where = args.seed, args.contact_split
        scenes = [scene_at(*where, i, args.size, style) for i in range(count)]
        if not scenes:
            raise InputError(f"the split {args.contact_split} is empty", field="contact-split")
        _write_png(args.contact_sheet, contact_sheet(scenes))
    splits = {
        " ".join(filter(None, (part, split))): numbers
        for part, manifest in manifests.items()
        for split, numbers in manifest["splits"].items()
    }
    return Made(args.root, args.format, args.seed, splits, args.contact_sheet)


def _write_png(path: Path, image: np.ndarray) -> None:
    if path.suffix.lower() != ".png":
        raise InputError("expected a name that ends in .png", path=path, field="contact-sheet")
    with atomic_path(path) as temporary:
        if not cv2.imwrite(str(temporary), image):
            raise InputError("the picture cannot be written", path=path)
