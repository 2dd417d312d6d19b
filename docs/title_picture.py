#!/usr/bin/env python
"""Make the picture at the top of README.md: what a model finds in scenes that it has not seen.

    make demo
    python docs/title_picture.py --model output/demo/model_final.pth

The scenes are of the test split that `make demo` draws with seed 1; they were chosen, of the first
24, to show several verbs. --scenes takes others.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from choi_d2 import HOIPredictor
from choi_d2.synthetic import scene_at
from choi_d2.utils import clean_exit
from choi_d2.visualization import TripletVisualizer, save_picture

SEED, SPLIT, IMAGE_SIZE = 1, "test", (320, 240)
SCENES = (0, 16, 17, 20)
SCALE, GAP, COLUMNS = 1.6, 5, 2


def draw_title(model: str, scenes: Sequence[int]) -> np.ndarray:
    """The scenes with the triplets that the model finds.

    Args:
        model: a model's name, a bundle or a checkpoint.
        scenes: which scenes of the split.

    Returns:
        uint8 (H, W, 3), RGB.
    """
    predictor = HOIPredictor.from_pretrained(model, faces="none")
    tiles = []
    for number in scenes:
        image = scene_at(SEED, SPLIT, number, IMAGE_SIZE).image
        found = predictor.outputs(image)
        drawing = TripletVisualizer(image[:, :, ::-1], predictor.metadata, scale=SCALE)
        drawing.draw_predictions(found["instances"], found["interactions"], score_thresh=0.15)
        tile = drawing.get_image()
        tiles.append(np.pad(tile, ((GAP, GAP), (GAP, GAP), (0, 0)), constant_values=255))
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % COLUMNS)
    return np.vstack([np.hstack(tiles[i : i + COLUMNS]) for i in range(0, len(tiles), COLUMNS)])


def main() -> None:
    """Read the command line, draw, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="synthetic", help="default: %(default)s")
    parser.add_argument("--scenes", type=int, nargs="+", default=SCENES, metavar="N")
    parser.add_argument(
        "--output", type=Path, default=Path(__file__).with_name("title.jpg"), metavar="FILE"
    )
    args = parser.parse_args()
    save_picture(args.output, draw_title(args.model, args.scenes))


if __name__ == "__main__":
    with clean_exit():
        main()
