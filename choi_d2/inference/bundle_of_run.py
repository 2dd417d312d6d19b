"""A training's folder as a bundle, with the metrics that it ended with."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from choi_d2.engine.results import RESULTS_FILE
from choi_d2.utils import InputError, read_json

from .bundles import About, find_model, write_bundle


def bundle_of_run(
    run: str | os.PathLike,
    output: str | os.PathLike,
    *,
    name: str | None = None,
    half: bool = True,
    provenance: Mapping[str, Any] | None = None,
) -> About:
    """Make a bundle of a training; see :func:`write_bundle`.

    Args:
        run: its folder, of which ``model_final.pth`` is taken, or a checkpoint in it.
        output, name, half, provenance: as for :func:`write_bundle`.

    Raises:
        InputError: no checkpoint, or one that does not know its config.
    """
    # A folder may have bundles, too: they are not what is asked for.
    checkpoint = Path(run, "model_final.pth") if os.path.isdir(run) else find_model(run)
    if not checkpoint.is_file():
        raise InputError(
            "there is no model_final.pth in it",
            path=checkpoint,
            hint="Give the checkpoint itself, such as model_best.pth.",
        )
    metrics = _metrics_of(checkpoint)
    return write_bundle(
        checkpoint, output, name=name, half=half, metrics=metrics, provenance=provenance
    )


def _metrics_of(checkpoint: Path) -> dict[str, float]:
    """Keys as "data set/metric"; from the results beside the checkpoint, if they are its own."""
    file = checkpoint.parent / RESULTS_FILE
    if not file.is_file():
        return {}
    content = read_json(file, dict)
    if Path(str(content.get("weights", ""))).name != checkpoint.name:
        return {}
    return {
        f"{data_set}/{metric}": value
        for data_set, tasks in content.get("results", {}).items()
        for metrics in tasks.values()
        for metric, value in metrics.items()
        if value is not None
    }
