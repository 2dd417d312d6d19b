"""The model: importing this package registers CHOIRCNN, CHOIROIHeads and InteractionHead."""

from .interaction import ROI_INTERACTION_HEAD_REGISTRY, build_interaction_head
from .meta_arch import CHOIRCNN
from .roi_heads import CHOIROIHeads

__all__ = [
    "CHOIRCNN",
    "CHOIROIHeads",
    "ROI_INTERACTION_HEAD_REGISTRY",
    "build_interaction_head",
]
