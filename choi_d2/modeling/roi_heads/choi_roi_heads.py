"""L^1..L^T and R^1..R^T: the cascade of localization and interaction networks (Sec. 3.1)."""

from __future__ import annotations

from dataclasses import replace

import torch
from detectron2.config import configurable
from detectron2.modeling.roi_heads import ROI_HEADS_REGISTRY
from detectron2.structures import Boxes, Instances
from torch import Tensor, nn

from choi_d2.structures import HOIAnnotations, IgnoredRegions

from ..interaction import PairBatch, build_interaction_head
from .attention_log import log_attentions
from .interaction_sampler import PairRules, PairSampling, sample_training_pairs
from .localization import LocalizationROIHeads, LocalizationStage, use_true_masks
from .pair_statistics import log_pairs
from .prediction import TripletScore, make_interactions, no_interactions
from .stage_regions import UnmatchedRule, label_stage_outputs


@ROI_HEADS_REGISTRY.register()
class CHOIROIHeads(LocalizationROIHeads):
    """Cascade R-CNN whose every stage is followed by an interaction recognition network."""

    @configurable
    def __init__(
        self,
        *,
        interaction_heads: list[nn.Module],
        interaction_weights: list[float],
        rrm_weight: float,
        rcm_weight: float,
        pair_rules: PairRules,
        pair_sampling: PairSampling,
        unmatched: UnmatchedRule | None,
        previous_stage: bool,
        pair_score_thresh: float,
        pair_topk: int,
        triplet_score: TripletScore,
        **kwargs,
    ):
        """Initialize.

        Args:
            interaction_heads: R^1..R^T; empty for localization alone (the first training phase).
            interaction_weights: gamma of Eq. 18.
            rrm_weight, rcm_weight: further weights of L_RRM and L_RCM.
            pair_rules: which instances form pairs.
            pair_sampling: training sample (Sec. 4).
            unmatched: which false detections are ends of negative pairs in training; None: none.
            previous_stage: add X_v^{t-1} in Eq. 11?
            pair_score_thresh: detections with at least this score form pairs at inference.
            pair_topk: pairs that are classified at inference, best ranked first.
            triplet_score: how a triplet is scored.
            kwargs: as :class:`LocalizationROIHeads`.
        """
        super().__init__(**kwargs)
        stages = self.num_cascade_stages
        if interaction_heads and len(interaction_heads) != stages:
            raise ValueError(f"{len(interaction_heads)} interaction heads for {stages} stages")
        self.interaction_heads = nn.ModuleList(interaction_heads)
        self.interaction_weights = self._per_stage(interaction_weights)
        self.rrm_weight, self.rcm_weight = rrm_weight, rcm_weight
        self.pair_rules = pair_rules
        self.pair_sampling = pair_sampling
        self.unmatched = unmatched if interaction_heads else None
        self.previous_stage = previous_stage
        self.pair_score_thresh = pair_score_thresh
        self.pair_topk = pair_topk
        self.triplet_score = triplet_score
        if interaction_heads:
            highest = interaction_heads[-1].rcm.highest_score
            self.triplet_score = replace(triplet_score, highest_verb_score=highest)
        if interaction_heads:
            # X_s: uniform until the training split has been counted. In the checkpoint, so that no
            # side file is needed at test time.
            prior = torch.full((self.num_classes, pair_rules.num_verbs), 0.5)
            self.register_buffer("semantic_prior", prior)
            # The verbs that the data set knows for each class of objects; all until it is asked.
            self.register_buffer("allowed_verbs", torch.ones_like(prior, dtype=torch.bool))

    @classmethod
    def from_config(cls, cfg, input_shape):
        """Arguments of ``__init__`` from a config."""
        ret = super().from_config(cfg, input_shape)
        head = cfg.MODEL.ROI_INTERACTION_HEAD
        stages = len(cfg.MODEL.ROI_BOX_CASCADE_HEAD.IOUS) if cfg.MODEL.INTERACTION_ON else 0
        ret.update(
            interaction_heads=[build_interaction_head(cfg, input_shape) for _ in range(stages)],
            interaction_weights=head.LOSS_WEIGHTS,
            rrm_weight=head.RRM.LOSS_WEIGHT,
            rcm_weight=head.RCM.LOSS_WEIGHT,
            pair_rules=PairRules.from_config(cfg),
            pair_sampling=PairSampling.from_config(cfg),
            unmatched=UnmatchedRule.from_config(cfg),
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
        ignored: list[IgnoredRegions] | None = None,
    ):
        """Run the cascade.

        Args:
            images, features, proposals, targets: as :class:`CascadeROIHeads`.
            annotations: training: the annotated pairs of each image.
            faces: for each image ``Instances`` with ``boxes`` and ``scores``, in the frame of the
                features' input.
            ignored: training: regions of each image that are neither instance nor background.

        Returns:
            Training: the proposals and a dict of losses. Inference: for each image its detections,
            with ``interactions`` beside, see :func:`make_interactions`: a pair of lists.
        """
        if self.training:
            ignored = ignored or [IgnoredRegions.empty()] * len(targets)
            proposals = self.label_and_sample_proposals(proposals, targets, ignored)
            with torch.set_grad_enabled(not self.localization_frozen):
                stages = self._run_localization(features, proposals, targets, ignored)
            losses = {} if self.localization_frozen else self._localization_losses(stages)
            for t, stage in enumerate(stages):
                regions = self._label_regions(t, stage, targets, ignored)
                if self.mask_on and not self.localization_frozen:
                    losses[f"loss_mask_stage{t}"] = self._mask_loss(features, t, regions, targets)
                if self.interaction_heads:
                    losses.update(
                        self._interaction_losses(features, t, regions, targets, annotations, faces)
                    )
            return proposals, losses

        return self._finish(features, self.detect(features, proposals), faces)

    def detect(self, features: dict[str, Tensor], proposals: list[Instances]) -> list[Instances]:
        """Detections of each image, without masks; ``previous_boxes`` entered the last stage."""
        return self._select_detections(self._run_localization(features, proposals))

    def recognise_given(
        self,
        features: dict[str, Tensor],
        instances: list[Instances],
        faces: list[Instances] | None = None,
        pairs: list[Tensor] | None = None,
    ) -> tuple[list[Instances], list[Instances]]:
        """Recognise the interactions of given instances: no localization network is asked.

        Args:
            features, faces: as ``forward``.
            instances: with ``pred_boxes``, ``pred_classes`` and, if they are not all 1, ``scores``.
            pairs: for each image Tensor[P, 2] into ``instances``, all of which are classified, and
                keep their order; by default those that the rules allow and the ranking chooses.

        Returns:
            As ``forward`` at inference.
        """
        detections = []
        for x in instances:
            boxes = x.pred_boxes.clone()  # postprocessing scales boxes in place
            detection = Instances(x.image_size, pred_boxes=boxes, pred_classes=x.pred_classes)
            detection.scores = x.scores if x.has("scores") else boxes.tensor.new_ones(len(x))
            detection.previous_boxes = boxes
            detections.append(detection)
        return self._finish(features, detections, faces, pairs)

    def _finish(self, features, instances, faces, pairs=None):
        instances = self.forward_with_given_boxes(features, instances)
        interactions = self._predict_interactions(features, instances, faces, pairs)
        for x in instances:
            x.remove("previous_boxes")
        return instances, interactions

    # -------------------------------------------------------------------- interaction, R^1..R^T

    def _label_regions(self, t: int, stage: LocalizationStage, targets, ignored) -> list[Instances]:
        """For each image the boxes O^t that form pairs, see :func:`label_stage_outputs`."""
        scores = [None] * len(targets)
        if self.unmatched is not None:
            with torch.no_grad():
                probs = stage.predictor.predict_probs(stage.predictions, stage.proposals)
            scores = [x[:, :-1] for x in probs]
        return [
            label_stage_outputs(
                outputs,
                inputs.proposal_boxes.tensor,
                target,
                self.proposal_matchers[t],
                scores=score,
                unmatched=self.unmatched,
                ignored=ignore,
            )
            for outputs, inputs, target, score, ignore in zip(
                stage.boxes, stage.proposals, targets, scores, ignored
            )
        ]

    def _interaction_losses(
        self, features, t: int, regions, targets, annotations, faces
    ) -> dict[str, Tensor]:
        """gamma^t (L_RRM^t + L_RCM^t) of one stage (Eq. 18)."""
        head, gamma = self.interaction_heads[t], self.interaction_weights[t]
        labelled = [
            sample_training_pairs(
                region,
                annotation,
                target,
                rules=self.pair_rules,
                sampling=self.pair_sampling,
                allowed_verbs=self.allowed_verbs,
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
        log_attentions(t, pair_features.watched)
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
    def _predict_interactions(
        self, features, instances, faces, given_pairs=None
    ) -> list[Instances]:
        """Pair the detections, rank the pairs, classify the best (Sec. 3.5, cascade inference)."""
        if not self.interaction_heads:
            return [no_interactions(x, self.pair_rules.num_verbs) for x in instances]
        faces = faces or [no_faces(x.image_size) for x in instances]
        head = self.interaction_heads[-1]
        regions, pairs, valid = [], [], []
        for i, image in enumerate(instances):
            region = Instances(image.image_size)
            region.boxes, region.classes = image.pred_boxes, image.pred_classes
            region.previous_boxes = image.previous_boxes
            regions.append(region)
            if given_pairs is None:
                confident = (image.scores >= self.pair_score_thresh).nonzero()[:, 0]
                candidates = confident[self.pair_rules.enumerate(image.pred_classes[confident])]
            else:
                candidates = given_pairs[i]
            verbs = self.pair_rules.valid_verbs(candidates, image.pred_classes, self.allowed_verbs)
            can_interact = verbs.any(dim=1)
            pairs.append(candidates[can_interact])
            valid.append(verbs[can_interact])
        if head.uses_masks:
            self._add_masks(features, self.num_cascade_stages - 1, regions)
        batch = PairBatch(regions, pairs, faces)
        previous = self._previous_head(self.num_cascade_stages - 1)
        pair_features = head(features, batch, self.semantic_prior, previous)
        ranks = head.rank(pair_features)

        counts = [len(p) for p in pairs]
        interactions = []
        for i, (image, rank) in enumerate(zip(instances, ranks.split(counts))):
            if given_pairs is None:
                best = rank.argsort(descending=True, stable=True)
                best = best[: self.pair_topk] if self.pair_topk >= 0 else best
            else:
                best = torch.arange(len(rank), device=rank.device)
            chosen = pair_features.select(sum(counts[:i]) + best)
            verb_scores = head.rcm.predict(head.classify(chosen))
            verb_scores = verb_scores * valid[i][best]
            interactions.append(
                make_interactions(
                    image, pairs[i][best], rank[best], verb_scores, self.triplet_score
                )
            )
        return interactions


def no_faces(image_size: tuple[int, int]) -> Instances:
    """An image without a face."""
    faces = Instances(image_size)
    faces.boxes, faces.scores = Boxes(torch.zeros(0, 4)), torch.zeros(0)
    return faces
