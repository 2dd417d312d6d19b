"""The model: importing this package registers CHOIRCNN, its parts, and backbones."""

from .backbone import TorchvisionBody, build_torchvision_fpn_backbone
from .interaction import ROI_INTERACTION_HEAD_REGISTRY, build_interaction_head
from .meta_arch import CHOIRCNN
from .proposal_generator import IgnoringRPN
from .roi_heads import CHOIROIHeads

__all__ = [
    "CHOIRCNN",
    "CHOIROIHeads",
    "IgnoringRPN",
    "ROI_INTERACTION_HEAD_REGISTRY",
    "TorchvisionBody",
    "build_interaction_head",
    "build_torchvision_fpn_backbone",
]
