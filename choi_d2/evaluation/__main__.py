"""``python -m choi_d2.evaluation hoiw|pic|vcoco|hicodet``: ``choi eval`` under its older name."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from choi_d2.cli.evaluate import add_metrics, run
from choi_d2.utils import InputError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a sub-command.

    Returns:
        0; 1 when the input is broken (``choi eval`` has 2), and then nothing is written.
    """
    parser = argparse.ArgumentParser(prog="python -m choi_d2.evaluation", description=__doc__)
    add_metrics(parser.add_subparsers(required=True, metavar="hoiw|pic|vcoco|hicodet"))
    try:
        return run(parser.parse_args(arguments))
    except (InputError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
