"""Count parameters and operations of a model, by part.

  choi analyze --config-file configs/HOIW/choi_R_50_FPN.yaml
  choi analyze --config-file configs/HOIW/choi_R_50_FPN.yaml --humans 10 --objects 20 --json

The parts are the paper's: backbone, RPN, localization networks L^t, segmentation networks S^t, and
the interaction networks R^t with X_g, IHSM, EFRA, X_v (the FC layers of Eq. 11), RRM and RCM.
Operations are the multiply-adds of convolutions and matrix products at inference, as fvcore and
Detectron2 count them. No weights are loaded.
"""

from __future__ import annotations

import argparse

from .arguments import add_json, add_trailing_opts, natural, positive, print_json
from .logs import logging_to_stderr


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The model, and the image that its operations are counted on."""
    parser.add_argument("--config-file", required=True, metavar="YAML")
    parser.add_argument(
        "--humans", type=natural, default=4, metavar="N", help="on the image (default: 4)"
    )
    parser.add_argument(
        "--objects", type=natural, default=8, metavar="N", help="on the image (default: 8)"
    )
    for side, key in (("height", "MIN_SIZE_TEST"), ("width", "MAX_SIZE_TEST")):
        help = f"of the image in pixels (default: INPUT.{key})"
        parser.add_argument(f"--{side}", type=positive, metavar="PX", help=help)
    add_json(parser)
    add_trailing_opts(parser)


def run(args: argparse.Namespace) -> int:
    """Count.

    Raises:
        InputError: the config is wrong.
    """
    from choi_d2.engine import load_config
    from choi_d2.engine.analysis import Scene, analyze, describe

    with logging_to_stderr():
        cfg = load_config(args.config_file, args.opts)
        size = args.height or cfg.INPUT.MIN_SIZE_TEST, args.width or cfg.INPUT.MAX_SIZE_TEST
        proposals = cfg.MODEL.RPN.POST_NMS_TOPK_TEST
        result = analyze(cfg, Scene(size, proposals, args.humans, args.objects))
    if args.json:
        print_json({"config": args.config_file, **result})
    else:
        print(describe(result))
    return 0
