"""The whole detector."""

from .augmented import CHOIRCNNWithTTA, check_views, with_augmentation
from .choi_rcnn import CHOIRCNN

__all__ = ["CHOIRCNN", "CHOIRCNNWithTTA", "check_views", "with_augmentation"]
