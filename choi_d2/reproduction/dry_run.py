"""What a table would run, for ``--dry-run``."""

from __future__ import annotations

import shlex
from pathlib import Path

from .estimate import Estimate
from .plan import Evaluation, Plan, Training
from .results import is_evaluated, is_trained, last_iteration
from .runner import Runner


def describe(plan: Plan, runner: Runner, root: Path) -> str:
    """Each row with its configs, commands, what is done and the hours that are lacking.

    A run that several rows need is listed in full at the first.
    """
    estimate = Estimate(plan, 1 if runner.num_gpus is None else runner.num_gpus)
    phase1 = "one first phase for each seed" if plan.phase1_per_seed else "one first phase (seed 1)"
    lines = [
        f"{plan.table.name} on {plan.dataset}: {plan.table.title}; "
        f"seeds 1 to {plan.seeds}, {phase1}"
    ]
    listed: set[Path] = set()
    total = 0.0
    for row in plan.rows:
        if row.row.name not in plan.chosen:
            continue
        lines += ["", f"{row.row.name}  ({', '.join(filter(None, row.row.cells))})"]
        for phase, path in ((1, row.phase1_config_file), (2, row.config_file)):
            lines.append(f"  phase {phase}: {_short(path, root)}")
        for evaluation in row.evaluations:
            training = evaluation.training
            for run in filter(None, (training.start, training, evaluation)):
                state, hours = _state(run, estimate)
                if run.folder in listed:
                    lines.append(f"  [shared] {_title(run)}")
                    continue
                listed.add(run.folder)
                total += hours
                lines.append(f"  [{state}] {_title(run)}")
                lines.append(f"    {shlex.join(_short(x, root) for x in runner.command(run))}")
    lines += ["", f"Expected: {_duration(total)} in all, one run after the other.", ""]
    lines.append(f"Basis: {estimate.basis()}.")
    return "\n".join(lines)


def _state(run: Training | Evaluation, estimate: Estimate) -> tuple[str, float]:
    if isinstance(run, Evaluation):
        hours = estimate.evaluation_hours(run)
        return ("done" if is_evaluated(run) else f"to do, {_duration(hours)}"), hours
    hours = estimate.training_hours(run)
    if is_trained(run):
        return "done", hours
    begun = last_iteration(run)
    return f"{f'begun, {begun} iterations' if begun else 'to do'}, {_duration(hours)}", hours


def _title(run: Training | Evaluation) -> str:
    if isinstance(run, Evaluation):
        return f"evaluate {run.training.name}: {run.folder.name}"
    return f"train {run.name}"


def _short(path: str | Path, root: Path) -> str:
    path = Path(path)
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


def _duration(hours: float) -> str:
    return f"{hours * 60:.0f} min" if hours < 2 else f"{hours:.1f} h"
