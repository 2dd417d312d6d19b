"""The whole detector."""

from .augmented import CHOIRCNNWithTTA, with_augmentation
from .choi_rcnn import CHOIRCNN

__all__ = ["CHOIRCNN", "CHOIRCNNWithTTA", "with_augmentation"]
