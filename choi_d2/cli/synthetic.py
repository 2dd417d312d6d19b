"""Draw the synthetic data sets: people who do things, with their boxes, verbs and faces.

  choi synthetic
  choi synthetic --format hoi --root my --seed 1 --train 120 --val 40 --test 0
  choi synthetic --benchmark
  choi synthetic --contact-sheet scenes.png
  choi synthetic --video clip.mp4 --size 640x480

`python -m choi_d2.synthetic` is the same.
"""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path

from .arguments import add_json, natural, positive, print_json
from .logs import stdout_kept_for_json

FORMATS = ("hoiw", "pic", "vcoco", "hicodet", "hoi")
SPLITS = ("train", "val", "test")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What is drawn, and where it goes."""
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
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="default: 0")
    for split, count in zip(SPLITS, (2000, 300, 300), strict=True):
        help = f"number of images (default: {count})"
        parser.add_argument(f"--{split}", type=natural, default=count, metavar="N", help=help)
    parser.add_argument(
        "--size", type=_image_size, default=(320, 240), metavar="WIDTHxHEIGHT", help="in pixels"
    )
    parser.add_argument(
        "--workers",
        type=positive,
        default=min(2, os.cpu_count() or 1),
        metavar="N",
        help="processes (default: 2)",
    )
    parser.add_argument(
        "--contact-sheet", type=Path, metavar="PNG", help="draw the first 24 scenes with labels"
    )
    parser.add_argument(
        "--video",
        type=Path,
        metavar="MP4",
        help="in the place of a data set draw a video: three shots of people who move and one of "
        "an empty place; and beside it as JSON lines who is in it, with a number, and does what",
    )
    parser.add_argument("--contact-split", choices=SPLITS, default="train")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Draw, and tell what is in the set.

    Raises:
        InputError: a size that is too small, or no scene for the contact sheet.
    """
    from choi_d2.synthetic.making import complete, make

    with stdout_kept_for_json(args.json):
        made = make(complete(args))
    if args.json:
        print_json(made.to_dict())
    else:
        print(made)
    return 0


def _image_size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)x(\d+)", text)
    if not match:
        raise argparse.ArgumentTypeError(f"expected WIDTHxHEIGHT, e.g. 320x240, found {text!r}")
    return int(match[1]), int(match[2])
