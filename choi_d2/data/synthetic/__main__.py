"""Write the synthetic data set; with --contact-sheet also a picture of what is in it."""

from __future__ import annotations

import argparse
import os
import re
import sys
from pathlib import Path

import cv2
import numpy as np

from choi_d2.utils import InputError, atomic_path

from . import benchmark
from .formats import SPLITS
from .preview import contact_sheet
from .writer import FORMATS, make_dataset, scene_at


def _image_size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)x(\d+)", text)
    if not match:
        raise argparse.ArgumentTypeError(f"expected WIDTHxHEIGHT, e.g. 320x240, found {text!r}")
    return int(match[1]), int(match[2])


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="choi_d2.data.synthetic", description=__doc__)
    parser.add_argument("--format", choices=FORMATS, default="hoiw", help="default: hoiw")
    parser.add_argument(
        "--benchmark",
        action="store_true",
        help="the fixed scenes of the synthetic benchmark, all parts; seed, sizes and format are "
        "given",
    )
    parser.add_argument(
        "--root",
        type=Path,
        metavar="DIR",
        help="default: $DETECTRON2_DATASETS/synthetic_FORMAT (synthetic_benchmark), or the same in "
        "datasets/",
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--train", type=int, default=2000, help="number of images")
    parser.add_argument("--val", type=int, default=300, help="number of images")
    parser.add_argument("--test", type=int, default=300, help="number of images")
    parser.add_argument("--size", type=_image_size, default=(320, 240), metavar="WIDTHxHEIGHT")
    parser.add_argument("--workers", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument(
        "--contact-sheet", type=Path, metavar="PNG", help="draw the first 24 scenes with labels"
    )
    parser.add_argument("--contact-split", choices=SPLITS, default="train")
    options = parser.parse_args(arguments)
    if options.root is None:
        datasets = Path(os.environ.get("DETECTRON2_DATASETS", "datasets"))
        name = benchmark.FOLDER if options.benchmark else f"synthetic_{options.format}"
        options.root = datasets / name
    if options.benchmark:
        part = benchmark.PARTS[""]
        options.format, options.seed, options.size = "hoiw", benchmark.SEED, part.image_size
        vars(options).update(part.sizes)
    return options


def main(arguments: list[str] | None = None) -> int:
    """Make the set and say what is in it; returns the exit status."""
    args = parse_arguments(arguments)
    sizes = {split: getattr(args, split) for split in SPLITS}
    style = benchmark.PARTS[""].style if args.benchmark else None
    try:
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
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for part, manifest in manifests.items():
        for split, numbers in manifest["splits"].items():
            verbs = ", ".join(f"{verb} {count}" for verb, count in numbers["triplets"].items())
            name = " ".join(filter(None, (part, split)))
            print(
                f"{name}: {numbers['images']} images, {numbers['faces']} faces; triplets: {verbs}"
            )
    print(f"The data set is in {args.root}.")
    if args.contact_sheet:
        print(f"The contact sheet is {args.contact_sheet}.")
    return 0


def _write_png(path: Path, image: np.ndarray) -> None:
    if path.suffix.lower() != ".png":
        raise InputError("expected a name that ends in .png", path=path, field="contact-sheet")
    with atomic_path(path) as temporary:
        if not cv2.imwrite(str(temporary), image):
            raise InputError("the picture cannot be written", path=path)


if __name__ == "__main__":
    sys.exit(main())
