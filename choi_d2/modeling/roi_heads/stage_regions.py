"""The regions of one stage: boxes that match an instance, the ground truth, false detections.

Shape shorthand:
    R: boxes of one image; G: its instances; K: object classes.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from detectron2.config import CfgNode
from detectron2.layers import batched_nms
from detectron2.modeling.matcher import Matcher
from detectron2.structures import Boxes, Instances, pairwise_iou
from torch import Tensor

from choi_d2.structures import IgnoredRegions

from ..ignore_rule import IgnoreRule


@dataclass(frozen=True)
class UnmatchedRule:
    """Which boxes that match no instance become ends of negative pairs: those that inference pairs.

    Attributes:
        score_thresh: the smallest best foreground score.
        ignore_iou: boxes with at least this IoU with an instance are neither right nor wrong.
        nms_thresh: of boxes of one class with a higher IoU the best scored stays, so that one false
            detection is not there in many copies.
        limit: the best scored boxes of an image that are taken.
        ignore: which boxes are on a region that is left out.
    """

    score_thresh: float
    ignore_iou: float
    nms_thresh: float
    limit: int
    ignore: IgnoreRule = IgnoreRule()

    @classmethod
    def from_config(cls, cfg: CfgNode) -> UnmatchedRule | None:
        """The rule of a config; None where only boxes that match an instance form pairs."""
        head = cfg.MODEL.ROI_INTERACTION_HEAD
        if not head.UNMATCHED_NEGATIVES:
            return None
        return cls(
            head.SCORE_THRESH_TEST,
            head.IGNORE_IOU,
            cfg.MODEL.ROI_HEADS.NMS_THRESH_TEST,
            cfg.TEST.DETECTIONS_PER_IMAGE,
            IgnoreRule.from_config(cfg),
        )

    def __call__(
        self, boxes: Boxes, scores: Tensor, overlaps: Tensor, ignored: IgnoredRegions
    ) -> tuple[Tensor, Tensor]:
        """Choose among the boxes of an image.

        Args:
            boxes: R boxes inside the image.
            scores: Tensor[R, K], a stage's own foreground scores.
            overlaps: Tensor[G, R], IoU with the instances.
            ignored: regions whose boxes are left out.

        Returns:
            Tensor[U] int64: the chosen rows, best scored first; Tensor[U] int64: their classes.
        """
        best, classes = scores.max(dim=1)
        # A row of zeros, for the image without instance.
        highest = torch.cat([overlaps, overlaps.new_zeros(1, len(boxes))]).amax(dim=0)
        wanted = (best >= self.score_thresh) & (highest < self.ignore_iou) & boxes.nonempty()
        rows = (wanted & ~self.ignore(ignored, boxes)).nonzero()[:, 0]
        kept = batched_nms(boxes.tensor[rows], best[rows], classes[rows], self.nms_thresh)
        rows = rows[kept[: self.limit]]
        return rows, classes[rows]


@torch.no_grad()
def label_stage_outputs(
    outputs: Tensor,
    inputs: Tensor,
    targets: Instances,
    matcher: Matcher,
    *,
    scores: Tensor | None = None,
    unmatched: UnmatchedRule | None = None,
    ignored: IgnoredRegions | None = None,
) -> Instances:
    """The boxes of a stage that form pairs in training, and the ground truth's own.

    Boxes that match an instance have its class. Boxes far from every instance, false detections,
    have the class that the stage gives them. Those in between are left out. Ground-truth boxes join
    as they are, so that every annotated pair is a candidate.

    Args:
        outputs: Tensor[R, 4], O^t of one image.
        inputs: Tensor[R, 4], O^{t-1}, one to one with ``outputs``.
        targets: the ground truth, with ``gt_boxes`` and ``gt_classes``.
        matcher: holds the stage's own IoU threshold.
        scores: Tensor[R, K], the stage's own foreground scores of ``outputs``; needed where
            ``unmatched`` is given.
        unmatched: which false detections join; None: none.
        ignored: regions on which no false detection is taken.

    Returns:
        ``Instances`` with ``boxes``, ``previous_boxes``, ``classes``, ``matched`` (row of
        ``targets``, -1: a false detection) and ``is_truth`` (bool); first what matches an instance,
        then the ground truth, then false detections.
    """
    truth = targets.gt_boxes.tensor.to(outputs)
    boxes = Boxes(outputs.detach().clone())
    boxes.clip(targets.image_size)
    overlaps = pairwise_iou(Boxes(truth), boxes)
    instance, labels = matcher(overlaps)
    right = (labels == 1).nonzero()[:, 0]
    wrong, wrong_classes = right[:0], targets.gt_classes[:0]
    if unmatched is not None:
        # What matches is not wrong, whatever IGNORE_IOU is.
        scores = torch.where((labels == 1)[:, None], -torch.inf, scores)
        ignored = IgnoredRegions.empty() if ignored is None else ignored
        wrong, wrong_classes = unmatched(boxes, scores, overlaps, ignored)

    matched = torch.cat([instance[right], torch.arange(len(truth), device=instance.device)])
    regions = Instances(targets.image_size)
    regions.boxes = Boxes(torch.cat([boxes.tensor[right], truth, boxes.tensor[wrong]]))
    regions.previous_boxes = Boxes(torch.cat([inputs[right], truth, inputs[wrong]]).detach())
    regions.classes = torch.cat([targets.gt_classes[matched], wrong_classes])
    regions.matched = torch.cat([matched, torch.full_like(wrong, -1)])
    regions.is_truth = torch.zeros_like(regions.matched, dtype=torch.bool)
    regions.is_truth[len(right) : len(matched)] = True
    return regions
