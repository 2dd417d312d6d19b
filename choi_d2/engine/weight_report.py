"""The table that says what came of each part of a model when weights were loaded."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence

from tabulate import tabulate

from .weights import Fit

# A head, its stage if it has one, and the rest of a tensor's name.
_HEAD = re.compile(r"(roi_heads\.[a-z_]+)(\.\d+)?\.(.+)")
# A part of the table that belongs to a stage.
_STAGED = re.compile(r"(roi_heads\.[a-z_]+)\.(\d+)(.*)")
# The layers whose size depends on the classes or verbs get a line of their own.
_LAYERS = ("cls_score", "bbox_pred", "predictor", "rcm")

_STATUS = {
    "loaded": "loaded",
    "copied": "copied from another head",
    "names": "",
    "shape": "initialised: ",
    "new": "initialised: not in the file",
}


def weight_report(source: str, fits: Sequence[Fit], unused: Sequence[str]) -> tuple[int, str]:
    """Say what was loaded, copied to other stages, and initialised.

    Args:
        source: the file.
        fits: of :func:`choi_d2.engine.weights.fit_weights`.
        unused: names of the file's tensors that the model has no place for.

    Returns:
        the level of the log record (a warning if some part of the model is not in the file), and
        its text: a line, and a table unless all is well.
    """
    # Batch norm's counter is in no file of before it was counted, and nothing depends on it.
    fits = [fit for fit in fits if not fit.name.endswith("num_batches_tracked")]
    found = sum(fit.value is not None for fit in fits)
    line = f"{source}: {found} of the model's {len(fits)} tensors found"
    if all(fit.status == "loaded" and fit.source == fit.name for fit in fits) and not unused:
        return logging.INFO, line
    rows = _rows(fits)
    if unused:
        rows.append(("", "in the file, not used", _join({_part(name) for name in unused})))
    table = tabulate(rows, headers=["part of the model", "is", "in the file"], tablefmt="simple")
    level = logging.INFO if found == len(fits) else logging.WARNING
    return level, f"{line}\n{table}"


def _rows(fits: Sequence[Fit]) -> list[tuple[str, str, str]]:
    """(parts, what came of them, where from), parts of the same fate together."""
    first: dict[tuple[str, str, str], Fit] = {}
    for fit in fits:
        source = "" if fit.source in (None, fit.name) else _part(fit.source)
        first.setdefault((_part(fit.name), fit.status, source), fit)
    fates: dict[tuple[str, str, str], set[str]] = {}
    for (part, status, source), fit in first.items():
        alone = part if fit.detail else ""
        same = _STAGED.sub(r"\1\3", alone)
        fates.setdefault((same, _STATUS[status] + fit.detail, source), set()).add(part)
    return [(_join(parts), fate, source) for (_, fate, source), parts in fates.items()]


def _part(name: str) -> str:
    """The part that a tensor is reported with: a head of a stage, or a part of the detector."""
    head = _HEAD.fullmatch(name)
    if head:
        layer = head[3].split(".")[0]
        return head[1] + (head[2] or "") + (f".{layer}" if layer in _LAYERS else "")
    return re.sub(r"\.fpn_.*", ".fpn", ".".join(name.split(".")[:2]))


def _join(parts: set[str]) -> str:
    """Parts in one cell, the stages of a head in braces."""
    stages: dict[str, list[str]] = {}
    for part in sorted(parts):
        staged = _STAGED.fullmatch(part)
        key = f"{staged[1]}.{{}}{staged[3]}" if staged else part
        stages.setdefault(key, []).append(staged[2] if staged else "")
    cells = [
        key.replace("{}", numbers[0] if len(numbers) == 1 else "{" + ",".join(numbers) + "}")
        for key, numbers in stages.items()
    ]
    return "\n".join(cells)
