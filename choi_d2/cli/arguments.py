"""Arguments that several sub-commands have, and types of arguments."""

from __future__ import annotations

import argparse
import json
from typing import Any


def add_opts(parser: argparse.ArgumentParser) -> None:
    """``--opts KEY VALUE ...``, which comes last."""
    parser.add_argument(
        "--opts",
        nargs=argparse.REMAINDER,
        default=[],
        metavar="KEY VALUE",
        help="config keys to override, such as INPUT.FACES.DETECTOR none; comes last",
    )


def add_trailing_opts(parser: argparse.ArgumentParser) -> None:
    """``KEY VALUE ...`` behind all options, as Detectron2's own command lines have them."""
    parser.add_argument(
        "opts",
        nargs=argparse.REMAINDER,
        metavar="KEY VALUE",
        help="config keys to override; behind all options",
    )


def add_found(parser: argparse._ActionsContainer) -> None:
    """What of a picture's triplets is told and drawn, for whoever predicts."""
    parser.add_argument(
        "--score-thresh",
        type=score,
        metavar="X",
        help="the least score of a triplet, in [0, 1] (default: the model's own)",
    )
    parser.add_argument(
        "--max-triplets",
        type=positive,
        default=20,
        metavar="N",
        help="at most so many triplets a picture, the best ones (default: %(default)s)",
    )
    parser.add_argument("--masks", action="store_true", help="masks in place of boxes")
    parser.add_argument("--faces", action="store_true", help="also find, draw and list faces")
    parser.add_argument(
        "--all-instances",
        action="store_true",
        help="also outline the instances that are in no triplet",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """``--json``: the result for programs."""
    parser.add_argument(
        "--json", action="store_true", help="print the result as JSON, in the place of words"
    )


def print_json(content: Any) -> None:
    """A result on stdout, for programs."""
    print(json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False))


def positive(text: str) -> int:
    """A whole number of at least 1."""
    return _at_least(text, 1)


def natural(text: str) -> int:
    """A whole number of at least 0."""
    return _at_least(text, 0)


def _at_least(text: str, least: int) -> int:
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if number < least:
        raise argparse.ArgumentTypeError(f"expected a whole number from {least}, found {text!r}")
    return number


def score(text: str) -> float:
    """A number from 0 to 1."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 1, found {text!r}")
    return number
