"""Make one file of a training: weights, config, names, metrics and provenance, to pass on.

  choi export-bundle output/my --output my_model.safetensors
  choi export-bundle output/my/model_best.pth --output my_model.safetensors --name "my model"
  choi export-bundle output/my --output my_model.safetensors \\
      --results output/my_test/results.json --provenance data="my photos" licence=CC-BY-4.0
  choi predict photo.jpg --model my_model.safetensors

The optimizer's state is left out, and weights are kept in half precision (--full-precision and
--int8: in others). Metrics are those of results.json beside the checkpoint, and of --results. What
it was made of is what the training knows of itself (data, weights, iterations, seed, commit,
hours), and what --provenance and --provenance-file say, which goes before it. Nothing in a bundle
can run.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from .arguments import add_json, print_json
from .logs import logging_to_stderr


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The training, the file, and what it says."""
    parser.add_argument("run_folder", metavar="RUN", help="a training's folder, or a checkpoint")
    parser.add_argument("--output", required=True, metavar="FILE", help="NAME.safetensors")
    parser.add_argument("--name", help="of the model (default: the file's)")
    parser.add_argument(
        "--results",
        nargs="+",
        default=[],
        metavar="FILE",
        help="more results.json, of evaluations of this checkpoint on other data",
    )
    parser.add_argument(
        "--provenance",
        nargs="+",
        default=[],
        metavar="KEY=TEXT",
        help="what it was made of: data=..., licence=..., seed=...",
    )
    parser.add_argument(
        "--provenance-file", metavar="FILE", help="the same as YAML or JSON: keys and their values"
    )
    precision = parser.add_mutually_exclusive_group()
    for option, bits, text in (
        ("--half", 16, "weights in 16 bits (the default)"),
        ("--full-precision", 32, "in 32 bits, a file of twice the size"),
        ("--int8", 8, "in 8 bits, half the size: evaluate it before you pass it on"),
    ):
        precision.add_argument(
            option, dest="bits", action="store_const", const=bits, default=16, help=text
        )
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Write the bundle.

    Raises:
        InputError: no checkpoint, one that does not know its config and names, results of other
            weights, or a provenance that is none.
    """
    from dataclasses import asdict

    from choi_d2.inference.bundle_of_run import bundle_of_run

    written = _read(Path(args.provenance_file)) if args.provenance_file else {}
    with logging_to_stderr():
        about = bundle_of_run(
            args.run_folder,
            args.output,
            name=args.name,
            bits=args.bits,
            results=args.results,
            provenance={**written, **_pairs(args.provenance)},
        )
    size = Path(args.output).stat().st_size
    if args.json:
        print_json({**asdict(about), "file": args.output, "bytes": size})
    else:
        print(f"{about.name}: {args.output}, {size / 1e6:.1f} MB, {len(about.metrics)} metrics")
        for key, value in about.provenance.items():
            print(f"  {key}: {value}")
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


def _read(path: Path) -> dict[str, Any]:
    """Keys with texts and numbers, and lists of them; JSON is YAML."""
    import yaml

    from choi_d2.utils import InputError, read_text

    try:
        content = yaml.safe_load(read_text(path))
    except yaml.YAMLError as error:
        raise InputError(f"expected YAML ({' '.join(str(error).split())})", path=path) from None
    if not isinstance(content, dict):
        kind = type(content).__name__
        raise InputError(f"expected keys and their values, found {kind}", path=path)
    # Dates, which YAML knows and JSON does not, as they are written.
    return {str(key): _plain(value) for key, value in content.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(x) for x in value]
    if isinstance(value, dict):
        return {str(key): _plain(x) for key, x in value.items()}
    return value if isinstance(value, str | int | float | None) else str(value)
