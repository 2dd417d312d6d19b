"""What a training's folder knows of where its weights come from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from choi_d2.engine.averaging import AVERAGED
from choi_d2.engine.model_card import read_card
from choi_d2.engine.weight_files import read_torch
from choi_d2.utils import InputError

_METRICS_FILE = "metrics.json"
"""Detectron2's, a line of JSON every 20 iterations."""


def provenance_of_run(checkpoint: Path) -> dict[str, Any]:
    """What can be told without asking anybody.

    Args:
        checkpoint: of a training, in its folder.

    Returns:
        those that are known of ``data`` (names of data sets), ``weights`` (that it started from),
        ``averaged`` (the files that it is the mean of), ``iterations``, ``batch_size``, ``seed``,
        ``choi_d2`` and ``torch`` (versions), ``commit``, and ``hours`` (of its iterations, to two
        digits behind the point).
    """
    card = read_card(checkpoint)
    if card is None or not card.config:
        return {}
    content, beside = yaml.safe_load(card.config), _beside_the_weights(checkpoint)
    seed = content.get("SEED", -1)
    found = {
        "data": ", ".join(_get(content, "DATASETS.TRAIN") or ()),
        "weights": _short(str(_get(content, "MODEL.WEIGHTS") or "")),
        "averaged": ", ".join(_short(str(path)) for path in beside.get(AVERAGED, ())),
        "iterations": _iterations(beside),
        "batch_size": _get(content, "SOLVER.IMS_PER_BATCH"),
        "seed": seed if seed >= 0 else None,
        **card.made_by,
        "hours": _hours(checkpoint.parent / _METRICS_FILE),
    }
    return {key: value for key, value in found.items() if value not in (None, "")}


def _get(content: Any, key: str) -> Any:
    for part in key.split("."):
        content = content.get(part) if isinstance(content, Mapping) else None
    return content


def _short(weights: str) -> str:
    """Weights without the folders of this machine; an address is kept."""
    if not weights:
        return "none, from scratch"
    return weights if "://" in weights else "/".join(Path(weights).parts[-2:])


def _beside_the_weights(checkpoint: Path) -> Mapping[str, Any]:
    try:
        return read_torch(checkpoint, mmap=True)
    except InputError:
        return {}


def _iterations(beside: Mapping[str, Any]) -> int | None:
    last = beside.get("iteration")
    return last + 1 if isinstance(last, int) else None


def _hours(file: Path) -> float | None:
    """From the seconds for an iteration, which are logged; repeated ones count again."""
    if not file.is_file():
        return None
    logged = [(-1, 0.0)]
    for line in file.read_text(encoding="utf-8").splitlines():
        try:
            entry = json.loads(line)
            logged.append((int(entry["iteration"]), float(entry["time"])))
        except (ValueError, TypeError, KeyError):
            continue  # a line that was cut off, or that has no time
    spans = [(now - before, time) for (before, _), (now, time) in pairwise(logged)]
    # After a resumption iterations begin again from an earlier one, by a span that is not known.
    seconds = sum(span * time for span, time in spans if span > 0)
    return round(seconds / 3600, 2) if seconds else None
