"""Runs what a plan lacks."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from choi_d2.engine import load_config
from choi_d2.utils import InputError, write_json
from choi_d2.utils.commit import git_commit

from .identity import changed_settings
from .machine import cores, describe_machine, now
from .plan import Evaluation, Plan, Training
from .process import Processes
from .results import (
    EVALUATION_FILE,
    TRAINING_FILE,
    is_evaluated,
    is_trained,
    last_iteration,
    read_note,
)

PROGRESS_SECONDS = 60.0


@dataclass
class Runner:
    """Trains and evaluates, in processes of their own, ``jobs`` at a time.

    Attributes:
        root: of the repository.
        jobs: how many run at a time; each has its part of the cores.
        num_gpus: of each; None leaves it to train_net.py.
        say: takes lines for the user.
        after: called after every evaluation, by one thread at a time.
        failures: folder of a run -> why it failed.
    """

    root: Path
    jobs: int = 1
    num_gpus: int | None = None
    say: Callable[[str], None] = print
    after: Callable[[], None] = lambda: None
    failures: dict[Path, str] = field(default_factory=dict)

    def __post_init__(self):
        if self.jobs < 1:
            raise InputError(f"expected at least 1, got {self.jobs}", field="--jobs")
        environment = dict(os.environ)
        environment.setdefault("OMP_NUM_THREADS", str(max(1, cores() // self.jobs)))
        environment["PYTHONUNBUFFERED"] = "1"
        self.processes = Processes(environment)
        self.facts: dict[str, Any] = {
            "machine": describe_machine(),
            "commit": git_commit(self.root),
        }
        self.facts["threads"] = environment["OMP_NUM_THREADS"]
        self._guard = threading.Lock()

    def run(self, plan: Plan) -> bool:
        """Run all that is not done; the first phases first.

        Returns:
            did everything end well? If not, ``failures`` says what did not.
        """
        evaluations = [e for e in plan.evaluations() if not is_evaluated(e)]
        trainings: dict[Path, tuple[Training, list[Evaluation]]] = {}
        for evaluation in evaluations:
            training = evaluation.training
            trainings.setdefault(training.folder, (training, []))[1].append(evaluation)
        lacking = [training for training, _ in trainings.values() if not is_trained(training)]
        starts = {t.start.folder: t.start for t in lacking if t.start}
        self._all([(self._train, start) for start in starts.values() if not is_trained(start)])
        self._all([(self._train_and_evaluate, *both) for both in trainings.values()])
        return not self.failures

    def command(self, run: Training | Evaluation) -> list[str]:
        """The whole command line of a training or evaluation."""
        gpus = []
        if self.num_gpus is not None:
            gpus = ["--num-gpus", str(self.num_gpus)]
            if self.num_gpus > 1:
                # Several runs at a time must not meet at one port.
                gpus += ["--dist-url", "auto"]
        return [sys.executable, str(self.root / "train_net.py"), *gpus, *run.arguments()]

    def _all(self, tasks: list[tuple]) -> None:
        with ThreadPoolExecutor(self.jobs) as pool:
            futures = [pool.submit(*task) for task in tasks]
            try:
                for future in as_completed(futures):
                    future.result()
            except BaseException:
                # Ctrl-C, or a mistake of ours: nothing new is started, and all is ended.
                for future in futures:
                    future.cancel()
                self.processes.stop()
                raise

    def _train_and_evaluate(self, training: Training, evaluations: list[Evaluation]) -> None:
        if self._train(training):
            for evaluation in evaluations:
                self._evaluate(evaluation)
        else:
            for evaluation in evaluations:
                self._failed(evaluation.folder, f"{training.name} failed")
        with self._guard:
            self.after()

    def _train(self, training: Training) -> bool:
        if training.start is not None and training.start.folder in self.failures:
            return self._failed(training.folder, f"{training.start.name} failed")
        name, total = training.name, training.cfg.SOLVER.MAX_ITER

        def waiting() -> None:
            self.say(f"{name}: another process has {training.folder}, waiting for it")

        with self.processes.locked(training.folder, waiting) as lock:
            changes = _changes(training)
            if changes:
                return self._failed(training.folder, changes)
            if is_trained(training):
                return True
            note = training.folder / TRAINING_FILE
            before = float(read_note(note).get("seconds", 0.0))
            begun = last_iteration(training)
            again = f" (goes on near {begun} of {total})" if begun else f" ({total} iterations)"
            self.say(f"{name}: training{again}")
            watch = _Watch(training, note, before, self._facts(training), self.say)
            console = training.folder / "console.txt"
            try:
                code = self.processes.run(self.command(training), console, lock, watch)
            finally:
                watch.write()
            if code == 0 and is_trained(training):
                self.say(f"{name}: trained, {watch.seconds:.0f} s")
                return True
        return self._failed(training.folder, _reason(training.folder, code))

    def _evaluate(self, evaluation: Evaluation) -> bool:
        name = f"{evaluation.training.name} {evaluation.folder.name}"
        with self.processes.locked(evaluation.folder, lambda: None) as lock:
            if is_evaluated(evaluation):
                return True
            self.say(f"{name}: evaluation")
            started = time.monotonic()
            console = evaluation.folder / "console.txt"
            code = self.processes.run(self.command(evaluation), console, lock, lambda: None)
            seconds = time.monotonic() - started
            if code == 0 and is_evaluated(evaluation):
                note = {"seconds": round(seconds, 1), **self._facts(evaluation)}
                write_json(evaluation.folder / EVALUATION_FILE, note, indent=1)
                self.say(f"{name}: evaluated, {seconds:.0f} s")
                return True
        return self._failed(evaluation.folder, _reason(evaluation.folder, code))

    def _facts(self, run: Training | Evaluation) -> dict[str, Any]:
        return {"command": self.command(run), "date": now(), **self.facts}

    def _failed(self, folder: Path, reason: str) -> bool:
        self.failures[folder] = reason
        self.say(f"FAILED {folder}: {reason}")
        return False


class _Watch:
    """Notes how long a training takes, and now and then says how far it is."""

    def __init__(self, training: Training, note: Path, before: float, facts: dict, say: Callable):
        self.training, self.note, self.before, self.facts = training, note, before, facts
        self.say = say
        self.started = self.told = time.monotonic()
        self.begun = last_iteration(training)

    @property
    def seconds(self) -> float:
        """Of this and all earlier attempts."""
        return self.before + time.monotonic() - self.started

    def write(self) -> None:
        """Note what is known by now."""
        done = last_iteration(self.training)
        note = {"seconds": round(self.seconds, 1), "iterations": done, **self.facts}
        write_json(self.note, note, indent=1)

    def __call__(self) -> None:
        if time.monotonic() - self.told < PROGRESS_SECONDS:
            return
        self.told = time.monotonic()
        self.write()
        done, total = last_iteration(self.training), self.training.cfg.SOLVER.MAX_ITER
        line = f"{self.training.name}: {done}/{total}"
        if done > self.begun:
            each = (self.told - self.started) / (done - self.begun)
            line += f", {each:.2f} s each, {max(total - done, 0) * each / 60:.0f} min to go"
        self.say(line)


def _changes(training: Training) -> str | None:
    """What makes the runs in a folder others than those that its name stands for: a default that
    has changed since, or files from elsewhere.
    """
    path = training.folder / "config.yaml"
    if not path.is_file():
        return None
    try:
        changes = changed_settings(load_config(path), training.cfg)
    except InputError as error:
        changes = [str(error)]
    hint = f"Remove {training.folder}, or choose another --output"
    return f"trained with other settings: {'; '.join(changes)}. {hint}" if changes else None


def _reason(folder: Path, code: int) -> str:
    """The last thing that a run said."""
    console = folder / "console.txt"
    lines = console.read_text(errors="replace").splitlines() if console.is_file() else []
    last = next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
    return f"exit code {code}, {last[:300]} (all of it: {console})"
