"""The training loader: Detectron2's, which here survives broken images."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence

from detectron2.config import CfgNode
from detectron2.data import (
    DatasetCatalog,
    DatasetFromList,
    build_detection_train_loader,
    get_detection_dataset_dicts,
)

from choi_d2.utils import InputError

from .dataset_mapper import HOIDatasetMapper


class ReplaceBroken:
    """A mapper that puts another record in the place of one that cannot be mapped.

    Detectron2's own way of doing so draws from a set, which Python >= 3.11 refuses.

    Args:
        mapper: gives None for a record that it cannot map.
        records: where others are drawn from.
    """

    def __init__(self, mapper: Callable[[dict], dict | None], records: Sequence[dict]):
        self.mapper, self.records = mapper, records
        self._random = random.Random(0)

    def __call__(self, record: dict) -> dict:
        """Map ``record``, or the first other one that can be mapped.

        Raises:
            InputError: no record of the data set can be mapped.
        """
        mapped = self.mapper(record)
        if mapped is not None:
            return mapped
        positions = list(range(len(self.records)))
        self._random.shuffle(positions)
        for position in positions:
            mapped = self.mapper(self.records[position])
            if mapped is not None:
                return mapped
        raise InputError(
            f"none of the {len(self.records)} training images can be read",
            path=record["file_name"],
            hint="The log names the reason of each.",
        )


def build_hoi_train_loader(cfg: CfgNode, mapper: Callable | None = None) -> Iterable[list[dict]]:
    """Detectron2's training loader over ``cfg.DATASETS.TRAIN``.

    Images without any interaction stay: they train the detector, and tell pairs that nobody
    annotated. ``cfg.DATALOADER.FILTER_EMPTY_ANNOTATIONS`` leaves out images without instances.

    Args:
        cfg: the config.
        mapper: record -> model input, None for a record that cannot be used;
            ``HOIDatasetMapper(cfg, is_train=True)`` by default.

    Raises:
        InputError: a data set of the config is not registered, its files are broken, or it has
            nothing to train on.
    """
    check_registered(cfg.DATASETS.TRAIN, field="DATASETS.TRAIN")
    try:
        records = get_detection_dataset_dicts(
            cfg.DATASETS.TRAIN, filter_empty=cfg.DATALOADER.FILTER_EMPTY_ANNOTATIONS
        )
    except AssertionError as error:
        # Detectron2's word for "nothing is left".
        raise InputError(str(error), field="DATASETS.TRAIN") from None
    bare = next((record for record in records if "annotations" not in record), None)
    if bare is not None:
        raise InputError(
            "this image has no annotations to train on: is its data set a test set?",
            path=bare["file_name"],
            field="DATASETS.TRAIN",
        )
    # One serialized list that the loader and the replacements share.
    dataset = DatasetFromList(records, copy=False)
    mapper = HOIDatasetMapper(cfg, is_train=True) if mapper is None else mapper
    return build_detection_train_loader(cfg, dataset=dataset, mapper=ReplaceBroken(mapper, dataset))


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
