"""A training's folder as a bundle, with its metrics and what it knows of itself."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from choi_d2.engine.results import RESULTS_FILE
from choi_d2.utils import InputError, read_json

from .bundles import About, find_model, write_bundle
from .run_provenance import provenance_of_run


def bundle_of_run(
    run: str | os.PathLike,
    output: str | os.PathLike,
    *,
    name: str | None = None,
    bits: int = 16,
    results: Sequence[str | os.PathLike] = (),
    provenance: Mapping[str, Any] | None = None,
) -> About:
    """Make a bundle of a training; see :func:`write_bundle`.

    Args:
        run: its folder, of which ``model_final.pth`` is taken, or a checkpoint in it.
        output, name, bits: as for :func:`write_bundle`.
        results: more files ``results.json``, of evaluations of this checkpoint on other data.
        provenance: is added to what the training knows of itself, and goes before it.

    Raises:
        InputError: no checkpoint, or one that does not know its config; results of other weights.
    """
    # A folder may have bundles, too: they are not what is asked for.
    checkpoint = Path(run, "model_final.pth") if os.path.isdir(run) else find_model(run)
    if not checkpoint.is_file():
        raise InputError(
            "there is no model_final.pth in it",
            path=checkpoint,
            hint="Give the checkpoint itself, such as model_best.pth.",
        )
    metrics = _metrics_of(checkpoint, [Path(file) for file in results])
    return write_bundle(
        checkpoint,
        output,
        name=name,
        bits=bits,
        metrics=metrics,
        provenance={**provenance_of_run(checkpoint), **(provenance or {})},
    )


def _metrics_of(checkpoint: Path, more: Sequence[Path]) -> dict[str, float]:
    """Keys as "data set/metric"; from the results beside the checkpoint, if they are its own."""
    beside = checkpoint.parent / RESULTS_FILE
    found: dict[str, float] = {}
    if beside.is_file():
        content = read_json(beside, dict)
        if _is_of(content, checkpoint):
            found = _flat(content)
    for file in more:
        content = read_json(file, dict)
        if not _is_of(content, checkpoint):
            raise InputError(
                f"expected results of {checkpoint}, found those of {content.get('weights')!r}",
                path=file,
                field="weights",
                hint="Evaluate the checkpoint: choi eval model --weights FILE --config-file YAML.",
            )
        new = _flat(content)
        both = [key for key in new if key in found and new[key] != found[key]]
        if both:
            problem = f"{both[0]!r} is {new[both[0]]} here, and {found[both[0]]} in other results"
            raise InputError(problem, path=file, field="results")
        found |= new
    return found


def _is_of(content: Mapping[str, Any], checkpoint: Path) -> bool:
    weights = Path(str(content.get("weights", "")))
    if weights.is_file():
        return weights.samefile(checkpoint)
    return weights.name == checkpoint.name


def _flat(content: Mapping[str, Any]) -> dict[str, float]:
    return {
        f"{data_set}/{metric}": value
        for data_set, tasks in content.get("results", {}).items()
        for metrics in tasks.values()
        for metric, value in metrics.items()
        if value is not None
    }
