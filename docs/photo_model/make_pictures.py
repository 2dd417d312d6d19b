#!/usr/bin/env python
"""Draw what a model sees in the pictures of docs/photo_model/sources, and in a drawn scene.

    python docs/photo_model/make_pictures.py --model photos

Writes docs/photo_model/NAME.jpg, and prints a Markdown table with the first triplets of each
picture, for docs/photo_model.md. Where the sources come from, that page says.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import cv2

from choi_d2.inference import HOIPredictor
from choi_d2.synthetic import scene_at
from choi_d2.utils import clean_exit

HERE = Path(__file__).resolve().parent
SCENE = ("drawn_scene", 1, "test", 5)
"""A name, and the arguments of ``scene_at``: somebody who rides."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    args = _parser().parse_args(arguments)
    output = Path(args.output)
    predictor = HOIPredictor.from_pretrained(args.model)
    sources = {path.stem: path for path in sorted(args.sources.glob("*.jpg"))}
    name, *scene = SCENE
    pictures = {**sources, name: cv2.resize(scene_at(*scene).image, (512, 384))}
    print("| picture | first triplets |\n|---|---|")
    for name, picture in pictures.items():
        (result,) = predictor(picture, score_thresh=args.score_thresh, max_triplets=args.count)
        result.save(output / f"{name}.jpg")
        words = "; ".join(map(str, result.triplets)) or "none"
        print(f"| ![{name}](photo_model/{name}.jpg) | {words} |")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="photos", help="default: %(default)s")
    parser.add_argument("--sources", type=Path, default=HERE / "sources", metavar="DIR")
    parser.add_argument("--output", default=HERE, metavar="DIR", help="default: beside this script")
    parser.add_argument("--count", type=int, default=3, help="of triplets (default: %(default)s)")
    parser.add_argument("--score-thresh", type=float, help="default: the model's own")
    return parser


if __name__ == "__main__":
    with clean_exit():
        main()
