"""Write the synthetic data set; with --contact-sheet also a picture of what is in it.

``choi synthetic`` under its older name.
"""

from __future__ import annotations

import argparse
import sys

from choi_d2.cli.synthetic import add_arguments, run
from choi_d2.utils import InputError

from .making import complete


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="choi_d2.synthetic", description=__doc__)
    add_arguments(parser)
    return complete(parser.parse_args(arguments))


def main(arguments: list[str] | None = None) -> int:
    """Make the set and say what is in it; returns the exit status, 1 where something is wrong."""
    args = parse_arguments(arguments)
    try:
        return run(args)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
