"""A table as one command: plan, run, report, draw."""

from __future__ import annotations

import argparse
import contextlib
import logging
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .dry_run import list_runs
from .plan import Plan, make_plan
from .plots import draw
from .prepare import prepare
from .report import make_report, markdown, write_report
from .runner import Runner
from .speed import measure_speed
from .tables import TABLES

ROOT = Path(__file__).resolve().parent.parent.parent
"""The repository: its configs and its train_net.py are what is run."""


@dataclass(frozen=True)
class Reproduction:
    """A table that is to be run.

    Attributes:
        plan: its runs.
        runner: runs them.
        folder: for table and plots.
        command: the command line, for the report.
        speed: measure the speed, where the paper's table tells one.
    """

    plan: Plan
    runner: Runner
    folder: Path
    command: list[str]
    speed: bool = True

    @classmethod
    def of(cls, args: argparse.Namespace) -> Reproduction:
        """From the arguments of ``choi reproduce``.

        Raises:
            InputError: the table lacks the data set, or a row that is asked for.
        """
        # A plan loads many configs; which device a run uses, its own log says.
        logging.getLogger("choi_d2.engine.device").setLevel(logging.ERROR)
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
        folder = Path(args.report) if args.report else plan.output
        return cls(plan, runner, folder, _words(args), not args.skip_speed)

    def runs(self) -> dict[str, Any]:
        """What would be run, and how long; see :func:`list_runs`."""
        return list_runs(self.plan, self.runner, ROOT)

    def run(self) -> dict[str, Any]:
        """Run all that is not done, and write table and plots.

        Returns:
            the report, with ``files``, what was written, and ``failures``, folder -> reason.

        Raises:
            InputError: the data are not there.
        """
        prepare(self.plan)
        self.runner.after = self._report
        self.runner.run(self.plan)
        content = self._report()
        plots = draw(content, self.folder)
        if self.plan.table.paper_speed and self.speed:
            content = self._report(measure_speed(self.plan))
            plots = draw(content, self.folder)
        print(f"\n{markdown(content)}")
        stem = self.folder / content["stem"]
        files = [f"{stem}.json", f"{stem}.md", *map(str, plots)]
        for path in files:
            print(f"Written: {path}")
        failures = {str(folder): reason for folder, reason in self.runner.failures.items()}
        return {**content, "files": files, "failures": failures}

    def _report(self, speed: dict | None = None) -> dict:
        content = make_report(
            self.plan, ROOT, failures=self.runner.failures, speed=speed, command=self.command
        )
        write_report(content, self.folder)
        return content


@contextlib.contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Ended from outside, or by a closing terminal, as with Ctrl-C: the runs are ended first."""
    before = {}
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup
            before[number] = signal.signal(number, _interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(signum, frame):
    raise KeyboardInterrupt


def _words(args: argparse.Namespace) -> list[str]:
    """The command line that gives these arguments."""
    words = ["choi", "reproduce", "--table", str(args.table), "--dataset", args.dataset]
    for name, default in (("seeds", 1), ("jobs", 1), ("num_gpus", None), ("only", None)):
        if getattr(args, name) != default:
            words += [f"--{name.replace('_', '-')}", str(getattr(args, name))]
    for name in ("phase1_per_seed", "skip_speed"):
        if getattr(args, name):
            words.append(f"--{name.replace('_', '-')}")
    for name, default in (("output", "output/reproduce"), ("report", None)):
        if getattr(args, name) != default:
            words += [f"--{name}", str(getattr(args, name))]
    return [*words, "--opts", *args.opts] if args.opts else words
