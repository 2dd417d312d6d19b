"""Human-object interactions as typed structures: ground truth, and the words for it."""

from .annotations import HOIAnnotations
from .detections import Detections
from .ignored import IgnoredRegions
from .vocabulary import Vocabulary, dataset_vocabulary

__all__ = [
    "Detections",
    "HOIAnnotations",
    "IgnoredRegions",
    "Vocabulary",
    "dataset_vocabulary",
]
