"""The interaction recognition networks R^t (Sec. 3.3)."""

from .interaction_head import (
    ROI_INTERACTION_HEAD_REGISTRY,
    InteractionHead,
    PairFeatures,
    build_interaction_head,
)
from .pair_batch import PairBatch
from .recording import InnerValues, record_inner

__all__ = [
    "ROI_INTERACTION_HEAD_REGISTRY",
    "InnerValues",
    "InteractionHead",
    "PairBatch",
    "PairFeatures",
    "build_interaction_head",
    "record_inner",
]
