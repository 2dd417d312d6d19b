"""The training loader: Detectron2's samplers, a stream to resume, and no stop at a broken image."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from detectron2.config import CfgNode
from detectron2.data import (
    DatasetCatalog,
    DatasetFromList,
    build_detection_train_loader,
)
from detectron2.data.samplers import TrainingSampler
from detectron2.utils import comm
from torch.utils.data import DataLoader

from choi_d2.utils import InputError
from choi_d2.utils.randomness import seeded_randomness

from .dataset_mapper import HOIDatasetMapper
from .masks import check_masks
from .stream import TrainingStream, stream_loader
from .vocabularies import log_instances, training_records, training_vocabulary


class ReplaceBroken:
    """A mapper that puts another record in the place of one that cannot be mapped.

    Which one is drawn from Python's random numbers.

    Args:
        mapper: gives None for a record that it cannot map.
        records: where others are drawn from.
    """

    def __init__(self, mapper: Callable[[dict], dict | None], records: Sequence[dict]):
        self.mapper, self.records = mapper, records

    def __call__(self, record: dict) -> dict:
        """Map ``record``, or the first other one that can be mapped.

        Raises:
            InputError: no record of the data set can be mapped.
        """
        mapped = self.mapper(record)
        if mapped is not None:
            return mapped
        positions = list(range(len(self.records)))
        random.shuffle(positions)
        for position in positions:
            mapped = self.mapper(self.records[position])
            if mapped is not None:
                return mapped
        raise InputError(
            f"none of the {len(self.records)} training images can be read",
            path=record["file_name"],
            hint="The log names the reason of each.",
        )


def build_hoi_train_loader(cfg: CfgNode, mapper: Callable | None = None) -> DataLoader:
    """Batches over ``cfg.DATASETS.TRAIN``, for ever.

    ``cfg.DATALOADER.SAMPLER_TRAIN`` is any of Detectron2's.

    Several data sets are joined by the names of their classes and verbs, see
    :mod:`choi_d2.data.vocabularies`.

    Images without any interaction stay: they train the detector, and tell pairs that nobody
    annotated. ``cfg.DATALOADER.FILTER_EMPTY_ANNOTATIONS`` leaves out images without instances.

    The batches are a function of ``cfg.SEED`` and of their numbers, with any number of workers:
    set ``loader.dataset.start`` before iterating to begin with a later one. Where ``cfg.SEED`` is
    negative, a random seed takes its place.

    Args:
        cfg: the config.
        mapper: record -> model input, None for a record that cannot be used;
            ``HOIDatasetMapper(cfg, is_train=True)`` by default.

    Raises:
        InputError: a data set of the config is not registered, its files are broken, it has
            nothing to train on, or its names are not the others'; the batch cannot be divided among
            the processes.
    """
    check_registered(cfg.DATASETS.TRAIN, field="DATASETS.TRAIN")
    records = training_records(cfg, filter_empty=cfg.DATALOADER.FILTER_EMPTY_ANNOTATIONS)
    bare = next((record for record in records if "annotations" not in record), None)
    if bare is not None:
        raise InputError(
            "this image has no annotations to train on: is its data set a test set?",
            path=bare["file_name"],
            field="DATASETS.TRAIN",
        )
    vocabulary = training_vocabulary(cfg.DATASETS.TRAIN, cfg.DATASETS.VOCABULARY)
    if vocabulary is not None:
        log_instances(records, vocabulary.classes)
    if cfg.MODEL.MASK_ON:
        check_masks(records, cfg.INPUT.MASK_FORMAT)
    processes = comm.get_world_size()
    if cfg.SOLVER.IMS_PER_BATCH < 1 or cfg.SOLVER.IMS_PER_BATCH % processes:
        raise InputError(
            f"expected a positive multiple of the number of processes, {processes}, got "
            f"{cfg.SOLVER.IMS_PER_BATCH}",
            field="SOLVER.IMS_PER_BATCH",
        )
    seed = cfg.SEED if cfg.SEED >= 0 else comm.shared_random_seed()
    # One serialized list that the loader and the replacements share.
    dataset = DatasetFromList(records, copy=False)
    mapper = HOIDatasetMapper(cfg, is_train=True) if mapper is None else mapper
    stream = TrainingStream(
        dataset,
        _build_sampler(cfg, dataset, seed),
        ReplaceBroken(mapper, dataset),
        batch_size=cfg.SOLVER.IMS_PER_BATCH // processes,
        seed=seed,
        groups=_wide(records) if cfg.DATALOADER.ASPECT_RATIO_GROUPING else None,
    )
    return stream_loader(stream, cfg.DATALOADER.NUM_WORKERS)


def _build_sampler(cfg: CfgNode, dataset: DatasetFromList, seed: int) -> TrainingSampler:
    """Detectron2's, as it would put it into a loader of its own."""
    cfg = cfg.clone()
    cfg.defrost()
    cfg.DATALOADER.ASPECT_RATIO_GROUPING, cfg.DATALOADER.NUM_WORKERS = False, 0
    # Its seed is drawn from NumPy's random numbers.
    with seeded_randomness(seed):
        loader = build_detection_train_loader(cfg, dataset=dataset, mapper=lambda record: record)
    return loader.dataset.sampler


def _wide(records: Sequence[dict]) -> list[int]:
    """For each record, is it wider than high? Batches of either need less padding."""
    return [int(record.get("width", 0) > record.get("height", 0)) for record in records]


def check_registered(names: Sequence[str], *, field: str) -> None:
    """Are these data sets there?

    Raises:
        InputError: ``names`` is empty or holds a name that nobody registered.
    """
    if not names:
        raise InputError("expected at least one data set", field=field)
    for name in names:
        if name not in DatasetCatalog.list():
            known = ", ".join(sorted(DatasetCatalog.list()))
            raise InputError(
                f"{name!r} is no registered data set", field=field, hint=f"Registered are: {known}."
            )
