#!/usr/bin/env python
"""Run a table of the paper, or go on with it: train, evaluate, write the table.

    python tools/reproduce.py --table 4 --dataset synthetic --seeds 3
    python tools/reproduce.py --table 6 --dataset pic --num-gpus 8 --dry-run
    python tools/reproduce.py --table 7 --dataset hoiw --only 1_only_semantic,3_only_visual

Trainings that rows and tables share are run once, in OUTPUT/DATASET/. Started again, a table goes
on where it stopped. Writes table{N}.json, table{N}.md and plots; see docs/reproduction.md. The
tables "sampling" and "crowded" are our own.
"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from choi_d2.reproduction.dry_run import describe
from choi_d2.reproduction.plan import make_plan
from choi_d2.reproduction.plots import draw
from choi_d2.reproduction.prepare import prepare
from choi_d2.reproduction.report import make_report, markdown, write_report
from choi_d2.reproduction.runner import Runner
from choi_d2.reproduction.speed import measure_speed
from choi_d2.reproduction.tables import DATASETS, TABLES
from choi_d2.utils import clean_exit

ROOT = Path(__file__).resolve().parent.parent


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns 0 if every run ended well."""
    args = _parser().parse_args(arguments)
    plan = make_plan(
        TABLES[args.table],
        args.dataset,
        root=ROOT,
        output=Path(args.output).absolute(),
        seeds=args.seeds,
        phase1_per_seed=args.phase1_per_seed,
        only=args.only,
        opts=args.opts,
    )
    runner = Runner(ROOT, args.jobs, args.num_gpus, say=lambda line: print(line, flush=True))
    if args.dry_run:
        print(describe(plan, runner, ROOT))
        return 0
    prepare(plan)
    command = ["python", "tools/reproduce.py", *(sys.argv[1:] if arguments is None else arguments)]
    folder = Path(args.report) if args.report else plan.output

    def report(speed: dict | None = None) -> dict:
        content = make_report(plan, ROOT, failures=runner.failures, speed=speed, command=command)
        write_report(content, folder)
        return content

    runner.after = report
    well = runner.run(plan)
    content = report()
    plots = draw(content, folder)
    if plan.table.paper_speed and not args.skip_speed:
        content = report(measure_speed(plan))
        plots = draw(content, folder)
    print(f"\n{markdown(content)}")
    for path in (folder / f"{content['stem']}.json", folder / f"{content['stem']}.md", *plots):
        print(f"Written: {path}")
    if not well:
        print(f"{len(runner.failures)} runs failed; start again to go on.", file=sys.stderr)
    return 0 if well else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--table", type=_table, required=True, metavar="N", help=_tables())
    parser.add_argument("--dataset", choices=DATASETS, required=True)
    parser.add_argument(
        "--seeds", type=int, default=1, metavar="K", help="run seeds 1 to K (default: 1)"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="say what would be run, and how long"
    )
    parser.add_argument("--only", metavar="ROW[,ROW]", help="run these rows alone")
    parser.add_argument(
        "--jobs", type=int, default=1, metavar="N", help="runs at a time (default: 1)"
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
    parser.add_argument(
        "--opts",
        nargs=argparse.REMAINDER,
        default=[],
        metavar="KEY VALUE",
        help="config keys to override in all runs; the last option",
    )
    return parser


def _table(text: str) -> int | str:
    number = int(text) if text.isdecimal() else text
    if number not in TABLES:
        raise argparse.ArgumentTypeError(f"expected one of {', '.join(map(str, TABLES))}")
    return number


def _tables() -> str:
    return f"one of {', '.join(map(str, TABLES))}"


def _interrupt(signum, frame):
    raise KeyboardInterrupt


if __name__ == "__main__":
    # A plan loads many configs; which device a run uses, its own log says.
    logging.getLogger("choi_d2.engine.device").setLevel(logging.ERROR)
    # Ended from outside, or by a terminal that closes, as with Ctrl-C: the runs are ended first.
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup
            signal.signal(number, _interrupt)
    with clean_exit():
        try:
            sys.exit(main())
        except KeyboardInterrupt:
            print("Stopped; start again to go on.", file=sys.stderr)
            sys.exit(130)
