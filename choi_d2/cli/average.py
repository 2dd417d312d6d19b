"""Average the weights of checkpoints: often better on new images than each of them.

  choi average output/my/model_00{07499,07999,08499}.pth --output output/my_mean/model.pth
  choi average output/seed1/model_final.pth output/seed2/model_final.pth --output mean.pth

Of the last checkpoints of one training, or of the ends of several that began at the same weights;
trainings that began at random ones have nothing in common, and their mean is no model. The result
has the first checkpoint's config and names, and no optimizer. Evaluate it (choi eval model
--weights), export it (choi export-bundle), or start a training from it (MODEL.WEIGHTS).
"""

from __future__ import annotations

import argparse

from .arguments import add_json, print_json
from .logs import logging_to_stderr


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The checkpoints, and the file."""
    parser.add_argument(
        "checkpoints", nargs="+", metavar="FILE", help="two or more checkpoints of one model"
    )
    parser.add_argument("--output", required=True, metavar="FILE", help="NAME.pth")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Write the mean.

    Raises:
        InputError: fewer than two files, or such as are not of one model.
    """
    from choi_d2.engine.averaging import average_checkpoints

    with logging_to_stderr():
        tensors = average_checkpoints(args.checkpoints, args.output)
    if args.json:
        print_json({"file": args.output, "averaged": args.checkpoints, "tensors": tensors})
    else:
        print(f"{args.output}: the mean of {len(args.checkpoints)} files, {tensors} tensors")
    return 0
