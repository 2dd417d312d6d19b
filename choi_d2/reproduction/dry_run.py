"""What a table would run, for ``--dry-run``."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .estimate import Estimate
from .plan import Evaluation, Plan, Training
from .results import is_evaluated, is_trained, last_iteration
from .runner import Runner


def list_runs(plan: Plan, runner: Runner, root: Path) -> dict[str, Any]:
    """Each row with its configs, commands, what is done and the hours that are lacking.

    Returns:
        strings, numbers, lists and dicts alone. ``rows`` have ``runs``, in their order; of a run
        that several rows need, all but the first are ``shared`` and count no hours.
    """
    estimate = Estimate(plan, 1 if runner.num_gpus is None else runner.num_gpus)
    rows, listed = [], set()
    for row in plan.rows:
        if row.row.name not in plan.chosen:
            continue
        runs = []
        for evaluation in row.evaluations:
            training = evaluation.training
            for run in filter(None, (training.start, training, evaluation)):
                runs.append(_run(run, estimate, runner, root, shared=run.folder in listed))
                listed.add(run.folder)
        rows.append(
            {
                "name": row.row.name,
                "cells": [cell for cell in row.row.cells if cell],
                "phase1_config": _short(row.phase1_config_file, root),
                "config": _short(row.config_file, root),
                "runs": runs,
            }
        )
    return {
        "table": plan.table.number,
        "name": plan.table.name,
        "title": plan.table.title,
        "dataset": plan.dataset,
        "seeds": plan.seeds,
        "phase1_per_seed": plan.phase1_per_seed,
        "rows": rows,
        "hours": sum(run["hours"] for row in rows for run in row["runs"]),
        "basis": estimate.basis(),
    }


def describe(runs: Mapping[str, Any]) -> str:
    """What :func:`list_runs` gave, in words."""
    per_seed = runs["phase1_per_seed"]
    phase1 = "one first phase for each seed" if per_seed else "one first phase (seed 1)"
    lines = [
        f"{runs['name']} on {runs['dataset']}: {runs['title']}; seeds 1 to {runs['seeds']}, "
        f"{phase1}"
    ]
    for row in runs["rows"]:
        lines += ["", f"{row['name']}  ({', '.join(row['cells'])})"]
        for phase, key in ((1, "phase1_config"), (2, "config")):
            lines.append(f"  phase {phase}: {row[key]}")
        for run in row["runs"]:
            if run["shared"]:
                lines.append(f"  [shared] {run['title']}")
                continue
            state = run["state"]
            if state != "done":
                state += f", {_duration(run['hours'])}"
            lines += [f"  [{state}] {run['title']}", f"    {shlex.join(run['command'])}"]
    lines += ["", f"Expected: {_duration(runs['hours'])} in all, one run after the other.", ""]
    lines.append(f"Basis: {runs['basis']}.")
    return "\n".join(lines)


def _run(
    run: Training | Evaluation, estimate: Estimate, runner: Runner, root: Path, *, shared: bool
) -> dict[str, Any]:
    if isinstance(run, Evaluation):
        title = f"evaluate {run.training.name}: {run.folder.name}"
        state = "done" if is_evaluated(run) else "to do"
        hours = estimate.evaluation_hours(run)
    else:
        title = f"train {run.name}"
        begun = last_iteration(run)
        state = f"begun, {begun} iterations" if begun else "to do"
        if is_trained(run):
            state = "done"
        hours = estimate.training_hours(run)
    return {
        "title": title,
        "state": state,
        "hours": 0.0 if shared else hours,
        "folder": str(run.folder),
        "command": [_short(word, root) for word in runner.command(run)],
        "shared": shared,
    }


def _short(path: str | Path, root: Path) -> str:
    path = Path(path)
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


def _duration(hours: float) -> str:
    return f"{hours * 60:.0f} min" if hours < 2 else f"{hours:.1f} h"
