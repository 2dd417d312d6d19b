"""What the evaluators of interactions share: collect little, gather it, write, compute, tell."""

from __future__ import annotations

import itertools
import logging
import os
from abc import abstractmethod
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from detectron2.data import DatasetCatalog, MetadataCatalog
from detectron2.evaluation import DatasetEvaluator
from detectron2.utils import comm

from choi_d2.utils import write_json
from choi_d2.utils.output_names import path_below, plain_name

logger = logging.getLogger(__name__)


class HOIEvaluator(DatasetEvaluator):
    """Base of the evaluators of interactions.

    Ground truth are the official files that the metadata names, read as the command line reads
    them, so that both give the same numbers: the loaders leave out what a model cannot use, the
    official evaluators count it. Only where there are none are the data set's records in
    ``DatasetCatalog`` the ground truth, so that every registered data set can be evaluated.

    Each process keeps what :meth:`collect` makes of its images; the main process gathers them (an
    image that a padded sampler handed to two processes counts once), writes them to ``output_dir``
    in the challenge's own format, computes the metrics and writes them as
    ``{dataset_name}{FILE_SUFFIX}_metrics.json``. A split without annotations is written, not
    scored.

    Args:
        dataset_name: a registered data set.
        output_dir: where the files go; None writes none.
        distributed: gather from all processes; False evaluates this process's images alone.
    """

    TASK = "hoi"
    """The key of the results."""
    FILE_SUFFIX = ""
    """Keeps the files of two evaluators of one data set apart."""
    OFFICIAL_TYPE: str
    """The ``evaluator_type`` whose files are in the challenge's own format."""
    OFFICIAL_FILES: tuple[str, ...]
    """Keys of the metadata that name them."""

    def __init__(
        self, dataset_name: str, *, output_dir: str | os.PathLike | None = None, distributed=True
    ):
        self.dataset_name = dataset_name
        self.metadata = MetadataCatalog.get(dataset_name)
        self.output_dir = None if output_dir is None else Path(output_dir)
        self.distributed = distributed
        self._predictions: dict[str | int, Any] = {}

    def reset(self) -> None:
        """Forget all predictions."""
        self._predictions = {}

    def process(self, inputs: Sequence[Mapping], outputs: Sequence[Mapping]) -> None:
        """Keep what is needed of a batch's outputs, on the CPU."""
        for image, output in zip(inputs, outputs, strict=True):
            self._predictions[image["image_id"]] = self.collect(image, output)

    def evaluate(self) -> OrderedDict | None:
        """``{TASK: {metric: percent}}`` on the main process; None on the others, ``{}`` where
        there is nothing to compare with.
        """
        predictions = self._predictions
        if self.distributed and comm.get_world_size() > 1:
            gathered = comm.gather(predictions, dst=0)
            if not comm.is_main_process():
                return None
            predictions = dict(itertools.chain.from_iterable(part.items() for part in gathered))
        records = DatasetCatalog.get(self.dataset_name)
        if self.output_dir is not None:
            self.write_predictions(records, predictions)
        if not any("interactions" in record for record in records):
            logger.warning(
                f"'{self.dataset_name}' has no annotated interactions: predictions are "
                + ("not evaluated." if self.output_dir is None else f"in {self.output_dir}.")
            )
            return OrderedDict()
        metrics = self.compute(records, predictions)
        if self.output_dir is not None:
            write_json(self.output_path("_metrics.json"), metrics, indent=1)
        title = f"Interactions of '{self.dataset_name}', in percent:"
        logger.info(f"{title}\n{self.table(metrics)}")
        return OrderedDict({self.TASK: self.summary(metrics)})

    def output_path(self, ending: str) -> Path:
        """``{dataset_name}{FILE_SUFFIX}{ending}`` in ``output_dir``."""
        name = plain_name(self.dataset_name)
        return path_below(self.output_dir, f"{name}{self.FILE_SUFFIX}{ending}")

    def official_files(self) -> tuple[Path, ...] | None:
        """The ground truth's files, by ``OFFICIAL_FILES``; None where they are not all there."""
        paths = [self.metadata.get(key) for key in self.OFFICIAL_FILES]
        named = self.OFFICIAL_TYPE in evaluator_types(self.dataset_name) and all(paths)
        if not named or not all(os.path.exists(path) for path in paths):
            return None
        logger.info(f"Ground truth of '{self.dataset_name}': {', '.join(map(str, paths))}")
        return tuple(map(Path, paths))

    @abstractmethod
    def collect(self, image: Mapping, output: Mapping) -> Any:
        """What is kept of one image's output: small, picklable, not on the accelerator."""

    @abstractmethod
    def write_predictions(self, records: Sequence[Mapping], predictions: Mapping) -> None:
        """Write the challenge's submission to ``output_dir``."""

    @abstractmethod
    def compute(self, records: Sequence[Mapping], predictions: Mapping) -> dict:
        """Metrics as fractions, in the layout of the command line's JSON."""

    @abstractmethod
    def table(self, metrics: Mapping) -> str:
        """What the log shows."""

    @abstractmethod
    def summary(self, metrics: Mapping) -> dict[str, float]:
        """metric -> percent. A name with ``-`` is left out of Detectron2's one-line summary."""


def evaluator_types(dataset_name: str) -> tuple[str, ...]:
    """``evaluator_type`` of a data set's metadata, one name or several; () where there is none."""
    types = MetadataCatalog.get(dataset_name).get("evaluator_type") or ()
    return (types,) if isinstance(types, str) else tuple(types)


def inverse(to_contiguous: Mapping[int, int]) -> dict[int, int]:
    """Contiguous id -> the data set's own id."""
    return {contiguous: own for own, contiguous in to_contiguous.items()}


def image_name(record: Mapping, image_root: str | None) -> str:
    """What the data set's own files call an image: its path below the image folder."""
    if isinstance(record["image_id"], str):
        return record["image_id"]
    file_name = record["file_name"]
    if image_root:
        relative = os.path.relpath(file_name, image_root)
        if not relative.startswith(os.pardir):
            return relative
    return os.path.basename(file_name)
