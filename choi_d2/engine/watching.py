"""What one watches while a model trains: one line in the log, pairs, pictures."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping

import numpy as np
import torch
from detectron2.config import CfgNode
from detectron2.data import DatasetCatalog, MetadataCatalog
from detectron2.engine import HookBase
from detectron2.utils import comm
from detectron2.utils.events import CommonMetricPrinter, get_event_storage
from torch import nn

from choi_d2.data import HOIDatasetMapper
from choi_d2.pictures import read_picture
from choi_d2.visualization import TripletVisualizer, side_by_side

from .loading import metadata_of, vocabulary_of

PERIOD = 20
"""Iterations between two lines in the log, as Detectron2's ``PeriodicWriter`` has them."""

_LOSS = re.compile(r"loss_(\w+?)(?:_stage\d+)?")


class CompactPrinter(CommonMetricPrinter):
    """Detectron2's line in the log, short: the losses of a part are summed over the stages.

    Each loss is the median of the last 20 iterations. Single losses are in ``metrics.json`` and
    TensorBoard. Ranking accuracy and pairs are of the last stage, R^T.
    """

    def write(self) -> None:
        """Log one line."""
        storage = get_event_storage()
        if storage.iter == self._max_iter:
            return  # the training is over, and has had its line
        latest = {k: v for k, (v, _) in storage.latest_with_smoothing_hint(PERIOD).items()}
        eta = self._get_eta(storage)
        words = [f"eta: {eta}"] if eta else []
        words.append(f"iter: {storage.iter}")
        if "total_loss" in latest:
            words.append(f"total_loss: {latest['total_loss']:.4g}")
        words += [f"{part}: {loss:.4g}" for part, loss in losses_by_part(latest).items()]
        words += _pairs_in_words(latest)
        for name in ("time", "data_time"):
            if name in latest:
                words.append(f"{name}: {latest[name]:.4f}")
        if "lr" in latest:
            words.append(f"lr: {latest['lr']:.5g}")
        if torch.cuda.is_available():
            words.append(f"max_mem: {torch.cuda.max_memory_allocated() / 2**20:.0f}M")
        self.logger.info("  ".join(words))


def losses_by_part(scalars: Mapping[str, float]) -> dict[str, float]:
    """The losses among ``scalars``, summed over stages, streams of RCM, and RPN's two.

    Args:
        scalars: name -> value; ``loss_{part}_stage{t}``, ``loss_rpn_{cls,loc}`` and others.

    Returns:
        part -> sum, in the order in which parts come first.
    """
    parts: dict[str, float] = defaultdict(float)
    for name, value in scalars.items():
        match = _LOSS.fullmatch(name)
        if match:
            whole = match[1].split("_")[0]
            parts[whole if whole in ("rcm", "rpn") else match[1]] += value
    return dict(parts)


def _pairs_in_words(latest: Mapping[str, float]) -> list[str]:
    stages = [int(m[1]) for name in latest if (m := re.match(r"stage(\d+)/pairs/", name))]
    if not stages:
        return []
    of = {name: latest.get(f"stage{max(stages)}/pairs/{name}") for name in _IN_THE_LINE}
    words = [f"pairs: {of['positive']:.1f}/{of['sampled']:.1f}"]
    if of["ranking_accuracy"] is not None:
        words.append(f"ranking: {of['ranking_accuracy']:.3f}")
    return words


_IN_THE_LINE = ("positive", "sampled", "ranking_accuracy")


class PairStatistics(HookBase):
    """Turns what ``log_pairs`` says of a process's batch into means over processes and iterations.

    Runs in every process, before the writers: what they write is the mean over the iterations since
    the last writing, and over all processes. Where a statistic is not defined (ranking without an
    un-annotated pair, faces without a human), it does not enter.

    Args:
        period: the writers'.
    """

    def __init__(self, period: int = PERIOD):
        self._period = period
        self._sums: dict[str, tuple[float, int]] = {}

    def after_step(self) -> None:
        """Add this iteration; put the means into the storage where they are about to be written."""
        storage, iteration = self.trainer.storage, self.trainer.iter
        for name, (value, when) in storage.latest().items():
            if "/pairs/" in name and when == iteration:
                total, count = self._sums.get(name, (0.0, 0))
                self._sums[name] = total + value, count + 1
        if (iteration + 1) % self._period and iteration != self.trainer.max_iter - 1:
            return
        gathered, self._sums = comm.gather(self._sums), {}
        for name in sorted({name for sums in gathered for name in sums}):
            totals, counts = zip(*(sums[name] for sums in gathered if name in sums))
            storage.put_scalar(name, sum(totals) / sum(counts), smoothing_hint=False)


class TripletPictures(HookBase):
    """Draws annotated beside predicted triplets, for TensorBoard, every ``VIS_PERIOD`` iterations.

    The same images every time: the first ones with interactions (without interaction networks: with
    instances) of the first test set, else of the first training set.

    Args:
        cfg: the config.
        model: not wrapped for several processes: the main process runs it alone.
        count: how many images.
    """

    LONGEST_SIDE = 1000
    """Larger photos are drawn smaller, in pixels."""

    def __init__(self, cfg: CfgNode, model: nn.Module, count: int = 2):
        self._cfg, self._model, self._count = cfg, model, count
        self._dataset = [*cfg.DATASETS.TEST, *cfg.DATASETS.TRAIN][0]
        self._records: list[dict] = []
        self._mapper: HOIDatasetMapper | None = None

    def after_step(self) -> None:
        """Draw, where it is time."""
        done = self.trainer.iter + 1
        if done % self._cfg.VIS_PERIOD:
            return
        if self._mapper is None:
            self._prepare()
        for index, record in enumerate(self._records):
            picture = self._draw(record, f"after {done} iterations")
            self.trainer.storage.put_image(f"triplets/{index}", picture.transpose(2, 0, 1))

    def _prepare(self) -> None:
        wanted = "interactions" if self._cfg.MODEL.INTERACTION_ON else "annotations"
        records = DatasetCatalog.get(self._dataset)
        self._records = [each for each in records if each.get(wanted)][: self._count]
        self._mapper = HOIDatasetMapper(self._cfg, is_train=False)

    def _draw(self, record: dict, title: str) -> np.ndarray:
        """uint8 (H, W, 3), RGB: the annotated and the predicted triplets side by side."""
        photo = read_picture(record["file_name"])[:, :, ::-1]
        metadata = MetadataCatalog.get(self._dataset)
        shrink = self.LONGEST_SIDE / max(photo.shape[:2])
        scale = shrink if shrink < 1 else None
        annotated = TripletVisualizer(photo, metadata, scale=scale).draw_ground_truth(record)
        was_training = self._model.training
        self._model.eval()
        try:
            with torch.no_grad():
                output = self._model([self._mapper(record)])[0]
        finally:
            self._model.train(was_training)
        vocabulary = vocabulary_of(self._model)
        if vocabulary is not None:
            metadata = metadata_of(vocabulary, "the model")
        predicted = TripletVisualizer(photo, metadata, scale=scale).draw_predictions(
            output["instances"].to("cpu"),
            output["interactions"].to("cpu"),
            # Low: there is something to see early on.
            score_thresh=0.05,
            max_triplets=8,
            all_instances=not self._cfg.MODEL.INTERACTION_ON,
        )
        images = [annotated.get_image(), predicted.get_image()]
        return side_by_side(images, ["annotated", title])
