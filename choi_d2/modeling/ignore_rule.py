"""When a box is on a region that is neither instance nor background."""

from __future__ import annotations

from dataclasses import dataclass

from detectron2.config import CfgNode
from detectron2.structures import Boxes
from torch import Tensor

from choi_d2.structures import IgnoredRegions


@dataclass(frozen=True)
class IgnoreRule:
    """When is a box on an ignored region? See :meth:`IgnoredRegions.hold`.

    Attributes:
        iou: from this IoU with an uncertain instance on.
        crowd_coverage: from this part of the box inside a crowd on.
    """

    iou: float = 0.3
    crowd_coverage: float = 0.5

    @classmethod
    def from_config(cls, cfg: CfgNode) -> IgnoreRule:
        """The rule of a config."""
        return cls(cfg.MODEL.IGNORED.IOU, cfg.MODEL.IGNORED.CROWD_COVERAGE)

    def __call__(self, ignored: IgnoredRegions, boxes: Boxes) -> Tensor:
        """Tensor[R] bool: which boxes are on a region."""
        return ignored.hold(boxes, iou=self.iou, crowd_coverage=self.crowd_coverage)
