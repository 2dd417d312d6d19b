#!/usr/bin/env python
"""Parameters and operations of a model, by part.

    python tools/analyze_model.py --config-file configs/HOIW/choi_R_50_FPN.yaml
    python tools/analyze_model.py --config-file ... --humans 10 --objects 20 --json OUTPUT.json

The parts are the paper's: backbone, RPN, localization networks L^t, segmentation networks S^t, and
the interaction networks R^t with X_g, IHSM, EFRA, X_v (the FC layers of Eq. 11), RRM and RCM.
Operations are the multiply-adds of convolutions and matrix products at inference, as fvcore and
Detectron2 count them. No weights are loaded.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from detectron2.modeling import build_model
from tabulate import tabulate

from choi_d2.engine import load_config
from choi_d2.engine.analysis import (
    Scene,
    count_operations,
    count_pairs,
    count_parameters,
    in_order,
)
from choi_d2.utils import InputError, clean_exit, write_json


def main(arguments: Sequence[str] | None = None) -> dict:
    """Print the table; returns what ``--json`` writes."""
    args = _parser().parse_args(arguments)
    cfg = load_config(args.config_file, args.opts)
    scene = Scene(
        (args.height or cfg.INPUT.MIN_SIZE_TEST, args.width or cfg.INPUT.MAX_SIZE_TEST),
        cfg.MODEL.RPN.POST_NMS_TOPK_TEST,
        args.humans,
        args.objects,
    )
    _check(scene)
    model = build_model(cfg)
    parameters, operations = count_parameters(model), count_operations(model, scene)
    parts = in_order(set(parameters) | set(operations))
    interacting = cfg.MODEL.INTERACTION_ON
    result = {
        "config": str(args.config_file),
        "height": scene.size[0],
        "width": scene.size[1],
        "proposals": scene.proposals,
        "humans": scene.humans,
        "objects": scene.objects,
        "pairs": count_pairs(model, scene) if interacting else 0,
        "parts": {
            part: {"parameters": parameters[part], "operations": operations[part]} for part in parts
        },
        "total": {
            "parameters": parameters.total(),
            "operations": operations.total(),
        },
    }
    print(describe(result))
    if args.json:
        write_json(args.json, result, indent=2)
    return result


def describe(result: dict) -> str:
    """The table, and what it was counted on."""
    rows = [
        (part, f"{counts['parameters']:,}", _giga(counts["operations"]))
        for part, counts in [*result["parts"].items(), ("total", result["total"])]
    ]
    rows.insert(-1, ("", "", ""))
    table = tabulate(
        rows,
        headers=["part", "parameters", "GFLOPs"],
        colalign=("left", "right", "right"),
        disable_numparse=True,
    )
    scene = (
        "An image of {height} x {width} with {proposals} proposals; {humans} humans and {objects} "
        "objects form {pairs} pairs.\nA multiply-add counts as one operation. At inference, only "
        "the last R^t is run, and of the one\nbefore it what Eq. 11 looks back to."
    )
    return f"{table}\n\n{scene.format(**result)}"


def _giga(operations: int) -> str:
    if 0 < operations < 5e5:
        return "< 0.001"
    return f"{operations / 1e9:,.3f}" if operations else "-"


def _check(scene: Scene) -> None:
    for name, value, least in (
        ("--height", scene.size[0], 1),
        ("--width", scene.size[1], 1),
        ("--humans", scene.humans, 0),
        ("--objects", scene.objects, 0),
    ):
        if value < least:
            raise InputError(f"expected at least {least}, got {value}", field=name)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config-file", required=True, metavar="YAML")
    parser.add_argument("--humans", type=int, default=4, help="on the image (default: 4)")
    parser.add_argument("--objects", type=int, default=8, help="on the image (default: 8)")
    parser.add_argument(
        "--height", type=int, help="of the image in pixels (default: INPUT.MIN_SIZE_TEST)"
    )
    parser.add_argument(
        "--width", type=int, help="of the image in pixels (default: INPUT.MAX_SIZE_TEST)"
    )
    parser.add_argument("--json", metavar="OUTPUT", help="write the numbers there as well")
    parser.add_argument(
        "opts", nargs=argparse.REMAINDER, metavar="KEY VALUE", help="override the config"
    )
    return parser


if __name__ == "__main__":
    with clean_exit():
        main()
