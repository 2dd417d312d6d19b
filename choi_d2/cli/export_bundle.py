"""Make one file of a training: weights, config, names, metrics and provenance, to pass on.

  choi export-bundle output/my --output my_model.safetensors
  choi export-bundle output/my/model_best.pth --output my_model.safetensors --name "my model"
  choi predict photo.jpg --model my_model.safetensors

The optimizer's state is left out, and weights are kept in half precision (--full-precision does
not). Metrics are those of results.json beside the checkpoint. Nothing in a bundle can run.
"""

from __future__ import annotations

import argparse

from .arguments import add_json, print_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The training, the file, and what it says."""
    parser.add_argument("run_folder", metavar="RUN", help="a training's folder, or a checkpoint")
    parser.add_argument("--output", required=True, metavar="FILE", help="NAME.safetensors")
    parser.add_argument("--name", help="of the model (default: the file's)")
    parser.add_argument(
        "--provenance",
        nargs="+",
        default=[],
        metavar="KEY=TEXT",
        help="what it was made of: data=..., licence=..., seed=...",
    )
    parser.add_argument("--full-precision", action="store_true", help="a file of twice the size")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Write the bundle.

    Raises:
        InputError: no checkpoint, or one that does not know its config and names.
    """
    from dataclasses import asdict

    from choi_d2.inference.bundle_of_run import bundle_of_run

    about = bundle_of_run(
        args.run_folder,
        args.output,
        name=args.name,
        half=not args.full_precision,
        provenance=_pairs(args.provenance),
    )
    if args.json:
        print_json({**asdict(about), "file": args.output})
    else:
        print(f"{about.name}: {args.output}, sha256 {about.sha256}")
    return 0


def _pairs(words: list[str]) -> dict[str, str]:
    from choi_d2.utils import InputError

    pairs = {}
    for word in words:
        key, sign, text = word.partition("=")
        if not sign or not key:
            raise InputError(f"expected KEY=TEXT, found {word!r}", field="--provenance")
        pairs[key] = text
    return pairs
