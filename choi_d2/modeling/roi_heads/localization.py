"""L^1..L^T and S^1..S^T: the cascade of localization networks (Secs. 3.2 and 3.4)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from detectron2.config import configurable
from detectron2.layers import ShapeSpec
from detectron2.modeling.roi_heads import CascadeROIHeads
from detectron2.modeling.roi_heads.fast_rcnn import FastRCNNOutputLayers, fast_rcnn_inference
from detectron2.modeling.roi_heads.mask_head import (
    build_mask_head,
    mask_rcnn_inference,
    mask_rcnn_loss,
)
from detectron2.structures import Boxes, Instances, pairwise_iou
from detectron2.utils.events import get_event_storage
from torch import Tensor, nn

from choi_d2.structures import IgnoredRegions
from choi_d2.utils import InputError

from ..ignore_rule import IgnoreRule
from .mask_cascade import (
    CascadeMaskHead,
    cascade_mask_logits,
    soft_crops,
    soft_masks_of_classes,
)

MERGES = ("mean", "union")


@dataclass
class LocalizationStage:
    """What L^t did to a batch.

    Attributes:
        predictor: its output layers.
        predictions: their outputs.
        proposals: for each image its inputs, O^{t-1}, as ``proposal_boxes``.
        boxes: for each image its outputs, O^t, Tensor[R, 4], one to one with the inputs.
    """

    predictor: FastRCNNOutputLayers
    predictions: tuple[Tensor, Tensor]
    proposals: list[Instances]
    boxes: tuple[Tensor, ...]

    @property
    def input_boxes(self) -> list[Boxes]:
        """O^{t-1} of each image."""
        return [x.proposal_boxes for x in self.proposals]


class LocalizationROIHeads(CascadeROIHeads):
    """Cascade R-CNN that keeps every stage's boxes, weighs its losses by stage (Eq. 18), and has a
    mask head at every stage.
    """

    @configurable
    def __init__(
        self,
        *,
        localization_weights: list[float],
        mask_weights: list[float],
        ignore: IgnoreRule,
        localization_frozen: bool = False,
        merge: str = "mean",
        **kwargs,
    ):
        """Initialize.

        Args:
            localization_weights: beta of Eq. 18, at least one for each stage.
            mask_weights: of the segmentation losses L_SEG^t (Sec. 3.5), likewise.
            ignore: which boxes are on a region that is no background.
            localization_frozen: train no L^t and no S^t, and compute no losses of theirs?
            merge: one of ``MERGES``: how the stages' outputs become detections. "mean": the last
                stage's boxes with the mean of all stages' scores, as Cascade R-CNN; "union": all
                stages' boxes, each with its own stage's scores, under one NMS.
            kwargs: as :class:`detectron2.modeling.roi_heads.CascadeROIHeads`.
        """
        super().__init__(**kwargs)
        self.localization_weights = self._per_stage(localization_weights)
        self.mask_weights = self._per_stage(mask_weights)
        self.localization_frozen = localization_frozen
        if merge not in MERGES:
            raise ValueError(f"MERGE: expected one of {MERGES}, got {merge!r}")
        self.merge = merge
        self.ignore = ignore

    @classmethod
    def from_config(cls, cfg, input_shape):
        """Arguments of ``__init__`` from a config."""
        return {
            **super().from_config(cfg, input_shape),
            "localization_weights": cfg.MODEL.ROI_BOX_CASCADE_HEAD.LOSS_WEIGHTS,
            "mask_weights": cfg.MODEL.ROI_MASK_HEAD.LOSS_WEIGHTS,
            "localization_frozen": cfg.MODEL.LOCALIZATION_FROZEN,
            "merge": cfg.MODEL.ROI_BOX_CASCADE_HEAD.MERGE,
            "ignore": IgnoreRule.from_config(cfg),
        }

    def _per_stage(self, weights: list[float]) -> list[float]:
        if len(weights) < self.num_cascade_stages:
            raise ValueError(
                f"{len(weights)} loss weights (Eq. 18) for {self.num_cascade_stages} stages"
            )
        return list(weights)

    # ------------------------------------------------------------------ localization, L^1..L^T

    def label_and_sample_proposals(
        self,
        proposals: list[Instances],
        targets: list[Instances],
        ignored: list[IgnoredRegions],
    ) -> list[Instances]:
        """As Detectron2's; proposals on an ignored region that match no instance are left out.

        Args:
            proposals, targets: as Detectron2's.
            ignored: the regions of each image.
        """
        proposals = [
            x[~self._is_ignored(0, x.proposal_boxes, target, regions)] if len(regions) else x
            for x, target, regions in zip(proposals, targets, ignored)
        ]
        return super().label_and_sample_proposals(proposals, targets)

    @torch.no_grad()
    def _match_and_label_boxes(self, proposals, stage, targets, ignored):
        # As Detectron2's; what is on an ignored region and matches no instance has the class -1.
        proposals = super()._match_and_label_boxes(proposals, stage, targets)
        for x, target, regions in zip(proposals, targets, ignored):
            if len(regions):
                x.gt_classes[self._is_ignored(stage, x.proposal_boxes, target, regions)] = -1
        return proposals

    def _is_ignored(
        self, stage: int, boxes: Boxes, targets: Instances, ignored: IgnoredRegions
    ) -> Tensor:
        """Tensor[R] bool: is a box on an ignored region, and matches no instance at this stage?"""
        _, labels = self.proposal_matchers[stage](pairwise_iou(targets.gt_boxes, boxes))
        return (labels != 1) & self.ignore(ignored, boxes)

    def _run_localization(
        self, features, proposals, targets=None, ignored=None
    ) -> list[LocalizationStage]:
        """O^t = L^t(O^{t-1}) for all t (Eqs. 1, 2)."""
        levels = [features[name] for name in self.box_in_features]
        sizes = [x.image_size for x in proposals]
        stages = []
        for t in range(self.num_cascade_stages):
            if t > 0:
                proposals = self._create_proposals_from_boxes(stages[-1].boxes, sizes)
                if self.training and not self.localization_frozen:
                    proposals = self._match_and_label_boxes(proposals, t, targets, ignored)
            predictions = self._run_stage(levels, proposals, t)
            boxes = self.box_predictor[t].predict_boxes(predictions, proposals)
            if not self.training:
                boxes = stay_where_not_finite(boxes, proposals)
            stages.append(LocalizationStage(self.box_predictor[t], predictions, proposals, boxes))
        return stages

    def _run_stage(self, features, proposals, stage):
        # As Detectron2's, without scaling the gradients by 1 / T: beta of Eq. 18 weighs the stages.
        pooled = self.box_pooler(features, [x.proposal_boxes for x in proposals])
        return self.box_predictor[stage](self.box_head[stage](pooled))

    def _localization_losses(self, stages: list[LocalizationStage]) -> dict[str, Tensor]:
        losses = {}
        storage = get_event_storage()
        for t, (stage, beta) in enumerate(zip(stages, self.localization_weights)):
            with storage.name_scope(f"stage{t}"):
                stage_losses = stage.predictor.losses(*without_ignored(stage))
            losses.update({f"{k}_stage{t}": beta * v for k, v in stage_losses.items()})
        return losses

    def _select_detections(self, stages: list[LocalizationStage]) -> list[Instances]:
        """The stages' outputs merged (``MODEL.ROI_BOX_CASCADE_HEAD.MERGE``), NMS.

        Each detection keeps the box that its stage started from, as ``previous_boxes``.
        """
        last = stages[-1]
        # For each image: one entry a stage.
        scores = zip(*(s.predictor.predict_probs(s.predictions, s.proposals) for s in stages))
        if self.merge == "mean":
            scores = [sum(per_stage) / self.num_cascade_stages for per_stage in scores]
            stages = stages[-1:]
        else:
            scores = [torch.cat(per_stage) for per_stage in scores]
        boxes = [torch.cat(x) for x in zip(*(s.boxes for s in stages))]
        inputs = [Boxes.cat(x) for x in zip(*(s.input_boxes for s in stages))]
        # fast_rcnn_inference drops these silently and counts the others anew.
        finite = [b.isfinite().all(1) & s.isfinite().all(1) for b, s in zip(boxes, scores)]
        instances, kept = fast_rcnn_inference(
            [b[f] for b, f in zip(boxes, finite)],
            [s[f] for s, f in zip(scores, finite)],
            [x.image_size for x in last.proposals],
            last.predictor.test_score_thresh,
            last.predictor.test_nms_thresh,
            last.predictor.test_topk_per_image,
        )
        for image, finite_, kept_, inputs_ in zip(instances, finite, kept, inputs):
            image.previous_boxes = inputs_[finite_][kept_]
        return instances

    # ------------------------------------------------------------------- segmentation, S^1..S^T

    @classmethod
    def _init_mask_head(cls, cfg, input_shape):
        ret = super()._init_mask_head(cfg, input_shape)
        if ret:
            first = ret["mask_head"]
            if not isinstance(first, CascadeMaskHead):
                raise InputError(
                    f"expected 'CascadeMaskHead', got {cfg.MODEL.ROI_MASK_HEAD.NAME!r}",
                    field="MODEL.ROI_MASK_HEAD.NAME",
                )
            in_features = ret["mask_in_features"]
            shape = ShapeSpec(
                channels=input_shape[in_features[0]].channels,
                width=cfg.MODEL.ROI_MASK_HEAD.POOLER_RESOLUTION,
                height=cfg.MODEL.ROI_MASK_HEAD.POOLER_RESOLUTION,
            )
            others = [build_mask_head(cfg, shape) for _ in cfg.MODEL.ROI_BOX_CASCADE_HEAD.IOUS[1:]]
            # Nothing flows into the first stage.
            del first.flow
            ret["mask_head"] = nn.ModuleList([first, *others])
        return ret

    def _mask_logits(self, features, t: int, boxes: list[Boxes]) -> Tensor:
        """S^t on the regions of some boxes (Eq. 17): Tensor[R, K, m, m], float32 under autocast."""
        levels = [features[name] for name in self.mask_in_features]
        logits = cascade_mask_logits(self.mask_head[: t + 1], self.mask_pooler(levels, boxes))
        return logits if logits.dtype == torch.float64 else logits.float()

    def _mask_loss(self, features, t: int, regions, targets) -> Tensor:
        """Binary cross-entropy of S^t at the boxes O^t that match an instance, weighted."""
        matched = []
        for region, target in zip(regions, targets):
            region = region[~region.is_truth & (region.matched >= 0)]
            instances = Instances(region.image_size)
            instances.proposal_boxes, instances.gt_classes = region.boxes, region.classes
            if len(region):
                instances.gt_masks = target.gt_masks[region.matched]
            matched.append(instances)
        logits = self._mask_logits(features, t, [x.proposal_boxes for x in matched])
        with get_event_storage().name_scope(f"stage{t}"):
            return self.mask_weights[t] * mask_rcnn_loss(logits, matched)

    def _forward_mask(self, features, instances):
        """Masks of final detections, by the whole chain: ``pred_masks`` (R, 1, m, m)."""
        if self.mask_on:
            boxes = [x.pred_boxes for x in instances]
            logits = self._mask_logits(features, self.num_cascade_stages - 1, boxes)
            mask_rcnn_inference(logits, instances)
        return instances

    @torch.no_grad()
    def _add_masks(self, features, t: int, regions: list[Instances]) -> None:
        """Add ``masks`` of S^t at O^t and ``previous_masks`` of S^{t-1} at O^{t-1}, in place."""
        counts = [len(x) for x in regions]
        classes = torch.cat([x.classes for x in regions])
        for prefix, stage in (("", t), ("previous_", max(t - 1, 0))):
            logits = self._mask_logits(features, stage, [x.get(f"{prefix}boxes") for x in regions])
            masks = soft_masks_of_classes(logits, classes).split(counts)
            for region, mask in zip(regions, masks):
                region.set(f"{prefix}masks", mask.clone())


def without_ignored(
    stage: LocalizationStage,
) -> tuple[tuple[Tensor, Tensor], list[Instances]]:
    """A stage's predictions and proposals without the proposals of class -1."""
    wanted = [x.gt_classes >= 0 for x in stage.proposals]
    if all(bool(x.all()) for x in wanted):
        return stage.predictions, stage.proposals
    rows = torch.cat(wanted)
    predictions = tuple(x[rows] for x in stage.predictions)
    return predictions, [x[keep] for x, keep in zip(stage.proposals, wanted)]


def stay_where_not_finite(
    boxes: tuple[Tensor, ...], proposals: list[Instances]
) -> tuple[Tensor, ...]:
    """Boxes that a stage moved out of all numbers, put back where they were.

    One broken region must not stop inference; its scores, not finite either, drop it in the end.

    Args:
        boxes: for each image Tensor[R, 4], a stage's outputs.
        proposals: their inputs.
    """
    return tuple(
        torch.where(b.isfinite().all(dim=1, keepdim=True), b, p.proposal_boxes.tensor)
        for b, p in zip(boxes, proposals)
    )


def use_true_masks(regions: Instances, targets: Instances) -> None:
    """Give ground-truth regions their ground-truth masks, in place (Sec. 3.4).

    Args:
        regions: with ``masks`` and ``previous_masks``, Tensor[R, m, m].
        targets: with ``gt_masks``, if it has any instance.
    """
    rows = regions.is_truth.nonzero()[:, 0]
    if len(rows) == 0:
        return
    true_masks = targets.gt_masks[regions.matched[rows]]
    masks = soft_crops(true_masks, regions.boxes.tensor[rows], regions.masks.shape[-1])
    for name in ("masks", "previous_masks"):
        field = regions.get(name)
        field[rows] = masks.to(field)
