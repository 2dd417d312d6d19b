"""Table 5's column: how long an image takes."""

from __future__ import annotations

import itertools
import os
import statistics
import time
from pathlib import Path
from typing import Any

import torch
from detectron2.modeling import build_model
from torch import nn

from choi_d2.engine import HOICheckpointer, HOITrainer
from choi_d2.utils import write_json

from .machine import cores, describe_machine
from .plan import Plan
from .results import is_evaluated, read_note

IMAGES = 20
WARM_UP = 3


def measure_speed(plan: Plan, images: int = IMAGES) -> dict[str, Any] | None:
    """Milliseconds an image, of every row whose first seed is done.

    The models stay in memory together and take turns at every image, so that what else the machine
    does meets all of them. Kept in ``speed_table{N}.json``; measured again when a row has come.

    Args:
        plan: the table.
        images: of the test split.

    Returns:
        ``milliseconds`` by row (medians of the forward pass, one image at a time), ``images``,
        ``device``, ``threads``, ``machine``, and ``folders`` of the evaluations; None if no row is
        done.
    """
    rows = {row.row.name: row.evaluations[0] for row in plan.rows}
    rows = {name: evaluation for name, evaluation in rows.items() if is_evaluated(evaluation)}
    if not rows:
        return None
    file = plan.output / f"speed_{plan.table.folder}.json"
    folders = {name: str(evaluation.folder) for name, evaluation in rows.items()}
    known = read_note(file)
    if known.get("folders") == folders and known.get("images") == images:
        return known
    models = {name: _load(e.cfg, e.training.weights) for name, e in rows.items()}
    cfg = next(iter(rows.values())).cfg
    loader = HOITrainer.build_test_loader(cfg, cfg.DATASETS.TEST[0])
    batches = list(itertools.islice(loader, images))
    threads = torch.get_num_threads()
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(cores())
    try:
        times = _take_turns(models, batches)
        result = {
            "milliseconds": {k: round(1000 * statistics.median(v), 2) for k, v in times.items()},
            "images": len(batches),
            "device": cfg.MODEL.DEVICE,
            "threads": torch.get_num_threads(),
            "machine": describe_machine(),
            "folders": folders,
        }
    finally:
        torch.set_num_threads(threads)
    write_json(file, result, indent=1)
    return result


def _load(cfg, weights: Path) -> nn.Module:
    model = build_model(cfg)
    HOICheckpointer(model).load(str(weights))
    return model.eval()


@torch.no_grad()
def _take_turns(models: dict[str, nn.Module], batches: list) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {name: [] for name in models}
    for batch in [*batches[:WARM_UP], *batches]:
        for name, model in models.items():
            started = time.perf_counter()
            model(batch)
            if model.device.type == "cuda":
                torch.cuda.synchronize(model.device)
            times[name].append(time.perf_counter() - started)
    warm_up = len(batches[:WARM_UP])
    return {name: values[warm_up:] for name, values in times.items()}
