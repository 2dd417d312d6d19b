"""Measure peak memory in a crowd, or the evaluators' time beside the official ones'.

  choi benchmark memory --config-file configs/HOIW/choi_R_50_FPN.yaml --humans 60 --objects 60
  choi benchmark evaluators --fixtures ../shared/fixtures --json

`memory` runs the config's model with random weights twice, each time in a process of its own: as it
is, and without its interaction networks. Both detect in one image of the config's test size and
then look at the same given instances. Resident memory on the CPU, allocated memory on a GPU.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .arguments import add_json, add_trailing_opts, natural, print_json

_GIB = 2**30


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A sub-command for each thing that is measured."""
    kinds = parser.add_subparsers(required=True, metavar="memory|evaluators")
    memory = kinds.add_parser("memory", help="peak memory of a model in a crowd")
    memory.add_argument("--config-file", required=True, metavar="YAML")
    memory.add_argument("--humans", type=natural, default=60, metavar="N", help="default: 60")
    memory.add_argument("--objects", type=natural, default=60, metavar="N", help="default: 60")
    add_json(memory)
    add_trailing_opts(memory)
    memory.set_defaults(measure=_memory)

    evaluators = kinds.add_parser("evaluators", help="their time beside the official ones'")
    evaluators.add_argument(
        "--fixtures",
        type=Path,
        required=True,
        metavar="DIR",
        help="timing.json and timing_hicodet.json, the official figures, and generators/",
    )
    evaluators.add_argument(
        "--inputs", type=Path, metavar="DIR", help="keep the generated inputs, or use those here"
    )
    add_json(evaluators)
    evaluators.set_defaults(measure=_evaluators)


def run(args: argparse.Namespace) -> int:
    """Measure.

    Raises:
        InputError: the config is wrong, or the fixtures are not there.
    """
    return args.measure(args)


def _memory(args: argparse.Namespace) -> int:
    from choi_d2.engine.memory import measure_memory

    peaks = measure_memory(args.config_file, args.opts, humans=args.humans, objects=args.objects)
    if args.json:
        print_json(peaks)
        return 0
    alone, both = peaks["detector_alone"], peaks["with_interaction"]
    people = f"{args.humans} humans, {args.objects} other instances"
    print(f"    detector alone: {alone / _GIB:6.2f} GiB")
    print(f"  with interaction: {both / _GIB:6.2f} GiB")
    print(f"        difference: {(both - alone) / _GIB:6.2f} GiB ({people})")
    return 0


def _evaluators(args: argparse.Namespace) -> int:
    from choi_d2.evaluation.timing import time_evaluators, timing_table

    timing = time_evaluators(args.fixtures, args.inputs)
    if args.json:
        print_json(timing)
    else:
        print(timing_table(timing))
    others = [name for name, case in timing["cases"].items() if not case["equal"]]
    if others:
        print(f"error: another metric than the official one: {', '.join(others)}", file=sys.stderr)
    return 1 if others else 0
