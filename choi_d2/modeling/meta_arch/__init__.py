"""The whole detector."""

from .choi_rcnn import CHOIRCNN

__all__ = ["CHOIRCNN"]
