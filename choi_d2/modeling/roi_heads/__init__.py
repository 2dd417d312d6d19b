"""The cascade of localization and interaction networks."""

from .choi_roi_heads import CHOIROIHeads

__all__ = ["CHOIROIHeads"]
