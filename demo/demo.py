#!/usr/bin/env python
"""Draw the <human, verb, object> triplets that a model finds in photos, and write them as JSON.

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
from tqdm import tqdm

from choi_d2.data.faces import build_face_detector
from choi_d2.engine import load_prediction_config
from choi_d2.inference import HOIPredictor
from choi_d2.inference.photos import Photo, find_photos
from choi_d2.pictures import read_picture
from choi_d2.utils import InputError, clean_exit, write_json
from choi_d2.utils.output_names import OutputNames, path_below
from choi_d2.visualization import TripletVisualizer, prediction_report

logger = logging.getLogger("choi_d2.demo")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    args = _parser().parse_args(arguments)
    setup_logger(name="fvcore")
    setup_logger(name="choi_d2")
    output = Path(args.output).expanduser()
    photos = find_photos(args.input, outside=output)
    targets = plan_outputs(photos, output)

    cfg = load_prediction_config(args.config_file, args.weights, args.opts)
    predictor = HOIPredictor(cfg, build_face_detector(cfg) if args.faces else None)
    if args.masks and not cfg.MODEL.MASK_ON:
        logger.warning("--masks: this model has no masks (MODEL.MASK_ON), boxes are drawn instead")

    skipped = triplets = 0
    for photo, target in zip(tqdm(photos, unit="photo", dynamic_ncols=True), targets, strict=True):
        try:
            image = read_picture(photo.path)
        except InputError as error:
            logger.warning("Skipped: %s", error)
            skipped += 1
            continue
        report = process(predictor, image, photo, target, args)
        triplets += len(report["triplets"])
    drawn = len(photos) - skipped
    logger.info(
        "%d photo(s) with %d triplet(s) drawn in %s; %d skipped as unreadable",
        drawn,
        triplets,
        output,
        skipped,
    )
    if not drawn:
        logger.error("None of the %d file(s) could be read as a picture", len(photos))
    return 0 if drawn else 1


def process(predictor, image, photo: Photo, target: Path, args: argparse.Namespace) -> dict:
    """Predict, draw and write one photo.

    Args:
        predictor: finds the triplets.
        image: uint8 (H, W, 3), BGR.
        photo: where it is from.
        target: path of the drawing; the JSON goes beside it.
        args: the command line.

    Returns:
        what was written as JSON.
    """
    outputs = predictor.outputs(image, file_name=str(photo.path))
    instances, interactions = outputs["instances"], outputs["interactions"]
    faces = outputs.get("faces") if args.faces else None
    thresholds = (args.score_thresh, args.max_triplets)

    report = {"file_name": str(photo.path)}
    report |= prediction_report(
        instances, interactions, predictor.metadata, *thresholds, masks=args.masks
    )
    if faces is not None:
        report["faces"] = [
            {"box": [round(side, 2) for side in box], "score": round(score, 6)}
            for box, score in zip(faces.boxes.tensor.tolist(), faces.scores.tolist(), strict=True)
        ]
    visualizer = TripletVisualizer(image[:, :, ::-1], predictor.metadata)
    visualizer.draw_predictions(
        instances,
        interactions,
        *thresholds,
        faces=faces,
        masks=args.masks,
        all_instances=args.all_instances,
    )
    visualizer.save(target)
    write_json(target.with_suffix(".json"), report)
    return report


def plan_outputs(photos: Sequence[Photo], output: Path) -> list[Path]:
    """Where each photo's drawing goes.

    Photos keep their names and the folders that they were found in. JPEGs become JPEGs, others
    PNGs; a name that is taken (a.jpg and a.png, or one/a.jpg and two/a.jpg) gets a number: a_2.png.

    Raises:
        InputError: drawings would go into a folder that the photos are in, or out of ``output``.
    """
    targets: list[Path] = []
    names = OutputNames()
    photo_folders = {photo.path.resolve().parent for photo in photos}
    for photo in photos:
        suffix = ".jpg" if photo.path.suffix.lower() in {".jpg", ".jpeg"} else ".png"
        # The JSON has the name without suffix.
        name = names.take(str(photo.name.with_suffix("")))
        target = path_below(output, name + suffix)
        if target.parent.resolve() in photo_folders:
            raise InputError(
                "holds photos of --input, which must not be overwritten",
                path=target.parent,
                field="--output",
                hint="Choose another folder.",
            )
        targets.append(target)
    return targets


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
    parser.add_argument(
        "--score-thresh",
        type=float,
        default=0.15,
        metavar="X",
        help="the least score of a triplet (default: %(default)s; scores are in [0, 1])",
    )
    parser.add_argument(
        "--max-triplets",
        type=_positive,
        default=20,
        metavar="N",
        help="at most so many triplets a photo, the best ones (default: %(default)s)",
    )
    parser.add_argument("--masks", action="store_true", help="masks in place of boxes")
    parser.add_argument("--faces", action="store_true", help="also find, draw and list faces")
    parser.add_argument(
        "--all-instances",
        action="store_true",
        help="also outline the instances that are in no triplet",
    )
    parser.add_argument(
        "--opts",
        nargs=argparse.REMAINDER,
        default=[],
        metavar="KEY VALUE",
        help="config keys to override, such as INPUT.FACES.DETECTOR none; comes last",
    )
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected a positive number, found {text}")
    return number


if __name__ == "__main__":
    with clean_exit():
        sys.exit(main())
