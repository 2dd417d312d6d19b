"""The evaluators of a data set, by its metadata."""

from __future__ import annotations

import os

from detectron2.data import MetadataCatalog
from detectron2.evaluation import DatasetEvaluators

from choi_d2.utils import InputError

from .detection_evaluator import InstanceDetectionEvaluator
from .hoiw_evaluator import HOIWEvaluator
from .pic_evaluator import PICEvaluator
from .vcoco_evaluator import VCOCOEvaluator

EVALUATORS = {
    "hoiw": HOIWEvaluator,
    "hoi": HOIWEvaluator,
    "pic": PICEvaluator,
    "vcoco": VCOCOEvaluator,
}
"""``evaluator_type`` of the metadata -> evaluator of interactions; "hoi" is a data set of the
user's own, scored by HOIW's rules."""


def build_evaluator(
    dataset_name: str, output_dir: str | os.PathLike | None = None, *, distributed: bool = True
) -> DatasetEvaluators:
    """The data set's own metrics of interactions, and AP of detections.

    Args:
        dataset_name: a registered data set whose metadata has ``evaluator_type``.
        output_dir: where predictions and metrics are written; None writes nothing.
        distributed: gather from all processes.

    Raises:
        InputError: the data set has no ``evaluator_type``, or an unknown one.
    """
    kind = MetadataCatalog.get(dataset_name).get("evaluator_type")
    if kind not in EVALUATORS:
        raise InputError(
            f"data set '{dataset_name}' has evaluator_type {kind!r}, "
            f"expected one of {sorted(EVALUATORS)}",
            hint="Set it in MetadataCatalog when the data set is registered.",
        )
    return DatasetEvaluators(
        [
            EVALUATORS[kind](dataset_name, output_dir=output_dir, distributed=distributed),
            InstanceDetectionEvaluator(dataset_name, distributed=distributed),
        ]
    )
