"""The results of an evaluation as a file that scripts read."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path

from detectron2.config import CfgNode
from detectron2.engine import HookBase
from detectron2.utils import comm

from choi_d2.utils import write_json

RESULTS_FILE = "results.json"


def write_results(cfg: CfgNode, results: Mapping, *, weights: str, iteration: int | None) -> None:
    """Write ``OUTPUT_DIR/results.json``, whole or not at all.

    It holds ``{"weights", "iteration", "results": {data set: {task: {metric: value}}}}``; a metric
    that is not finite, as the AP of a class that no image has, becomes null.

    Args:
        cfg: names the data sets and the folder.
        results: of ``HOITrainer.test``, which leaves out the data set's name where it is the only
            one.
        weights: the file that was evaluated.
        iteration: of training, counted from 0 as in the file; None if it does not say.
    """
    names = cfg.DATASETS.TEST
    by_dataset = {names[0]: results} if len(names) == 1 else results
    content = {
        "weights": weights,
        "iteration": iteration,
        "results": {
            name: {
                task: {metric: _finite_or_none(value) for metric, value in metrics.items()}
                for task, metrics in tasks.items()
            }
            for name, tasks in by_dataset.items()
        },
    }
    write_json(Path(cfg.OUTPUT_DIR, RESULTS_FILE), content, indent=1)


class ResultsWriter(HookBase):
    """Writes the results of the trained weights; belongs behind Detectron2's ``EvalHook``.

    What an earlier training in the same folder left is removed first.
    """

    def before_train(self) -> None:
        """Remove the results of other weights."""
        if comm.is_main_process():
            Path(self.trainer.cfg.OUTPUT_DIR, RESULTS_FILE).unlink(missing_ok=True)

    def after_train(self) -> None:
        """Write what ``EvalHook`` has just found, if the training came to its end."""
        trainer = self.trainer
        if comm.is_main_process() and trainer.iter + 1 >= trainer.max_iter:
            write_results(
                trainer.cfg,
                trainer._last_eval_results,
                weights=os.path.join(trainer.cfg.OUTPUT_DIR, "model_final.pth"),
                iteration=trainer.max_iter - 1,
            )


def _finite_or_none(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
