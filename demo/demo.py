#!/usr/bin/env python
"""Draw the <human, verb, object> triplets that a model finds in photos, and write them as JSON.

`choi predict` does this and more: videos, folders that go on where they stopped, tables.

    python demo/demo.py --weights model_final.pth \\
        --input photo.jpg holiday/ 'more/*.png' --output output/photos

A checkpoint knows its config, its classes and its verbs: no data set has to be registered, and
--config-file is for older ones, which do not.

For a photo a.jpg, DIR gets a.jpg, the drawing, and a.json:

    {"file_name": "holiday/a.jpg", "height": 960, "width": 1280,
     "instances": [{"box": [x1, y1, x2, y2], "category": "person", "score": 0.98}, ...],
     "triplets": [{"human": 0, "verb": "ride", "object": 3, "score": 0.83}, ...]}

Boxes are in the photo's pixels; "human" and "object" count the instances from 0 ("object" is null
for a verb without object); the best triplet is the first. With --masks, instances also have
"segmentation" (COCO's compressed run lengths), and with --faces there is a list of face boxes.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from detectron2.utils.logger import setup_logger

from choi_d2.cli.arguments import add_found, add_opts
from choi_d2.inference.folder_run import FolderRun
from choi_d2.inference.model_choice import choose_model
from choi_d2.inference.run_items import check_output, list_items
from choi_d2.inference.run_options import RunOptions
from choi_d2.utils import clean_exit

logger = logging.getLogger("choi_d2.demo")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status, 1 if none of the photos could be read."""
    args = _parser().parse_args(arguments)
    setup_logger(name="fvcore")
    setup_logger(name="choi_d2")
    output = Path(args.output).expanduser()
    items, _ = list_items([str(source) for source in args.input], output)
    check_output(items, output)
    choice = choose_model(args.weights, args.config_file, opts=args.opts)
    if args.masks and not choice.cfg.MODEL.MASK_ON:
        logger.warning("--masks: this model has no masks (MODEL.MASK_ON), boxes are drawn instead")
    options = RunOptions(
        score_thresh=args.score_thresh,
        max_triplets=args.max_triplets,
        masks=args.masks,
        faces=args.faces,
        all_instances=args.all_instances,
        overwrite=True,
    )
    summary = FolderRun(items, output, options).run(lambda: choice.build(faces=args.faces))
    logger.info(
        "%d photo(s) with %d triplet(s) drawn in %s; %d skipped as unreadable",
        summary.done,
        summary.triplets,
        output,
        len(summary.failed),
    )
    if not summary.done:
        logger.error("None of the %d file(s) could be read as a picture", len(items))
    return 0 if summary.done else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--weights", default="", metavar="FILE", help="the model: a checkpoint of a training"
    )
    parser.add_argument(
        "--config-file",
        default="",
        metavar="FILE",
        help="the model's YAML (default: the config in the checkpoint)",
    )
    parser.add_argument(
        "--input",
        required=True,
        nargs="+",
        metavar="PHOTO",
        help="photos, folders (searched with the folders in them), or quoted patterns; "
        "files that cannot be read are skipped",
    )
    parser.add_argument("--output", required=True, metavar="DIR", help="folder for the results")
    add_found(parser)
    add_opts(parser)
    return parser


if __name__ == "__main__":
    with clean_exit():
        sys.exit(main())
