"""Run a table of the paper, or go on with it: train, evaluate, write the table.

  choi reproduce --table 4 --dataset synthetic --seeds 3
  choi reproduce --table 6 --dataset pic --num-gpus 8 --dry-run
  choi reproduce --table 7 --dataset hoiw --only 1_only_semantic,3_only_visual

Trainings that rows and tables share are run once, in OUTPUT/DATASET/. Started again, a table goes
on where it stopped. Writes table{N}.json, table{N}.md and plots; see docs/reproduction.md. The
tables "sampling" and "crowded" are our own. The exit code is 1 if runs failed. With --json the
progress goes to stderr, and at the end stdout gets what is in table{N}.json, the files that were
written and the runs that failed; with --dry-run the runs, their commands and the hours.
"""

from __future__ import annotations

import argparse
import sys

from choi_d2.reproduction.tables import DATASETS, TABLES

from .arguments import add_json, add_opts, positive, print_json
from .logs import stdout_kept_for_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The table, its runs, and where they go."""
    parser.add_argument("--table", type=_table, required=True, metavar="N", help=_tables())
    parser.add_argument("--dataset", choices=DATASETS, required=True)
    parser.add_argument(
        "--seeds", type=positive, default=1, metavar="K", help="run seeds 1 to K (default: 1)"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="say what would be run, and how long"
    )
    parser.add_argument("--only", metavar="ROW[,ROW]", help="run these rows alone")
    parser.add_argument(
        "--jobs", type=positive, default=1, metavar="N", help="runs at a time (default: 1)"
    )
    parser.add_argument("--num-gpus", type=int, metavar="N", help="of each run (default: 1)")
    parser.add_argument(
        "--phase1-per-seed",
        action="store_true",
        help="train a first phase for each seed; without, the one of seed 1 serves all",
    )
    parser.add_argument("--skip-speed", action="store_true", help="Table 5: measure no speed")
    parser.add_argument(
        "--output", default="output/reproduce", metavar="DIR", help="default: %(default)s"
    )
    parser.add_argument(
        "--report", metavar="DIR", help="for table and plots (default: OUTPUT/DATASET)"
    )
    add_json(parser)
    add_opts(parser)


def run(args: argparse.Namespace) -> int:
    """Run the table; 1 if a run failed.

    Raises:
        InputError: the data are not there, or the table lacks the data set.
    """
    from choi_d2.reproduction.command import Reproduction, stopped_by_signals
    from choi_d2.reproduction.dry_run import describe

    if args.dry_run:
        with stdout_kept_for_json(args.json):
            runs = Reproduction.of(args).runs()
        if args.json:
            print_json(runs)
        else:
            print(describe(runs))
        return 0
    try:
        with stdout_kept_for_json(args.json), stopped_by_signals():
            report = Reproduction.of(args).run()
    except KeyboardInterrupt:
        print("Stopped; start again to go on.", file=sys.stderr)
        raise
    if args.json:
        print_json(report)
    if report["failures"]:
        print(f"{len(report['failures'])} runs failed; start again to go on.", file=sys.stderr)
    return 1 if report["failures"] else 0


def _table(text: str) -> int | str:
    number = int(text) if text.isdecimal() else text
    if number not in TABLES:
        raise argparse.ArgumentTypeError(f"expected one of {', '.join(map(str, TABLES))}")
    return number


def _tables() -> str:
    return f"one of {', '.join(map(str, TABLES))}"
