"""Official metrics of HOIW, PIC, V-COCO and HICO-DET: a pure function each, an evaluator over it,
and one command line, ``python -m choi_d2.evaluation``.
"""

from importlib import import_module

# Loaded on first use: the command line needs neither torch nor Detectron2, and starts in a blink.
_HOMES = {
    "BoxRecallEvaluator": "box_recall",
    "Detections": "vcoco",
    "HICODETEvaluator": "hicodet_evaluator",
    "HOIEvaluator": "hoi_evaluator",
    "HOIPairs": "hicodet",
    "HOIWEvaluator": "hoiw_evaluator",
    "InstanceDetectionEvaluator": "detection_evaluator",
    "People": "vcoco",
    "PICEvaluator": "pic_evaluator",
    "RankingEvaluator": "ranking_evaluator",
    "RelationScene": "pic",
    "Triplets": "hoiw",
    "VCOCOEvaluator": "vcoco_evaluator",
    "box_recall_metrics": "box_recall",
    "build_evaluator": "build",
    "evaluator_types": "build",
    "hicodet_metrics": "hicodet",
    "hoiw_metrics": "hoiw",
    "pic_metrics": "pic",
    "ranking_metrics": "ranking",
    "recalled_at": "pic",
    "vcoco_metrics": "vcoco",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
