"""Metrics as text tables, in percent."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from tabulate import tabulate


def percent(fraction: float | None) -> str:
    """``"43.71"``; ``"-"`` where there was nothing to measure."""
    return "-" if fraction is None else f"{100 * fraction:.2f}"


def hoiw_table(metrics: Mapping) -> str:
    """AP per verb, then their mean.

    Args:
        metrics: as the command line writes them.
    """
    rows = [
        [verb["name"], percent(verb["ap"]), percent(verb["max_recall"])]
        + [verb["num_gt"], verb["num_pred"], verb["num_tp"]]
        for verb in metrics["per_verb"].values()
    ]
    totals = [sum(row[column] for row in rows) for column in (3, 4, 5)]
    means = [percent(metrics["mAP_rel"]), percent(metrics["mean_max_recall"])]
    rows.append(["mean / sum", *means, *totals])
    rows.append(
        ["mean, verbs with 5 truths or more", percent(metrics["mAP_rel_5"]), "", "", "", ""]
    )
    headers = ["verb", "AP", "max recall", "truths", "predictions", "hits"]
    return _table(rows, headers)


def pic_table(metrics: Mapping) -> str:
    """Recall per relation at IoU 0.5, then per IoU and group, then the means.

    Args:
        metrics: as the command line writes them.
    """
    ks = list(metrics["per_iou"])
    per_relation = [metrics["per_relation"][k]["0.5"] for k in ks]
    rows = [
        [name, *(percent(recalls[name]) for recalls in per_relation)]
        for name in per_relation[0]
        if per_relation[0][name] is not None
    ]
    relations = _table(rows, ["relation (IoU 0.5)", *ks])
    rows = [
        [f"{group.replace('_', '-')}, IoU {iou}"]
        + [percent(metrics["per_iou"][k][iou][group]) for k in ks]
        for iou in metrics["per_iou"][ks[0]]
        for group in ("geometric", "non_geometric", "mean")
    ]
    rows.append(["mean", *(percent(metrics[k]) for k in ks)])
    return f"{relations}\n\n{_table(rows, ['group', *ks])}"


def vcoco_table(metrics: Mapping) -> str:
    """AP per action and action-role, then the means.

    Args:
        metrics: as the command line writes them.
    """
    rows = []
    for name, action in metrics["per_action"].items():
        rows.append([name, "agent", percent(action["AP_agent"]), "", action["positives"]])
        for key, role in metrics["per_action_role"].items():
            if key.rsplit("_", 1)[0] == name:
                scenarios = [percent(role[f"AP_role_{s}"]) for s in ("S1", "S2")]
                rows.append(["", key.rsplit("_", 1)[1], *scenarios, ""])
    rows.append(["mean", "agent", percent(metrics["AP_agent"]), "", ""])
    for suffix, label in (("", "24 roles, without point_instr"), ("_25", "25 roles")):
        scenarios = [percent(metrics[f"AP_role_{s}{suffix}"]) for s in ("S1", "S2")]
        rows.append(["mean", label, *scenarios, ""])
    return _table(rows, ["action", "role", "AP (scenario 1)", "scenario 2", "positives"])


def hicodet_table(metrics: Mapping) -> str:
    """The means of both settings, and what they are of.

    Args:
        metrics: as the command line writes them.
    """
    settings = [metrics[name] for name in ("default", "known_object")]
    averaged = [[hoi for hoi in s["per_hoi"].values() if hoi["ap"] is not None] for s in settings]
    rows = [
        _hicodet_row(label, key, [sum(map(counts, hois)) for hois in averaged], settings)
        for label, key, counts in (
            ("Full", "mAP_full", lambda hoi: True),
            ("Rare", "mAP_rare", lambda hoi: hoi["rare"]),
            ("Non-rare", "mAP_non_rare", lambda hoi: not hoi["rare"]),
        )
    ]
    for split in settings[0].get("zero_shot", ()):
        splits = [setting["zero_shot"][split] for setting in settings]
        for which in ("unseen", "seen"):
            counts = [numbers[f"num_{which}"] for numbers in splits]
            rows.append(_hicodet_row(f"{split}, {which}", f"mAP_{which}", counts, splits))
    truths = [hoi["num_gt"] for hoi in settings[0]["per_hoi"].values()]
    hits = ", ".join(
        f"{sum(hoi['num_tp'] for hoi in setting['per_hoi'].values())} hits among "
        f"{sum(hoi['num_pred'] for hoi in setting['per_hoi'].values())} detections ({name})"
        for name, setting in zip(("Default", "Known Object"), settings, strict=True)
    )
    known = metrics["known_object_from"]
    if known == "boxes":
        known += " of the visible pairs, for want of image-level labels: not the official number"
    notes = [
        f"{sum(truths)} pairs of {sum(map(bool, truths))} classes in {metrics['images']} images; "
        f"{hits}",
        f"{metrics['rare']['num_rare']} rare classes, by {metrics['rare']['source']}",
        f"Known Object by {known}",
    ]
    if metrics["rules"]:
        notes.append(f"not by the official rules: {', '.join(metrics['rules'])}")
    headers = ["mAP", "Default", "Known Object", "classes"]
    return "\n".join([_table(rows, headers), "", *notes])


def _hicodet_row(
    label: str, key: str, counts: Sequence[int], settings: Sequence[Mapping]
) -> list[str]:
    classes = " / ".join(map(str, dict.fromkeys(counts)))
    return [label, *(percent(setting[key]) for setting in settings), classes]


def box_recall_table(metrics: Mapping) -> str:
    """Recall per verb, averaged over the IoUs, then the means per IoU and over all.

    Args:
        metrics: as ``{dataset_name}_box_recall_metrics.json`` has them.
    """
    ks = list(metrics["per_iou"])
    rows = [
        [verb["name"], *(percent(verb[k]) for k in ks), verb["num_gt"]]
        for verb in metrics["per_verb"].values()
    ]
    rows += [
        [f"mean, IoU {iou}", *(percent(metrics["per_iou"][k][iou]) for k in ks), ""]
        for iou in metrics["per_iou"][ks[0]]
    ]
    truths = sum(verb["num_gt"] for verb in metrics["per_verb"].values())
    rows.append(["mean / sum", *(percent(metrics[k]) for k in ks), truths])
    return _table(rows, ["verb", *ks, "truths"])


def columns_table(
    cells: Sequence[tuple[str, str]], headers: tuple[str, str], pairs: int = 3
) -> str:
    """Many (name, value) cells, ``pairs`` of them beside each other."""
    flat = list(itertools.chain.from_iterable(cells))
    width = 2 * min(pairs, max(len(cells), 1))
    rows = [flat[start : start + width] for start in range(0, len(flat), width)]
    return _table(rows, list(headers) * (width // 2))


def _table(rows: Sequence[Sequence], headers: Sequence[str]) -> str:
    aligned = ("left", *["right"] * (len(headers) - 1))
    return tabulate(rows, headers, tablefmt="pipe", disable_numparse=True, colalign=aligned)
