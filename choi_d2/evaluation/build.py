"""The evaluators of a data set, by its metadata."""

from __future__ import annotations

import os

from detectron2.evaluation import DatasetEvaluators

from choi_d2.utils import InputError

from .box_recall import BoxRecallEvaluator
from .detection_evaluator import InstanceDetectionEvaluator
from .hicodet_evaluator import HICODETEvaluator
from .hoi_evaluator import evaluator_types
from .hoiw_evaluator import HOIWEvaluator
from .pic_evaluator import PICEvaluator
from .ranking_evaluator import RankingEvaluator
from .vcoco_evaluator import VCOCOEvaluator

__all__ = ["EVALUATORS", "build_evaluator", "evaluator_types"]

EVALUATORS = {
    "hoiw": HOIWEvaluator,
    "hoi": HOIWEvaluator,
    "pic": PICEvaluator,
    "vcoco": VCOCOEvaluator,
    "hicodet": HICODETEvaluator,
    "box_recall": BoxRecallEvaluator,
    "ranking": RankingEvaluator,
}
"""``evaluator_type`` of the metadata -> evaluator of interactions; "hoi" is a data set of the
user's own, scored by HOIW's rules; "box_recall" and "ranking" stand alone or beside others."""


def build_evaluator(
    dataset_name: str,
    output_dir: str | os.PathLike | None = None,
    *,
    distributed: bool = True,
    certainty_thresh: float = 0.0,
) -> DatasetEvaluators:
    """The data set's own metrics of interactions, and AP of detections.

    Args:
        dataset_name: a registered data set whose metadata has ``evaluator_type``, one name or a
            tuple of names, such as ("hoiw", "box_recall").
        output_dir: where predictions and metrics are written; None writes nothing.
        distributed: gather from all processes.
        certainty_thresh: the least certainty of an instance that counts for the AP of detections.

    Raises:
        InputError: the data set has no ``evaluator_type``, an unknown one, or two of which each
            would overwrite the other's results.
    """
    types = evaluator_types(dataset_name)
    unknown = [name for name in types if name not in EVALUATORS]
    if unknown or not types:
        raise InputError(
            f"data set '{dataset_name}' has evaluator_type {(unknown or [None])[0]!r}, "
            f"expected one of {sorted(EVALUATORS)}, or a tuple of them",
            hint="Set it in MetadataCatalog when the data set is registered.",
        )
    tasks = [EVALUATORS[name].TASK for name in types]
    if len(set(tasks)) < len(tasks):
        raise InputError(
            f"data set '{dataset_name}' has evaluator_type {types}, "
            "expected at most one of hoiw, hoi, pic, vcoco and hicodet, and each of the others at "
            "most once"
        )
    return DatasetEvaluators(
        [
            *(
                EVALUATORS[name](dataset_name, output_dir=output_dir, distributed=distributed)
                for name in types
            ),
            InstanceDetectionEvaluator(
                dataset_name, distributed=distributed, certainty_thresh=certainty_thresh
            ),
        ]
    )
