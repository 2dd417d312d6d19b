"""Official metrics of HOIW, PIC, V-COCO and HICO-DET: a pure function each, an evaluator over it,
and one command line, ``python -m choi_d2.evaluation``.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .box_recall import BoxRecallEvaluator as BoxRecallEvaluator
    from .box_recall import box_recall_metrics as box_recall_metrics
    from .build import build_evaluator as build_evaluator
    from .build import evaluator_types as evaluator_types
    from .detection_evaluator import InstanceDetectionEvaluator as InstanceDetectionEvaluator
    from .hicodet import HOIPairs as HOIPairs
    from .hicodet import hicodet_metrics as hicodet_metrics
    from .hicodet_evaluator import HICODETEvaluator as HICODETEvaluator
    from .hoi_evaluator import HOIEvaluator as HOIEvaluator
    from .hoiw import Triplets as Triplets
    from .hoiw import hoiw_metrics as hoiw_metrics
    from .hoiw_evaluator import HOIWEvaluator as HOIWEvaluator
    from .pic import RelationScene as RelationScene
    from .pic import pic_metrics as pic_metrics
    from .pic import recalled_at as recalled_at
    from .pic_evaluator import PICEvaluator as PICEvaluator
    from .ranking import ranking_metrics as ranking_metrics
    from .ranking_evaluator import RankingEvaluator as RankingEvaluator
    from .vcoco import Detections as Detections
    from .vcoco import People as People
    from .vcoco import vcoco_metrics as vcoco_metrics
    from .vcoco_evaluator import VCOCOEvaluator as VCOCOEvaluator
    from .verbs_by_class import VerbsByClass as VerbsByClass

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
    "VerbsByClass": "verbs_by_class",
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


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
