"""Measure speed beside Detectron2's, a training step, peak memory in a crowd, or evaluators.

  choi benchmark --output benchmark.json
  choi benchmark --output quick.json --quick --only detector,training
  choi benchmark step --json
  choi benchmark memory --config-file configs/HOIW/choi_R_50_FPN.yaml --humans 60 --objects 60
  choi benchmark evaluators --fixtures ../shared/fixtures --json

Without a word behind it, it times C-HOI beside Detectron2's Cascade R-CNN and beside its own plain
forms: what is compared takes turns, so that ratios hold on a machine that does other things too.
Weights are random, so that nothing has to be there; images are noise, boxes and pairs are given.

`step` says where the time of a training step goes: one image with 5 humans, 5 objects and 5
annotated pairs, by part of the model, on a CPU.

`memory` runs the config's model with random weights twice, each time in a process of its own: as it
is, and without its interaction networks. Both detect in one image of the config's test size and
then look at the same given instances. Resident memory on the CPU, allocated memory on a GPU.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from choi_d2.utils import InputError

from .arguments import add_json, add_trailing_opts, natural, positive, print_json
from .logs import stdout_kept_for_json

_GIB = 2**30
SECTIONS = (
    "detector",
    "fast",
    "stages",
    "pooling",
    "head",
    "ranking",
    "masks",
    "loader",
    "training",
    "batches",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A sub-command for each thing that is measured."""
    parser.set_defaults(measure=_speed)
    parser.add_argument(
        "--output", type=Path, metavar="JSON", help="where all numbers go; printed are the ratios"
    )
    parser.add_argument(
        "--only",
        type=_sections,
        default=(),
        metavar="NAME,...",
        help=f"sections, of: {', '.join(SECTIONS)} (default: all)",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="3 rounds, crowds of 5 and 15, no memory, unless other options say otherwise",
    )
    parser.add_argument("--rounds", type=positive, metavar="N", help="timings of each (default: 5)")
    parser.add_argument(
        "--crowds",
        type=_crowds,
        metavar="N,...",
        help="N humans x N objects, of the sections about pairs (default: 5,15,30,60)",
    )
    parser.add_argument(
        "--memory",
        action=argparse.BooleanOptionalAction,
        help="measure peak memory too, each in a process of its own (default: yes)",
    )
    parser.add_argument(
        "--model", metavar="YAML", help="config of the model (default: HOIW/choi_R_50_FPN.yaml)"
    )
    parser.add_argument(
        "--size",
        type=_size,
        default=(800, 1067),
        metavar="HEIGHTxWIDTH",
        help="of the images, in pixels (default: 800x1067)",
    )
    parser.add_argument("--threads", type=positive, metavar="N", help="default: PyTorch's own")
    parser.add_argument(
        "--device", default="cpu", metavar="NAME", help="cpu (default), cuda, cuda:1, ..."
    )
    add_json(parser)
    kinds = parser.add_subparsers(metavar="step|memory|evaluators")
    step = kinds.add_parser("step", help="where the time of a training step goes")
    step.add_argument("--steps", type=positive, default=3, metavar="N", help="default: 3")
    add_json(step)
    step.set_defaults(measure=_step)

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
        InputError: the config is wrong, there is no such device, or the fixtures are not there.
    """
    return args.measure(args)


def _speed(args: argparse.Namespace) -> int:
    import torch

    from choi_d2.benchmarks import run_benchmark
    from choi_d2.benchmarks.setting import CONFIG_FILE, Setting
    from choi_d2.benchmarks.table import section_table
    from choi_d2.utils import write_json

    if args.output is not None and not args.output.parent.is_dir():
        raise InputError("there is no such folder", path=args.output.parent, field="--output")
    if args.threads is not None:
        torch.set_num_threads(args.threads)
    with stdout_kept_for_json(args.json):
        result = run_benchmark(
            Setting(args.model or str(CONFIG_FILE), args.size, args.device),
            only=args.only,
            crowds=args.crowds or ((5, 15) if args.quick else (5, 15, 30, 60)),
            rounds=args.rounds or (3 if args.quick else 5),
            memory=not args.quick if args.memory is None else args.memory,
            report=lambda section: print(section_table(section), end="\n\n", flush=True),
        )
    if args.output is not None:
        write_json(args.output, result, indent=1)
    if args.json:
        print_json(result)
    return 0


def _step(args: argparse.Namespace) -> int:
    import torch

    from choi_d2.benchmarks.sections import STEP
    from choi_d2.benchmarks.setting import CONFIG_FILE, Setting
    from choi_d2.benchmarks.step_profile import profile_step, profile_table

    if args.device != "cpu":
        raise InputError(f"expected cpu, found {args.device}", field="--device")
    if args.threads is not None:
        torch.set_num_threads(args.threads)
    setting = Setting(args.model or str(CONFIG_FILE), args.size)
    parts = profile_step(STEP, setting, steps=args.steps)
    if args.json:
        print_json(parts)
    else:
        print(profile_table(parts))
    return 0


def _sections(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    unknown = [name for name in names if name not in SECTIONS]
    if unknown:
        raise argparse.ArgumentTypeError(
            f"expected some of {', '.join(SECTIONS)}, found {', '.join(map(repr, unknown))}"
        )
    return names


def _crowds(text: str) -> tuple[int, ...]:
    return tuple(positive(part) for part in text.split(","))


def _size(text: str) -> tuple[int, int]:
    height, found, width = text.partition("x")
    if not found:
        raise argparse.ArgumentTypeError(f"expected HEIGHTxWIDTH, found {text!r}")
    return positive(height), positive(width)


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
