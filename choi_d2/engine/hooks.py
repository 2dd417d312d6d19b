"""Which checkpoints a training keeps: the latest ones, and the best one by the task's metric."""

from __future__ import annotations

import logging
import math
import os
import re
from pathlib import Path

from detectron2.config import CfgNode
from detectron2.data import MetadataCatalog
from detectron2.engine import HookBase, hooks
from detectron2.utils import comm
from torch import nn

from choi_d2.utils import InputError

from .checkpoint import HOICheckpointer
from .model_card import ModelCard
from .watching import PairStatistics, TripletPictures
from .weight_files import read_torch

logger = logging.getLogger(__name__)

METRICS = {
    "hoiw": "hoi/mAP_rel",
    "hoi": "hoi/mAP_rel",
    "pic": "hoi/R@100",
    "vcoco": "hoi/AP_role_S1",
    "box_recall": "recall/R@100",
}
"""``evaluator_type`` of a data set -> the metric that its best checkpoint is chosen by."""

DETECTION_METRIC = "bbox/AP"
"""What chooses where there are no interaction networks: the first phase."""

BEST = "model_best"
_PERIODIC = re.compile(r"model_(\d{7,})\.pth")
# What an evaluation gave, but for single classes and verbs.
_METRIC = re.compile(r"(?:.+/)?(?:hoi|recall|bbox|segm)/[^-]+")


def extend_hooks(cfg: CfgNode, default: list[HookBase | None], checkpointer: HOICheckpointer):
    """Detectron2's default hooks, and what C-HOI adds to them, each in its place.

    Args:
        cfg: the config.
        default: what ``DefaultTrainer.build_hooks`` returned.
        checkpointer: the trainer's.

    Returns:
        list[HookBase]

    Raises:
        InputError: ``SOLVER.KEEP_CHECKPOINTS`` is 1 or negative.
    """
    keep = cfg.SOLVER.KEEP_CHECKPOINTS
    if keep == 1 or keep < 0:
        raise InputError(
            f"expected 0 (all) or at least 2, got {keep}",
            field="SOLVER.KEEP_CHECKPOINTS",
            hint="Where the last checkpoint is damaged, training resumes from the one before.",
        )
    extended: list[HookBase] = []
    for hook in default:
        if isinstance(hook, hooks.PeriodicCheckpointer):
            hook = RecentCheckpointer(checkpointer, cfg.SOLVER.CHECKPOINT_PERIOD, keep)
        if isinstance(hook, hooks.PeriodicWriter) and cfg.VIS_PERIOD > 0:
            extended.append(TripletPictures(cfg, checkpointer.model))
        if hook is not None:
            extended.append(hook)
        if isinstance(hook, hooks.EvalHook):
            extended.append(PairStatistics())
            metric = best_metric(cfg)
            if metric and cfg.TEST.EVAL_PERIOD > 0 and comm.is_main_process():
                extended.append(
                    BestCheckpointer(
                        cfg.TEST.EVAL_PERIOD,
                        checkpointer.model,
                        checkpointer.save_dir,
                        metric,
                        card=checkpointer.card,
                    )
                )
    return extended


def best_metric(cfg: CfgNode) -> str | None:
    """The name, among an evaluation's flattened results, of the metric that chooses the best.

    ``TEST.BEST_METRIC``, or where that is "" the one of the first test set's ``evaluator_type``;
    of several test sets, each has its name before its metrics. None: there is nothing to choose by.
    """
    if cfg.TEST.BEST_METRIC:
        return cfg.TEST.BEST_METRIC
    if not cfg.DATASETS.TEST:
        return None
    name = cfg.DATASETS.TEST[0]
    if cfg.MODEL.INTERACTION_ON:
        types = MetadataCatalog.get(name).get("evaluator_type")
        types = (types,) if isinstance(types, str) else types or ()
        metric = next((METRICS[each] for each in types if each in METRICS), None)
    else:
        metric = DETECTION_METRIC
    return f"{name}/{metric}" if metric and len(cfg.DATASETS.TEST) > 1 else metric


class RecentCheckpointer(hooks.PeriodicCheckpointer):
    """Detectron2's periodic checkpoints, of which only the latest ones stay.

    One is deleted when a newer one is on the disk. Those of the training that is resumed count as
    well. The final and the best checkpoint, and all others, stay.

    Args:
        checkpointer: saves.
        period: iterations between two checkpoints.
        keep: how many stay, at least 2; 0 for all.
    """

    def __init__(self, checkpointer: HOICheckpointer, period: int, keep: int):
        super().__init__(checkpointer, period, max_to_keep=keep or None)

    def before_train(self) -> None:
        """Look for the checkpoints of the training that is resumed."""
        super().before_train()
        if self.max_to_keep is None or self.trainer.start_iter == 0:
            return
        done = {}
        for name in os.listdir(self.checkpointer.save_dir):
            match = _PERIODIC.fullmatch(name)
            # Later ones are damaged, or of a training that was given up: none of this one's.
            if match and int(match[1]) < self.trainer.start_iter:
                done[int(match[1])] = os.path.join(self.checkpointer.save_dir, name)
        self.recent_checkpoints = [done[iteration] for iteration in sorted(done)]
        while len(self.recent_checkpoints) > self.max_to_keep:
            self.path_manager.rm(self.recent_checkpoints.pop(0))


class BestCheckpointer(hooks.BestCheckpointer):
    """Keeps the weights that did best so far, as ``model_best.pth``; runs after ``EvalHook``.

    The file holds the model's weights, not what a training resumes from, and under "best" its
    ``metric``, ``value`` and ``iterations``. A resumed training finds its best so far there: it
    survives an interruption between an evaluation and the next checkpoint, too.

    Args:
        eval_period: ``EvalHook``'s.
        model: whose weights are saved.
        save_dir: the folder of the checkpoints.
        metric: name among the evaluation's flattened results; more is better.
        card: see :class:`HOICheckpointer`.
    """

    def __init__(
        self,
        eval_period: int,
        model: nn.Module,
        save_dir: str | os.PathLike,
        metric: str,
        *,
        card: ModelCard | None = None,
    ):
        checkpointer = _WeightsOnly(model, str(save_dir), card=card)
        super().__init__(eval_period, checkpointer, metric, file_prefix=BEST)

    def before_train(self) -> None:
        """Recall the best of the training that is resumed."""
        path = Path(self._checkpointer.save_dir, f"{BEST}.pth")
        if self.trainer.start_iter == 0 or not path.is_file():
            return
        try:
            # Mapped: its weights, which may be large, are not read.
            best = read_torch(path, mmap=True)["best"]
            metric, value, iterations = best["metric"], best["value"], best["iterations"]
        except (InputError, KeyError, TypeError) as error:
            logger.warning("%s cannot be read and is to be replaced (%s)", path, error)
            return
        if metric != self._val_metric:
            logger.warning("%s is the best by %s, and is to be replaced", path, metric)
            return
        self.best_metric, self.best_iter = value, iterations
        logger.info("Best so far: %s", self._described())

    def _best_checking(self) -> None:
        latest = self.trainer.storage.latest()
        if self._val_metric not in latest:
            known = ", ".join(sorted(filter(_METRIC.fullmatch, latest)))
            logger.warning(
                "TEST.BEST_METRIC: the evaluation gave no %r; no best model is kept. It gave: %s",
                self._val_metric,
                known or "nothing",
            )
            return
        value, iteration = latest[self._val_metric]
        if not math.isfinite(value):
            logger.warning("%s is %s: no best model", self._val_metric, value)
            return
        if self.best_metric is not None and value <= self.best_metric:
            logger.info("%s: %.4f. Best so far: %s", self._val_metric, value, self._described())
            return
        # Both ends of Detectron2's counting: the last evaluation is one iteration ahead.
        iterations = min(iteration + 1, self.trainer.max_iter)
        self.best_metric, self.best_iter = value, iterations
        best = {"metric": self._val_metric, "value": value, "iterations": iterations}
        self._checkpointer.save(BEST, best=best)
        logger.info("Best so far: %s", self._described())

    def _described(self) -> str:
        return f"{self._val_metric} {self.best_metric:.4f} after {self.best_iter} iterations"


class _WeightsOnly(HOICheckpointer):
    """Writes files that no training resumes from."""

    def tag_last_checkpoint(self, last_filename_basename: str) -> None:
        """Leave ``last_checkpoint`` alone."""
