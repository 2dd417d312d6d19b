"""L^1..L^T and R^1..R^T: the cascade of localization and interaction networks (Sec. 3.1)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from detectron2.config import configurable
from detectron2.layers import ShapeSpec
from detectron2.modeling.roi_heads import ROI_HEADS_REGISTRY, CascadeROIHeads
from detectron2.modeling.roi_heads.fast_rcnn import FastRCNNOutputLayers, fast_rcnn_inference
from detectron2.modeling.roi_heads.mask_head import (
    build_mask_head,
    mask_rcnn_inference,
    mask_rcnn_loss,
)
from detectron2.structures import Boxes, Instances
from detectron2.utils.events import get_event_storage
from torch import Tensor, nn

from choi_d2.structures import HOIAnnotations
from choi_d2.utils import InputError

from ..interaction import PairBatch, build_interaction_head
from ..interaction.rrm import ranking_accuracy
from .interaction_sampler import (
    LabelledPairs,
    PairRules,
    label_stage_outputs,
    sample_training_pairs,
)
from .mask_cascade import CascadeMaskHead, cascade_mask_logits, soft_masks_of_classes
from .prediction import TripletScore, make_interactions, no_interactions


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


@ROI_HEADS_REGISTRY.register()
class CHOIROIHeads(CascadeROIHeads):
    """Cascade R-CNN whose every stage is followed by an interaction recognition network."""

    @configurable
    def __init__(
        self,
        *,
        interaction_heads: list[nn.Module],
        localization_weights: list[float],
        mask_weights: list[float],
        interaction_weights: list[float],
        rrm_weight: float,
        rcm_weight: float,
        pair_rules: PairRules,
        pairs_per_image: int,
        positive_pair_fraction: float,
        previous_stage: bool,
        pair_score_thresh: float,
        pair_topk: int,
        triplet_score: TripletScore,
        **kwargs,
    ):
        """Initialize.

        Args:
            interaction_heads: R^1..R^T; empty for localization alone (the first training phase).
            localization_weights, interaction_weights: beta and gamma of Eq. 18.
            mask_weights: of the segmentation losses L_SEG^t (Sec. 3.5).
            rrm_weight, rcm_weight: further weights of L_RRM and L_RCM.
            pair_rules: which instances form pairs.
            pairs_per_image, positive_pair_fraction: training sample (Sec. 4).
            previous_stage: add X_v^{t-1} in Eq. 11?
            pair_score_thresh: detections with at least this score form pairs at inference.
            pair_topk: pairs that are classified at inference, best ranked first.
            triplet_score: how a triplet is scored.
            kwargs: as :class:`detectron2.modeling.roi_heads.CascadeROIHeads`.
        """
        super().__init__(**kwargs)
        stages = self.num_cascade_stages
        if interaction_heads and len(interaction_heads) != stages:
            raise ValueError(f"{len(interaction_heads)} interaction heads for {stages} stages")
        for weights in (localization_weights, mask_weights, interaction_weights):
            if len(weights) < stages:
                raise ValueError(f"{len(weights)} loss weights (Eq. 18) for {stages} stages")
        self.interaction_heads = nn.ModuleList(interaction_heads)
        self.localization_weights = list(localization_weights)
        self.mask_weights = list(mask_weights)
        self.interaction_weights = list(interaction_weights)
        self.rrm_weight, self.rcm_weight = rrm_weight, rcm_weight
        self.pair_rules = pair_rules
        self.pairs_per_image = pairs_per_image
        self.positive_pair_fraction = positive_pair_fraction
        self.previous_stage = previous_stage
        self.pair_score_thresh = pair_score_thresh
        self.pair_topk = pair_topk
        self.triplet_score = triplet_score
        if interaction_heads:
            # X_s: uniform until the training split has been counted. In the checkpoint, so that no
            # side file is needed at test time.
            prior = torch.full((self.num_classes, pair_rules.num_verbs), 0.5)
            self.register_buffer("semantic_prior", prior)

    @classmethod
    def from_config(cls, cfg, input_shape):
        """Arguments of ``__init__`` from a config."""
        ret = super().from_config(cfg, input_shape)
        head = cfg.MODEL.ROI_INTERACTION_HEAD
        stages = len(cfg.MODEL.ROI_BOX_CASCADE_HEAD.IOUS) if cfg.MODEL.INTERACTION_ON else 0
        ret.update(
            interaction_heads=[build_interaction_head(cfg, input_shape) for _ in range(stages)],
            localization_weights=cfg.MODEL.ROI_BOX_CASCADE_HEAD.LOSS_WEIGHTS,
            mask_weights=cfg.MODEL.ROI_MASK_HEAD.LOSS_WEIGHTS,
            interaction_weights=head.LOSS_WEIGHTS,
            rrm_weight=head.RRM.LOSS_WEIGHT,
            rcm_weight=head.RCM.LOSS_WEIGHT,
            pair_rules=PairRules(
                head.HUMAN_CLASS,
                head.HUMANS_AS_OBJECTS,
                tuple(head.OBJECTLESS_VERBS),
                head.NUM_VERBS,
            ),
            pairs_per_image=head.BATCH_SIZE_PER_IMAGE,
            positive_pair_fraction=head.POSITIVE_FRACTION,
            previous_stage=head.VISUAL.PREVIOUS_STAGE,
            pair_score_thresh=head.SCORE_THRESH_TEST,
            # Without ranking, nothing is known that a choice could be based on.
            pair_topk=head.RRM.TOPK if head.RRM.ENABLED else -1,
            triplet_score=TripletScore(tuple(head.TRIPLET_SCORE)),
        )
        return ret

    def forward(
        self,
        images,
        features: dict[str, Tensor],
        proposals: list[Instances],
        targets: list[Instances] | None = None,
        annotations: list[HOIAnnotations] | None = None,
        faces: list[Instances] | None = None,
    ):
        """Run the cascade.

        Args:
            images, features, proposals, targets: as :class:`CascadeROIHeads`.
            annotations: training: the annotated pairs of each image.
            faces: for each image ``Instances`` with ``boxes`` and ``scores``, in the frame of the
                features' input.

        Returns:
            Training: the proposals and a dict of losses. Inference: for each image its detections,
            with ``interactions`` beside, see :func:`make_interactions`: a pair of lists.
        """
        if self.training:
            proposals = self.label_and_sample_proposals(proposals, targets)
            stages = self._run_localization(features, proposals, targets)
            losses = self._localization_losses(stages)
            for t, stage in enumerate(stages):
                regions = [
                    label_stage_outputs(
                        outputs, inputs.proposal_boxes.tensor, target, self.proposal_matchers[t]
                    )
                    for outputs, inputs, target in zip(stage.boxes, stage.proposals, targets)
                ]
                if self.mask_on:
                    losses[f"loss_mask_stage{t}"] = self._mask_loss(features, t, regions, targets)
                if self.interaction_heads:
                    losses.update(
                        self._interaction_losses(features, t, regions, targets, annotations, faces)
                    )
            return proposals, losses

        stages = self._run_localization(features, proposals)
        return self._finish(features, self._select_detections(stages), faces)

    def recognise_given(
        self, features: dict[str, Tensor], instances: list[Instances], faces=None
    ) -> tuple[list[Instances], list[Instances]]:
        """Recognise the interactions of given instances: no localization network is asked.

        Args:
            features, faces: as ``forward``.
            instances: with ``pred_boxes``, ``pred_classes`` and, if they are not all 1, ``scores``.

        Returns:
            As ``forward`` at inference.
        """
        for x in instances:
            if not x.has("scores"):
                x.scores = x.pred_boxes.tensor.new_ones(len(x))
            x.previous_boxes = x.pred_boxes
        return self._finish(features, instances, faces)

    def _finish(self, features, instances, faces):
        instances = self.forward_with_given_boxes(features, instances)
        interactions = self._predict_interactions(features, instances, faces)
        for x in instances:
            x.remove("previous_boxes")
        return instances, interactions

    # ------------------------------------------------------------------ localization, L^1..L^T

    def _run_localization(self, features, proposals, targets=None) -> list[LocalizationStage]:
        """O^t = L^t(O^{t-1}) for all t (Eqs. 1, 2)."""
        levels = [features[name] for name in self.box_in_features]
        sizes = [x.image_size for x in proposals]
        stages = []
        for t in range(self.num_cascade_stages):
            if t > 0:
                proposals = self._create_proposals_from_boxes(stages[-1].boxes, sizes)
                if self.training:
                    proposals = self._match_and_label_boxes(proposals, t, targets)
            predictions = self._run_stage(levels, proposals, t)
            boxes = self.box_predictor[t].predict_boxes(predictions, proposals)
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
                stage_losses = stage.predictor.losses(stage.predictions, stage.proposals)
            losses.update({f"{k}_stage{t}": beta * v for k, v in stage_losses.items()})
        return losses

    def _select_detections(self, stages: list[LocalizationStage]) -> list[Instances]:
        """Mean of the stages' scores, boxes of the last, NMS: as Cascade R-CNN.

        Each detection keeps the box that its last stage started from, as ``previous_boxes``.
        """
        last = stages[-1]
        scores = [
            sum(per_stage) / self.num_cascade_stages
            for per_stage in zip(
                *(s.predictor.predict_probs(s.predictions, s.proposals) for s in stages)
            )
        ]
        # fast_rcnn_inference drops these silently and counts the others anew.
        finite = [b.isfinite().all(1) & s.isfinite().all(1) for b, s in zip(last.boxes, scores)]
        instances, kept = fast_rcnn_inference(
            [b[f] for b, f in zip(last.boxes, finite)],
            [s[f] for s, f in zip(scores, finite)],
            [x.image_size for x in last.proposals],
            last.predictor.test_score_thresh,
            last.predictor.test_nms_thresh,
            last.predictor.test_topk_per_image,
        )
        for image, finite_, kept_, proposals in zip(instances, finite, kept, last.proposals):
            image.previous_boxes = proposals.proposal_boxes[finite_][kept_]
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
        """S^t on the regions of some boxes (Eq. 17): Tensor[R, K, m, m]."""
        levels = [features[name] for name in self.mask_in_features]
        return cascade_mask_logits(self.mask_head[: t + 1], self.mask_pooler(levels, boxes))

    def _mask_loss(self, features, t: int, regions, targets) -> Tensor:
        """Binary cross-entropy of S^t at the boxes O^t that match an instance, weighted."""
        matched = []
        for region, target in zip(regions, targets):
            region = region[~region.is_truth]
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

    # -------------------------------------------------------------------- interaction, R^1..R^T

    def _interaction_losses(
        self, features, t: int, regions, targets, annotations, faces
    ) -> dict[str, Tensor]:
        """gamma^t (L_RRM^t + L_RCM^t) of one stage (Eq. 18)."""
        head, gamma = self.interaction_heads[t], self.interaction_weights[t]
        labelled = [
            sample_training_pairs(
                region,
                annotation,
                len(target),
                rules=self.pair_rules,
                batch_size=self.pairs_per_image,
                positive_fraction=self.positive_pair_fraction,
            )
            for region, annotation, target in zip(regions, annotations, targets)
        ]
        regions = [x.regions for x in labelled]
        if head.uses_masks:
            self._add_masks(features, t, regions)
            for region, target in zip(regions, targets):
                use_true_masks(region, target)
        faces = faces or [no_faces(x.image_size) for x in targets]
        batch = PairBatch(regions, [x.pairs for x in labelled], faces)
        pair_features = head(features, batch, self.semantic_prior, self._previous_head(t))
        logits = head.classify(pair_features)
        verbs = torch.cat([x.verbs for x in labelled])
        valid = torch.cat([x.valid for x in labelled])
        losses = {
            f"loss_rcm_{stream}_stage{t}": gamma * self.rcm_weight * loss
            for stream, loss in head.rcm.losses(logits, verbs, valid).items()
        }
        ranks = None
        if head.rrm is not None:
            ranks = head.rank(pair_features).split([len(x.pairs) for x in labelled])
            loss = head.rrm.losses(ranks, [x.annotated for x in labelled])
            losses[f"loss_rrm_stage{t}"] = gamma * self.rrm_weight * loss
        log_pairs(t, labelled, ranks, pair_features.face_coverage)
        return losses

    def _previous_head(self, stage: int) -> nn.Module | None:
        """R^{t-1}, whose feature enters Eq. 11; None at the first stage (X_v^0 = 0)."""
        return self.interaction_heads[stage - 1] if stage > 0 and self.previous_stage else None

    @torch.no_grad()
    def _predict_interactions(self, features, instances, faces) -> list[Instances]:
        """Pair the detections, rank the pairs, classify the best (Sec. 3.5, cascade inference)."""
        if not self.interaction_heads:
            return [no_interactions(x, self.pair_rules.num_verbs) for x in instances]
        faces = faces or [no_faces(x.image_size) for x in instances]
        head = self.interaction_heads[-1]
        regions, pairs = [], []
        for image in instances:
            region = Instances(image.image_size)
            region.boxes, region.classes = image.pred_boxes, image.pred_classes
            region.previous_boxes = image.previous_boxes
            regions.append(region)
            confident = (image.scores >= self.pair_score_thresh).nonzero()[:, 0]
            pairs.append(confident[self.pair_rules.enumerate(image.pred_classes[confident])])
        if head.uses_masks:
            self._add_masks(features, self.num_cascade_stages - 1, regions)
        batch = PairBatch(regions, pairs, faces)
        previous = self._previous_head(self.num_cascade_stages - 1)
        pair_features = head(features, batch, self.semantic_prior, previous)
        ranks = head.rank(pair_features)

        counts = [len(p) for p in pairs]
        interactions = []
        for i, (image, rank) in enumerate(zip(instances, ranks.split(counts))):
            best = rank.argsort(descending=True, stable=True)
            best = best[: self.pair_topk] if self.pair_topk >= 0 else best
            chosen = pair_features.select(sum(counts[:i]) + best)
            verb_scores = head.rcm.predict(head.classify(chosen))
            verb_scores = verb_scores * self.pair_rules.valid_verbs(pairs[i][best])
            interactions.append(
                make_interactions(
                    image, pairs[i][best], rank[best], verb_scores, self.triplet_score
                )
            )
        return interactions


def use_true_masks(regions: Instances, targets: Instances) -> None:
    """Give ground-truth regions their ground-truth masks, in place (Sec. 3.4).

    Args:
        regions: with ``masks`` and ``previous_masks``, Tensor[R, m, m].
        targets: with ``gt_masks``, if it has any instance.
    """
    rows = regions.is_truth.nonzero()[:, 0]
    if len(rows) == 0:
        return
    masks = targets.gt_masks[regions.matched[rows]].crop_and_resize(
        regions.boxes.tensor[rows], regions.masks.shape[-1]
    )
    for name in ("masks", "previous_masks"):
        field = regions.get(name)
        field[rows] = masks.to(field)


def log_pairs(t: int, labelled: list[LabelledPairs], ranks, face_coverage: float) -> None:
    """What the pairs of a stage are like, into Detectron2's event storage."""
    storage = get_event_storage()
    images = max(len(labelled), 1)
    annotated = [x.annotated for x in labelled]
    storage.put_scalar(f"stage{t}/pairs/sampled", sum(len(x) for x in annotated) / images)
    storage.put_scalar(f"stage{t}/pairs/positive", sum(int(x.sum()) for x in annotated) / images)
    storage.put_scalar(f"stage{t}/pairs/face_coverage", face_coverage)
    if ranks is not None:
        accuracies = [ranking_accuracy(r, a) for r, a in zip(ranks, annotated)]
        accuracies = [x for x in accuracies if x is not None]
        if accuracies:
            mean = sum(accuracies) / len(accuracies)
            storage.put_scalar(f"stage{t}/pairs/ranking_accuracy", mean)


def no_faces(image_size: tuple[int, int]) -> Instances:
    """An image without a face."""
    faces = Instances(image_size)
    faces.boxes, faces.scores = Boxes(torch.zeros(0, 4)), torch.zeros(0)
    return faces
