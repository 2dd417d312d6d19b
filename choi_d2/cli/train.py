"""Train a model; evaluates it on the config's test split at the end.

  choi train --config-file configs/HOIW/choi_R_50_FPN.yaml --num-gpus 8
  choi train --config-file configs/HOIW/choi_R_50_FPN.yaml --resume OUTPUT_DIR output/run
  choi train --data my/train.json --images my/images --val my/val.json OUTPUT_DIR output/my

A JSON of your own needs no config and no code: classes and verbs are counted in it. Training then
starts from --weights, a model's name or file, and has its config; what it knows by name is taken
over. Without --weights that is the photo model, or, where that did not come with the installation,
a slim network that learns from scratch. `choi init-data` makes the JSON. KEY VALUE pairs
behind the options override the config, such as SOLVER.MAX_ITER 2000. Several processes are started
by --num-gpus, or by torchrun: torchrun --nproc_per_node 8 -m choi_d2 train --config-file ...
With --json the log goes to stderr, and at the end stdout gets the output folder, the weights and
their metrics. docs/training.md has more, docs/own_dataset.md the JSON.
"""

from __future__ import annotations

import argparse

from choi_d2.utils import InputError

from .arguments import add_json, add_trailing_opts, print_json
from .launch import add_launch_arguments, launch_for_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Config, data of one's own, processes."""
    parser.add_argument(
        "--config-file",
        default="",
        metavar="YAML",
        help="with --data, by default that of the weights",
    )
    parser.add_argument(
        "--resume", action="store_true", help="go on from the last checkpoint in OUTPUT_DIR"
    )
    own = parser.add_argument_group("data of your own")
    own.add_argument("--data", metavar="JSON", help="the training set")
    own.add_argument("--images", metavar="DIR", help="the folder of its images")
    own.add_argument("--val", metavar="JSON", help="a validation set, to be evaluated on")
    own.add_argument("--val-images", metavar="DIR", help="default: --images")
    own.add_argument(
        "--faces", metavar="JSON", help="its faces, of `choi faces` (default: those in --data)"
    )
    own.add_argument("--val-faces", metavar="JSON", help="those of --val")
    own.add_argument(
        "--detections",
        metavar="JSON",
        help="boxes that a detector found in --data's images, COCO results, to train on beside the "
        "annotated ones",
    )
    own.add_argument(
        "--weights",
        metavar="MODEL",
        help="to start from: a model's name, a bundle or a checkpoint (default: the config's)",
    )
    add_json(parser)
    add_launch_arguments(parser)
    add_trailing_opts(parser)


def run(args: argparse.Namespace) -> int:
    """Train.

    Raises:
        InputError: the config, the data or the weights are wrong.
    """
    _check(args)
    from choi_d2.engine.own_data import OwnData, default_config, own_data_opts, register_own_data
    from choi_d2.inference.bundles import find_model, shipped_models

    args.eval_only = False
    weights = args.weights
    if args.data is not None:
        args.own_data = OwnData(
            args.data,
            args.images,
            args.val,
            args.val_images,
            args.faces,
            args.val_faces,
            args.detections,
        )
        register_own_data(args.own_data)
        args.opts = [*own_data_opts(args.own_data), *args.opts]
        if not args.config_file:
            if weights is None and "photos" in shipped_models():
                weights = "photos"
            if weights is None:
                args.config_file = str(default_config())
            else:
                args.model = str(find_model(weights))
    if weights is not None and args.config_file:
        args.opts = ["MODEL.WEIGHTS", str(find_model(weights)), *args.opts]
    found = launch_for_json(args)
    if found is not None:
        print_json(found)
    return 0


_WITH_DATA = ("images", "val", "val_images", "faces", "val_faces", "detections")


def _check(args: argparse.Namespace) -> None:
    if args.data is None:
        given = [name for name in _WITH_DATA if getattr(args, name)]
        if given:
            option = f"--{given[0].replace('_', '-')}"
            raise InputError("is for --data, which is not given", field=option)
        if not args.config_file:
            raise InputError(
                "nothing to train on", hint="Give --config-file, or --data and --images."
            )
    elif args.images is None:
        raise InputError("the folder of the images is not given", field="--images")
    elif args.val is None and (args.val_images or args.val_faces):
        option = "--val-images" if args.val_images else "--val-faces"
        raise InputError("is for --val, which is not given", field=option)
