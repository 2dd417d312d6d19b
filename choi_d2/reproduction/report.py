"""A table's results as JSON and as Markdown."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from choi_d2.utils import atomic_path, write_json
from choi_d2.utils.commit import git_commit

from .machine import describe_machine, machine_line, now
from .plan import Evaluation, Plan, RowPlan
from .results import (
    EVALUATION_FILE,
    TRAINING_FILE,
    Summary,
    gains,
    read_note,
    read_results,
    summarize,
    watched,
)

MISSING = "—"
GAINS = {"IHSM": "2_ihsm", "EFRA": "3_efra"}
"""Fig. 7: what is gained, and the row of Table 4 that has it alone."""

BASELINE = "1_baseline"


def make_report(
    plan: Plan,
    root: Path,
    *,
    failures: Mapping[Path, str] | None = None,
    speed: Mapping[str, Any] | None = None,
    command: Sequence[str] = (),
) -> dict[str, Any]:
    """Everything that is known of a table.

    Args:
        plan: the table; rows that have not been run are in the report as well.
        root: of the repository.
        failures: folder -> why its run failed.
        speed: what :func:`choi_d2.reproduction.speed.measure` gave.
        command: that made the report.

    Returns:
        what the JSON file holds.
    """
    failures = failures or {}
    metrics = plan.table.metrics(plan.dataset)
    paper = dict(plan.table.paper_columns(plan.dataset))
    rows = []
    for row in plan.rows:
        summaries = {metric.title: summarize(row, metric) for metric in metrics}
        entry = {
            "name": row.row.name,
            "cells": dict(zip(plan.table.heads, row.row.cells)),
            "config": _relative(row.config_file, root),
            "phase1_config": _relative(row.phase1_config_file, root),
            "metrics": {title: _summary(summary) for title, summary in summaries.items()},
            "paper": {title: numbers.get(row.row.name) for title, numbers in paper.items()},
            "seeds": [
                _seed(number, evaluation, failures, root)
                for number, evaluation in enumerate(row.evaluations, start=1)
            ],
        }
        if plan.table.paper_speed:
            measured = (speed or {}).get("milliseconds", {})
            entry["milliseconds"] = measured.get(row.row.name)
            entry["paper_milliseconds"] = plan.table.paper_speed[row.row.name]
        rows.append(entry)
    shown = [
        metric.title
        for metric in metrics
        if not metric.optional or any(row["metrics"][metric.title]["values"] for row in rows)
    ]
    return {
        "table": plan.table.number,
        "name": plan.table.name,
        "stem": plan.table.stem(plan.dataset),
        "title": plan.table.title,
        "dataset": plan.dataset,
        "seeds": plan.seeds,
        "phase1": "one for each seed" if plan.phase1_per_seed else "one for all seeds",
        "heads": list(plan.table.heads),
        "columns": shown,
        "paper_columns": list(paper),
        "rows": rows,
        "per_verb_gain": _per_verb(plan),
        "speed": dict(speed) if speed else None,
        "command": shlex.join(command),
        "machine": describe_machine(),
        "commit": git_commit(root),
        "date": now(),
    }


def write_report(report: Mapping[str, Any], folder: Path) -> tuple[Path, Path]:
    """Write ``{stem}.json`` and ``{stem}.md``; returns their paths."""
    stem = report["stem"]
    data, text = folder / f"{stem}.json", folder / f"{stem}.md"
    write_json(data, report, indent=1)
    with atomic_path(text) as temporary:
        temporary.write_text(markdown(report), encoding="utf-8")
    return data, text


def markdown(report: Mapping[str, Any]) -> str:
    """The table, shaped as the paper's, with the paper's numbers on its right."""
    speeds = "paper_milliseconds" in report["rows"][0]
    heads = [*report["heads"], *(["ms / image"] if speeds else []), *report["columns"]]
    heads += (["paper: ms / image"] if speeds else []) + [
        f"paper: {title}" for title in report["paper_columns"]
    ]
    lines = [heads, ["---"] * len(report["heads"]) + ["---:"] * (len(heads) - len(report["heads"]))]
    for row in report["rows"]:
        cells = list(row["cells"].values())
        if speeds:
            cells.append(_number(row["milliseconds"], 0))
        cells += [cell(row["metrics"][title], report["seeds"]) for title in report["columns"]]
        if speeds:
            cells.append(_number(row["paper_milliseconds"], 0))
        cells += [_number(row["paper"][title]) for title in report["paper_columns"]]
        lines.append(cells)
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    title = f"**{report['name']}: {report['title']}**, on {report['dataset']}."
    return f"{title}\n\n{table}\n\n{_notes(report)}\n"


def cell(metric: Mapping[str, Any], seeds: int) -> str:
    """Mean ± deviation, and of how many seeds where some are missing."""
    if metric["mean"] is None:
        return MISSING
    text = f"{metric['mean']:.1f}"
    if metric["deviation"] is not None:
        text += f" ± {metric['deviation']:.1f}"
    count = len(metric["values"])
    return text if count == seeds else f"{text} ({count} of {seeds})"


def _notes(report: Mapping[str, Any]) -> str:
    seeds = f"seeds 1 to {report['seeds']}" if report["seeds"] > 1 else "seed 1"
    spread = ", mean ± standard deviation (n - 1)" if report["seeds"] > 1 else ""
    notes = [f"In percent; {seeds} of the second phase{spread}. First phase: {report['phase1']}."]
    runs = [seed for row in report["rows"] for seed in row["seeds"]]
    known = [seed["training"] for seed in runs if seed["training"]]
    machines = dict.fromkeys(machine_line(note["machine"]) for note in known)
    if machines:
        notes.append(f"Trained on {'; '.join(machines)}.")
        dates = sorted(note["date"][:10] for note in known)
        commits = dict.fromkeys(note["commit"] or "unknown" for note in known)
        span = dates[0] if dates[0] == dates[-1] else f"{dates[0]} to {dates[-1]}"
        notes.append(f"{span}, commit {', '.join(commits)}.")
    if report["speed"]:
        notes.append(
            "Speed: median over {images} images, one at a time, on {device} with {threads} "
            "threads; the paper's on a TITAN Xp.".format(**report["speed"])
        )
    failed = [
        f"{row['name']}, seed {seed['seed']}: {seed['failure']}"
        for row in report["rows"]
        for seed in row["seeds"]
        if seed["failure"]
    ]
    if failed:
        notes.append("Failed: " + "; ".join(failed) + ".")
    text = "\n".join(notes)
    return f"{text}\n\n```sh\n{report['command']}\n```" if report["command"] else text


def _summary(summary: Summary) -> dict[str, Any]:
    return {
        "mean": summary.mean,
        "deviation": summary.deviation,
        "values": summary.known,
        "by_seed": list(summary.values),
    }


def _seed(
    number: int, evaluation: Evaluation, failures: Mapping[Path, str], root: Path
) -> dict[str, Any]:
    training, start = evaluation.training, evaluation.training.start
    return {
        "seed": number,
        "training_folder": _relative(training.folder, root),
        "phase1_folder": _relative(start.folder, root) if start else None,
        "evaluation_folder": _relative(evaluation.folder, root),
        "training": _run_note(training.folder / TRAINING_FILE, root),
        "phase1": _run_note(start.folder / TRAINING_FILE, root) if start else None,
        "evaluation": _run_note(evaluation.folder / EVALUATION_FILE, root),
        "watched": watched(training) or None,
        "results": read_results(evaluation) or None,
        "failure": failures.get(evaluation.folder),
    }


def _run_note(path: Path, root: Path) -> dict[str, Any] | None:
    """What the runner noted of a run, its command as it is given in the repository's root."""
    note = read_note(path)
    if "command" in note:
        program, *words = note["command"]
        words = [_relative(Path(word), root) if word.startswith("/") else word for word in words]
        note["command"] = shlex.join([Path(program).name, *words])
    return note or None


def _per_verb(plan: Plan) -> dict[str, dict[str, Any]] | None:
    rows: dict[str, RowPlan] = {row.row.name: row for row in plan.rows}
    if not {BASELINE, *GAINS.values()} <= set(rows):
        return None
    found = {name: gains(rows[row], rows[BASELINE]) for name, row in GAINS.items()}
    return {
        name: {verb: _summary(summary) for verb, summary in verbs.items()}
        for name, verbs in found.items()
    }


def _relative(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


def _number(value: float | None, digits: int = 1) -> str:
    return MISSING if value is None else f"{value:.{digits}f}"
