"""Detectron2's RPN, for which ignored regions are no background."""

from __future__ import annotations

import torch
from detectron2.config import configurable
from detectron2.modeling import PROPOSAL_GENERATOR_REGISTRY
from detectron2.modeling.proposal_generator import RPN
from detectron2.structures import Boxes, Instances
from torch import Tensor

from choi_d2.structures import IgnoredRegions

from ..ignore_rule import IgnoreRule


@PROPOSAL_GENERATOR_REGISTRY.register()
class IgnoringRPN(RPN):
    """RPN that takes no anchor on an ignored region for background.

    Its parameters are those of ``RPN``, and so are its losses where no region is ignored.
    """

    @configurable
    def __init__(self, *, ignore: IgnoreRule, **kwargs):
        """Initialize.

        Args:
            ignore: which anchors are on a region.
            kwargs: as :class:`detectron2.modeling.proposal_generator.RPN`.
        """
        super().__init__(**kwargs)
        self.ignore = ignore

    @classmethod
    def from_config(cls, cfg, input_shape):
        """Arguments of ``__init__`` from a config."""
        return {**super().from_config(cfg, input_shape), "ignore": IgnoreRule.from_config(cfg)}

    def forward(
        self,
        images,
        features: dict[str, Tensor],
        gt_instances: list[Instances] | None = None,
        ignored: list[IgnoredRegions] | None = None,
    ):
        """As ``RPN``.

        Args:
            images, features, gt_instances: as ``RPN``.
            ignored: the regions of each image; None: there is none.
        """
        if gt_instances is not None:
            ignored = ignored or [IgnoredRegions.empty()] * len(gt_instances)
            gt_instances = list(zip(gt_instances, ignored, strict=True))
        return super().forward(images, features, gt_instances)

    @torch.no_grad()
    def label_and_sample_anchors(
        self, anchors: list[Boxes], gt_instances: list[tuple[Instances, IgnoredRegions]]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """As ``RPN``; of the anchors sampled as background, those on a region are left out.

        Args:
            anchors: for each level.
            gt_instances: what ``forward`` made of instances and regions.
        """
        targets, ignored = zip(*gt_instances, strict=True)
        labels, matched_boxes = super().label_and_sample_anchors(anchors, list(targets))
        all_anchors = Boxes.cat(anchors)
        for label, regions in zip(labels, ignored):
            if len(regions):
                label[(label == 0) & self.ignore(regions, all_anchors)] = -1
        return labels, matched_boxes
