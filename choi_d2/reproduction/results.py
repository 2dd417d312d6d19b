"""What finished runs have left on disk, and what it comes to over seeds."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from choi_d2.utils import InputError, read_json

from .plan import Evaluation, RowPlan, Training
from .tables import Metric

TRAINING_FILE = "training.json"
"""What the runner notes beside a training's checkpoints."""

EVALUATION_FILE = "evaluation.json"
"""What it notes beside an evaluation's results."""


def is_trained(training: Training) -> bool:
    """Has it ended well?"""
    return training.weights.is_file()


def is_evaluated(evaluation: Evaluation) -> bool:
    """Are its results there, whole?"""
    return bool(read_results(evaluation))


def read_note(path: Path) -> dict[str, Any]:
    """The runner's note; {} where there is none."""
    if not path.is_file():
        return {}
    try:
        return read_json(path, dict)
    except InputError:
        return {}


def read_results(evaluation: Evaluation) -> dict[str, dict[str, float | None]]:
    """Task -> metric -> percent, of the first data set; {} where there are none."""
    results = read_note(evaluation.results_file).get("results")
    if not isinstance(results, dict) or not results:
        return {}
    tasks = next(iter(results.values()))
    return {k: v for k, v in tasks.items() if isinstance(v, dict)} if tasks else {}


def last_iteration(training: Training) -> int:
    """How many iterations its metrics.json knows of."""
    path = training.folder / "metrics.json"
    if not path.is_file():
        return 0
    with open(path, "rb") as file:
        file.seek(max(0, path.stat().st_size - 65536))
        lines = file.read().decode("utf-8", "replace").splitlines()
    for line in reversed(lines):
        try:
            return int(json.loads(line)["iteration"]) + 1
        except (ValueError, KeyError, TypeError):
            continue
    return 0


def watched(training: Training, lines: int = 5) -> dict[str, float]:
    """What its log says of pairs and attentions at the end: means of the last entries.

    Args:
        training: with ``metrics.json``.
        lines: how many entries, of 20 iterations each.

    Returns:
        ``stage{t}/pairs/*`` and ``loss_*`` by name; {} without a log.
    """
    path = training.folder / "metrics.json"
    if not path.is_file():
        return {}
    values: dict[str, list[float]] = {}
    for line in path.read_text(encoding="utf-8").splitlines()[-lines:]:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        for name, value in entry.items():
            if "/pairs/" in name or name.startswith("loss_"):
                values.setdefault(name, []).append(value)
    return {name: statistics.fmean(of_name) for name, of_name in sorted(values.items())}


def look_up(results: Mapping[str, Mapping[str, float | None]], metric: Metric) -> float | None:
    """A metric's value, in whichever task it is."""
    if metric.mean_of:
        parts = [look_up(results, Metric(name, (name,))) for name in metric.mean_of]
        return None if None in parts else sum(parts) / len(parts)
    for name in metric.names:
        for task in results.values():
            value = task.get(name)
            if value is not None and math.isfinite(value):
                return float(value)
    return None


def per_verb(results: Mapping[str, Mapping[str, float | None]]) -> dict[str, float]:
    """Verb -> AP in percent, of the task that has mAP_rel."""
    for task in results.values():
        if "mAP_rel" in task:
            return {
                name.removeprefix("AP-"): value
                for name, value in task.items()
                if name.startswith("AP-") and value is not None and math.isfinite(value)
            }
    return {}


@dataclass(frozen=True)
class Summary:
    """A number over seeds.

    Attributes:
        values: by seed; None where there is none.
    """

    values: tuple[float | None, ...]

    @property
    def known(self) -> list[float]:
        """The values that are there."""
        return [value for value in self.values if value is not None]

    @property
    def mean(self) -> float | None:
        """Of the known values."""
        return statistics.fmean(self.known) if self.known else None

    @property
    def deviation(self) -> float | None:
        """The sample's standard deviation (n - 1 below); None for fewer than two values."""
        return statistics.stdev(self.known) if len(self.known) > 1 else None


def summarize(row: RowPlan, metric: Metric) -> Summary:
    """A cell of the table."""
    return Summary(tuple(look_up(read_results(e), metric) for e in row.evaluations))


def gains(row: RowPlan, baseline: RowPlan) -> dict[str, Summary]:
    """Verb -> AP of a row less the baseline's of the same seed (Fig. 7)."""
    by_seed = [
        (per_verb(read_results(ours)), per_verb(read_results(theirs)))
        for ours, theirs in zip(row.evaluations, baseline.evaluations)
    ]
    verbs = _in_order(verb for ours, _ in by_seed for verb in ours)
    return {
        verb: Summary(
            tuple(
                ours[verb] - theirs[verb] if verb in ours and verb in theirs else None
                for ours, theirs in by_seed
            )
        )
        for verb in verbs
    }


def _in_order(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
