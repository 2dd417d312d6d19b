"""From the rows of a table to the trainings and evaluations that they need, each once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from detectron2.config import CfgNode

from choi_d2.engine import load_config
from choi_d2.utils import InputError

from .identity import (
    fingerprint,
    inference_name,
    inference_settings,
    training_name,
    training_settings,
)
from .row_configs import row_configs
from .tables import SYNTHETIC, Row, Table

PHASE1_SEED = 1
"""Of the first phase that all seeds share."""


@dataclass(frozen=True)
class Training:
    """A training with one seed. Two of one folder are the same.

    Attributes:
        folder: its ``OUTPUT_DIR``.
        config_file: of the first row that needs it; what others change, training does not read.
        opts: KEY VALUE pairs for all runs.
        seed: of the training.
        cfg: the config, without what the command line sets.
        start: the first phase that it starts from.
    """

    folder: Path
    config_file: Path
    opts: tuple[str, ...]
    seed: int
    cfg: CfgNode
    start: Training | None = None

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.folder.parent.name} {self.folder.name}"

    @property
    def weights(self) -> Path:
        """What it leaves behind."""
        return self.folder / "model_final.pth"

    @property
    def settings(self) -> dict[str, Any]:
        """What it depends on."""
        return training_settings(self.cfg)

    def arguments(self) -> list[str]:
        """Of train_net.py; it goes on from the last checkpoint in the folder."""
        start = ["MODEL.WEIGHTS", str(self.start.weights)] if self.start else []
        run = ["SEED", str(self.seed), "OUTPUT_DIR", str(self.folder), "DATASETS.TEST", "()"]
        return ["--config-file", str(self.config_file), "--resume", *self.opts, *start, *run]


@dataclass(frozen=True)
class Evaluation:
    """An evaluation of a training's weights. Two of one folder are the same."""

    folder: Path
    config_file: Path
    opts: tuple[str, ...]
    cfg: CfgNode
    training: Training

    @property
    def results_file(self) -> Path:
        """What train_net.py writes."""
        return self.folder / "results.json"

    def arguments(self) -> list[str]:
        """Of train_net.py."""
        run = ["MODEL.WEIGHTS", str(self.training.weights), "OUTPUT_DIR", str(self.folder)]
        return ["--config-file", str(self.config_file), "--eval-only", *self.opts, *run]


Run = TypeVar("Run", Training, Evaluation)


@dataclass(frozen=True)
class RowPlan:
    """A row, and an evaluation for each seed."""

    row: Row
    config_file: Path
    phase1_config_file: Path
    evaluations: tuple[Evaluation, ...]


@dataclass(frozen=True)
class Plan:
    """A table on a data set.

    Attributes:
        table, dataset: what is run.
        rows: all of the table's.
        chosen: names of the rows that shall be run.
        seeds: of the second phase, 1..K.
        phase1_per_seed: has each seed a first phase of its own?
        output: the folder above all runs.
    """

    table: Table
    dataset: str
    rows: tuple[RowPlan, ...]
    chosen: tuple[str, ...]
    seeds: int
    phase1_per_seed: bool
    output: Path

    def evaluations(self) -> list[Evaluation]:
        """Of the chosen rows, each once; the first seed of all rows comes first."""
        rows = [row for row in self.rows if row.row.name in self.chosen]
        return _unique(row.evaluations[seed] for seed in range(self.seeds) for row in rows)

    def second_phases(self) -> list[Training]:
        """The trainings behind the evaluations, each once."""
        return _unique(evaluation.training for evaluation in self.evaluations())

    def first_phases(self) -> list[Training]:
        """What those start from, each once."""
        return _unique(training.start for training in self.second_phases() if training.start)


def make_plan(
    table: Table,
    dataset: str,
    *,
    root: Path,
    output: Path,
    seeds: int = 1,
    phase1_per_seed: bool = False,
    only: str | None = None,
    opts: Sequence[str] = (),
) -> Plan:
    """Load the configs of every row, and find what rows share.

    Args:
        table, dataset: what is run.
        root: of the repository.
        output: above the folders of the data sets' runs.
        seeds: 1..seeds are run.
        phase1_per_seed: train the first phase once for each seed, instead of once?
        only: names of rows with commas between; None is all.
        opts: KEY VALUE pairs for all runs.

    Raises:
        InputError: the table has no such data set or row, or a config cannot be loaded.
    """
    table.check_dataset(dataset)
    if seeds < 1:
        raise InputError(f"expected at least 1, got {seeds}", field="--seeds")
    reserved = {"OUTPUT_DIR", "SEED"} & set(opts[::2])
    if reserved:
        raise InputError(f"{sorted(reserved)[0]} is set by the runner", field="--opts")
    # Their first phase is the same.
    output = output / ("synthetic" if dataset in SYNTHETIC else dataset)
    maker = _Maker(root, output, tuple(opts))
    rows = []
    for row in table.rows:
        second, first = (root / path for path in row_configs(table, row, dataset))
        evaluations = tuple(
            maker.evaluation(second, first, seed, seed if phase1_per_seed else PHASE1_SEED)
            for seed in range(1, seeds + 1)
        )
        rows.append(RowPlan(row, second, first, evaluations))
    chosen = tuple(row.name for row in table.select(only))
    return Plan(table, dataset, tuple(rows), chosen, seeds, phase1_per_seed, output)


class _Maker:
    """Gives the same training for the same settings."""

    def __init__(self, root: Path, output: Path, opts: tuple[str, ...]):
        self.root, self.output, self.opts = root, output, opts
        self.trainings: dict[Path, Training] = {}
        # Rows share files, and seeds share everything.
        self.load = lru_cache(maxsize=None)(lambda path: load_config(path, opts))
        self.inference = lru_cache(maxsize=None)(lambda path: inference_settings(self.load(path)))
        self.training_of = lru_cache(maxsize=None)(lambda path: training_settings(self.load(path)))

    def evaluation(self, second: Path, first: Path, seed: int, phase1_seed: int) -> Evaluation:
        cfg = self.load(second)
        training = self.training(second, seed, self.training(first, phase1_seed))
        folder = f"{inference_name(cfg)}-{fingerprint(self.inference(second))}"
        return Evaluation(training.folder / folder, second, self.opts, cfg, training)

    def training(self, path: Path, seed: int, start: Training | None = None) -> Training:
        cfg = self.load(path)
        content = dict(self.training_of(path))
        folder = f"seed{seed}"
        if start is not None:
            content["MODEL.WEIGHTS"] = start.folder.parent.name
            if start.seed != PHASE1_SEED:
                folder += f"_after_seed{start.seed}"
        folder = self.output / f"{training_name(cfg)}-{fingerprint(content)}" / folder
        training = Training(folder, path, self.opts, seed, cfg, start)
        return self.trainings.setdefault(folder, training)


def _unique(runs: Iterable[Run]) -> list[Run]:
    first: dict[Path, Run] = {}
    for run in runs:
        first.setdefault(run.folder, run)
    return list(first.values())
