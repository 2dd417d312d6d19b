"""Find the faces of a data set's images, or of a folder's, and write them to a JSON file.

  choi faces --dataset hoiw_train --output datasets/faces/hoiw_train.json
  choi faces --images 'photos/*.jpg' --output faces.json --detector haar

Stopped half-way, it goes on where it was. docs/faces.md has the file's layout.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .arguments import add_json, positive, print_json, score
from .logs import logging_to_stderr


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Images, detector, output."""
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--dataset", metavar="NAME", help="a registered data set")
    source.add_argument("--images", metavar="DIR", help="a folder, or a glob in quotes")
    parser.add_argument("--output", type=Path, required=True, help="the JSON file to write")
    parser.add_argument(
        "--image-root",
        type=Path,
        metavar="DIR",
        help="file names are written relative to it (default: the data "
        "set's image root, the folder, or the part of the glob without wildcards)",
    )
    parser.add_argument(
        "--detector",
        choices=("auto", "insightface", "yunet", "centerface", "haar"),
        default="auto",
    )
    parser.add_argument(
        "--model-file",
        default="",
        metavar="ONNX",
        help="the detector's local file (default: yunet and centerface look in torch.hub's cache)",
    )
    parser.add_argument(
        "--score-thresh",
        type=score,
        metavar="X",
        help="the lowest score that is kept (default: 0.7 for yunet, 0.5 for the others)",
    )
    parser.add_argument(
        "--flush-every",
        type=positive,
        default=500,
        metavar="N",
        help="images between two writes (default: 500)",
    )
    parser.add_argument("--overwrite", action="store_true", help="begin anew")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Find the faces; 1 if there are images that cannot be read.

    Raises:
        InputError: no images, none of them readable, a detector that cannot be built, or an output
            file that another detector wrote.
    """
    import choi_d2.data  # noqa: F401 (registers the data sets)
    from choi_d2.data.faces.many import dataset_images, find_faces, folder_images

    with logging_to_stderr():
        if args.dataset is not None:
            images = dataset_images(args.dataset, args.image_root)
        else:
            images = folder_images(args.images, args.image_root)
        try:
            found = find_faces(
                images,
                _detector(args),
                args.output,
                overwrite=args.overwrite,
                flush_every=args.flush_every,
            )
        except KeyboardInterrupt:
            print(f"stopped; the same command goes on from {args.output}", file=sys.stderr)
            raise
    if args.json:
        print_json(found.to_dict())
    else:
        print(found)
    return 1 if found.unreadable else 0


def _detector(args: argparse.Namespace):
    from choi_d2.data.faces import build_face_detector
    from choi_d2.engine.setup import new_config

    cfg = new_config()
    cfg.INPUT.FACES.DETECTOR = args.detector
    cfg.INPUT.FACES.MODEL_FILE = args.model_file
    if args.score_thresh is not None:
        cfg.INPUT.FACES.SCORE_THRESH = args.score_thresh
    return build_face_detector(cfg)
