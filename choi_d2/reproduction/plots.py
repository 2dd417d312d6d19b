"""A table's results as pictures."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from choi_d2.utils import atomic_path

OURS, PAPER, SECOND = "#3b6ea5", "#b9b9b9", "#d98032"
DPI = 150
PANELS_A_LINE = 5


def draw(report: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write ``{stem}.png``; for Table 4 also ``{stem}_per_verb.png``, the paper's Fig. 7.

    Args:
        report: of :func:`choi_d2.reproduction.report.make_report`.
        folder: where to.

    Returns:
        what has been written; a picture without any number is not drawn.
    """
    figures = {}
    if any(
        row["metrics"][title]["values"] for row in report["rows"] for title in report["columns"]
    ):
        drawer = _draw_stages if report["table"] == 5 else _draw_bars
        figures[f"{report['stem']}.png"] = drawer(report)
    gains = report["per_verb_gain"]
    if gains and any(verb["values"] for verbs in gains.values() for verb in verbs.values()):
        figures[f"{report['stem']}_per_verb.png"] = _draw_gains(gains, report)
    for name, figure in figures.items():
        FigureCanvasAgg(figure)
        with atomic_path(folder / name) as temporary:
            figure.savefig(temporary, dpi=DPI, format="png")
    return [folder / name for name in figures]


def _draw_bars(report: Mapping[str, Any]) -> Figure:
    """A panel for each metric, a bar for each row; the paper's number behind, where it is the same
    data set's.
    """
    rows, columns = report["rows"], report["columns"]
    labels = [textwrap.fill(_label(report, row), 24) for row in rows]
    # Beside each other as many as can be read on a page.
    lines = math.ceil(len(columns) / PANELS_A_LINE)
    abreast = math.ceil(len(columns) / lines)
    size = 2.4 + 2.0 * abreast, 0.5 + lines * (0.75 + 0.42 * len(rows))
    figure = Figure(figsize=size, layout="constrained")
    panels = list(figure.subplots(lines, abreast, sharey=True, squeeze=False).flat)
    for unused in panels[len(columns) :]:
        unused.remove()
    places = range(len(rows))
    for panel, title in zip(panels, columns):
        paper = [row["paper"].get(_paper_title(report, title)) for row in rows]
        shown = any(value is not None for value in paper)
        if shown:
            panel.barh(
                [place + 0.2 for place in places],
                [value or 0 for value in paper],
                height=0.36,
                color=PAPER,
                label="paper",
            )
        _bars(
            panel,
            [place - 0.2 if shown else place for place in places],
            [row["metrics"][title] for row in rows],
            height=0.36 if shown else 0.62,
        )
        panel.set_xlabel(textwrap.fill(f"{title} (%)", 24))
        panel.set_yticks(list(places), labels)
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].invert_yaxis()
    if any(row["paper"].get(_paper_title(report, columns[0])) for row in rows):
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower right", ncols=2)
    figure.suptitle(_title(report), fontsize=10)
    return figure


def _bars(panel: Axes, places: Sequence[float], metrics: Sequence[Mapping], height: float) -> None:
    means = [metric["mean"] for metric in metrics]
    panel.barh(places, [mean or 0 for mean in means], height=height, color=OURS, label="measured")
    highest = max((mean for mean in means if mean is not None), default=1.0)
    for place, metric in zip(places, metrics):
        if metric["mean"] is None:
            panel.text(0, place, " no result", va="center", fontsize=7, color="#777777")
            continue
        deviation = metric["deviation"] or 0.0
        if deviation:
            panel.errorbar(metric["mean"], place, xerr=deviation, color="black", capsize=2.5, lw=1)
        end = metric["mean"] + deviation + 0.015 * highest
        panel.text(end, place, f"{metric['mean']:.1f}", va="center", fontsize=7)
    panel.set_xlim(right=max(panel.get_xlim()[1], 1.16 * highest))


def _draw_stages(report: Mapping[str, Any]) -> Figure:
    """Quality over T, and beside it the time of an image over T, where it was measured."""
    rows = report["rows"]
    stages = [int(row["cells"]["T"]) for row in rows]
    measured = [(stage, row["milliseconds"]) for stage, row in zip(stages, rows)]
    measured = [(stage, value) for stage, value in measured if value is not None]
    figure = Figure(figsize=(10.4 if measured else 6.4, 3.8), layout="constrained")
    panels = figure.subplots(1, 2 if measured else 1, squeeze=False)[0]
    quality = panels[0]
    for title in report["columns"]:
        known = [
            (stage, row["metrics"][title])
            for stage, row in zip(stages, rows)
            if row["metrics"][title]["mean"] is not None
        ]
        if known:
            quality.errorbar(
                [stage for stage, _ in known],
                [metric["mean"] for _, metric in known],
                yerr=[metric["deviation"] or 0.0 for _, metric in known],
                marker="o",
                markersize=4,
                capsize=3,
                label=title,
            )
    quality.set_ylabel("%")
    quality.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    if measured:
        speed = panels[1]
        speed.plot(*zip(*measured), marker="o", color=OURS, label="measured")
        paper = [row["paper_milliseconds"] for row in rows]
        speed.plot(stages, paper, marker="s", ls="--", color=PAPER, label="paper, TITAN Xp")
        speed.set_ylabel("ms / image")
        speed.set_ylim(bottom=0)
        speed.legend(fontsize=8)
    for panel in panels:
        panel.set_xlabel("number of stages T")
        panel.set_xticks(stages)
        panel.grid(alpha=0.3)
        panel.spines[["top", "right"]].set_visible(False)
    figure.suptitle(_title(report), fontsize=10)
    return figure


def _draw_gains(gains: Mapping[str, Mapping[str, Mapping]], report: Mapping[str, Any]) -> Figure:
    """Fig. 7: what a part gains over the baseline row, verb by verb."""
    verbs = sorted(set().union(*gains.values()))
    figure = Figure(figsize=(2.4 + 0.72 * len(verbs), 3.6), layout="constrained")
    panel = figure.subplots()
    for index, ((name, by_verb), color) in enumerate(zip(gains.items(), (OURS, SECOND))):
        metrics = [by_verb.get(verb, {"mean": None, "deviation": None}) for verb in verbs]
        panel.bar(
            [place + 0.38 * (index - 0.5) for place in range(len(verbs))],
            [metric["mean"] or 0.0 for metric in metrics],
            width=0.36,
            yerr=[metric["deviation"] or 0.0 for metric in metrics],
            capsize=2.5,
            error_kw={"lw": 1},
            color=color,
            label=f"with {name}",
        )
    panel.axhline(0, color="black", lw=0.8)
    panel.set_xticks(range(len(verbs)), verbs, rotation=30, ha="right")
    panel.set_ylabel("gain in AP over the baseline row\n(points)")
    panel.grid(axis="y", alpha=0.3)
    panel.spines[["top", "right"]].set_visible(False)
    panel.legend(fontsize=8)
    figure.suptitle(f"Fig. 7 on {report['dataset']}, {_seeds(report)}", fontsize=10)
    return figure


def _label(report: Mapping[str, Any], row: Mapping[str, Any]) -> str:
    cells = row["cells"]
    if report["table"] == 4:
        parts = [name for name, cell in cells.items() if cell == "✓"]
        return " + ".join(parts) or "baseline"
    if report["table"] == "crowded":
        ranked = "ranking" if cells["RRM"] == "✓" else "no ranking"
        return f"{ranked}, {cells['Classified pairs']}"
    if report["table"] == 6:
        return f"{cells['Backbone']}, {'cascade' if cells['Cascade'] == '✓' else 'single stage'}"
    return list(cells.values())[-1] if report["table"] != 3 else cells["Method"]


def _paper_title(report: Mapping[str, Any], title: str) -> str | None:
    """The paper's column of the same data set; the synthetic benchmark has none."""
    names = {"hoiw": "HOIW", "pic": "PIC", "vcoco": "V-COCO"}
    return f"{names[report['dataset']]} {title}" if report["dataset"] in names else None


def _title(report: Mapping[str, Any]) -> str:
    return f"{report['name']} on {report['dataset']}: {report['title']}\n{_seeds(report)}"


def _seeds(report: Mapping[str, Any]) -> str:
    count = report["seeds"]
    return "one seed" if count == 1 else f"mean ± standard deviation of {count} seeds"
