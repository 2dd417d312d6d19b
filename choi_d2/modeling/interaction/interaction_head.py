"""R^t, the interaction recognition network of one stage (Sec. 3.3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from detectron2.config import CfgNode, configurable
from detectron2.layers import ShapeSpec
from detectron2.modeling.poolers import ROIPooler
from detectron2.structures import Boxes
from detectron2.utils.registry import Registry
from torch import Tensor, nn

from .geometric import GeometricEncoder, spatial_maps
from .geometry import box_coverage, union_boxes
from .pair_batch import PairBatch, StageRegions
from .rcm import RelationClassificationModule, check_streams
from .representation import REPRESENTATIONS, represent
from .rrm import RelationRankingModule, ranking_features
from .visual import Regions, VisualEncoder

ROI_INTERACTION_HEAD_REGISTRY = Registry("ROI_INTERACTION_HEAD")
ROI_INTERACTION_HEAD_REGISTRY.__doc__ = """
Interaction recognition networks R^t. A class gets ``(cfg, input_shape: dict[str, ShapeSpec])``.
"""


def build_interaction_head(cfg: CfgNode, input_shape: dict[str, ShapeSpec]) -> nn.Module:
    """Build one R^t, the class that ``MODEL.ROI_INTERACTION_HEAD.NAME`` names."""
    name = cfg.MODEL.ROI_INTERACTION_HEAD.NAME
    return ROI_INTERACTION_HEAD_REGISTRY.get(name)(cfg, input_shape)


class PairFeatures(NamedTuple):
    """X_s, X_g and X-bar_v of P pairs (Sec. 3.3.1).

    Attributes:
        semantic: Tensor[P, N].
        geometric: Tensor[P, G]; G = 0 where its stream is not in use.
        visual: Tensor[P, D]; D = 0 likewise.
        face_coverage: the part of the humans that a face was found for; nan where there is no
            human, or no facial attention.
        watched: training: what the attentions do, see :meth:`VisualEncoder.watch`.
    """

    semantic: Tensor
    geometric: Tensor
    visual: Tensor
    face_coverage: float
    watched: Mapping[str, Tensor] = {}

    def select(self, rows: Tensor) -> PairFeatures:
        """The features of some pairs."""
        return self._replace(
            semantic=self.semantic[rows], geometric=self.geometric[rows], visual=self.visual[rows]
        )


@ROI_INTERACTION_HEAD_REGISTRY.register()
class InteractionHead(nn.Module):
    """R^t: features of human-object pairs, their ranking, and the classification of their verbs."""

    @configurable
    def __init__(
        self,
        *,
        in_features: list[str],
        pooler: ROIPooler,
        visual: VisualEncoder | None,
        geometric: GeometricEncoder | None,
        rrm: RelationRankingModule | None,
        rcm: RelationClassificationModule,
        representation: str,
        pairs_per_chunk: int,
    ):
        """Initialize.

        Args:
            in_features: names of the FPN levels to pool from.
            pooler: RoIAlign of Eq. 3.
            visual, geometric: the encoders of X-bar_v and X_g; None where the feature is not used.
            rrm: the ranking module; None ranks nothing (Table 4).
            rcm: the classification module.
            representation: what a region is (Table 8), one of ``REPRESENTATIONS``.
            pairs_per_chunk: pairs looked at together at inference.
        """
        super().__init__()
        if representation not in REPRESENTATIONS:
            raise ValueError(
                f"REPRESENTATION: expected one of {REPRESENTATIONS}, got {representation!r}"
            )
        self.representation = representation
        self.in_features = in_features
        self.pooler = pooler
        self.visual = visual
        self.geometric = geometric
        self.rrm = rrm
        self.rcm = rcm
        self.pairs_per_chunk = pairs_per_chunk

    @classmethod
    def from_config(cls, cfg, input_shape):
        """Arguments of ``__init__`` from a config."""
        head = cfg.MODEL.ROI_INTERACTION_HEAD
        in_features = cfg.MODEL.ROI_HEADS.IN_FEATURES
        channels = {input_shape[name].channels for name in in_features}
        if len(channels) != 1:
            raise ValueError(f"feature levels {in_features} differ in channels: {sorted(channels)}")
        dims = {
            "semantic": head.NUM_VERBS,
            "geometric": head.GEOMETRIC.DIM,
            "visual": head.VISUAL.DIM,
        }
        streams = check_streams(head.RCM.STREAMS)
        visual = geometric = rrm = None
        if head.RRM.ENABLED:
            ranked_by = {name: dims[name] for name in ranking_features(streams)}
            rrm = RelationRankingModule(ranked_by, head.RRM.MARGIN, head.RRM.REDUCTION)
        if "visual" in streams:
            visual = VisualEncoder(
                channels=channels.pop(),
                resolution=head.POOLER_RESOLUTION,
                dim=head.VISUAL.DIM,
                ihsm=head.IHSM.SIMILARITY if head.IHSM.ENABLED else None,
                efra=head.EFRA.ENABLED,
                efra_dim=head.EFRA.DIM,
                efra_input_norm=head.EFRA.INPUT_NORM,
                efra_initial_score=head.EFRA.INITIAL_SCORE,
            )
        if "geometric" in streams:
            geometric = GeometricEncoder(
                head.GEOMETRIC.RESOLUTION, head.GEOMETRIC.CONV_DIMS, head.GEOMETRIC.DIM
            )
        return {
            "in_features": in_features,
            "pooler": ROIPooler(
                output_size=head.POOLER_RESOLUTION,
                scales=tuple(1.0 / input_shape[name].stride for name in in_features),
                sampling_ratio=head.POOLER_SAMPLING_RATIO,
                pooler_type=head.POOLER_TYPE,
            ),
            "visual": visual,
            "geometric": geometric,
            "rrm": rrm,
            "rcm": RelationClassificationModule(
                {name: dims[name] for name in streams}, head.NUM_VERBS, head.RCM.FUSION
            ),
            "representation": head.REPRESENTATION,
            "pairs_per_chunk": head.PAIRS_PER_CHUNK,
        }

    def forward(
        self,
        features: dict[str, Tensor],
        batch: PairBatch,
        semantic_prior: Tensor,
        previous_head: InteractionHead | None = None,
    ) -> PairFeatures:
        """The features of all pairs of a batch (Sec. 3.3.1).

        Args:
            features: FPN levels by name, each Tensor[B, C, H_l, W_l].
            batch: the pairs.
            semantic_prior: Tensor[K, N], p(verb | object class).
            previous_head: R^{t-1}; given, X_v^{t-1} enters Eq. 11.
        """
        levels = [features[name] for name in self.in_features]
        stages = [(batch.stage(masks=self.uses_masks), self)]
        if previous_head is not None:
            previous = batch.stage("previous_", masks=self.uses_masks)
            stages.append((previous, previous_head))
        classes = torch.cat([x.classes for x in batch.regions])
        semantic = semantic_prior[classes[batch.object_rows[batch.pairs[:, 1]]]]
        face_coverage, watched = float("nan"), {}
        if self.visual is not None:
            regions, face_coverage = self._pool_instances(levels, batch, stages)
            terms = self.visual.instance_terms(
                *regions, previous_encoder=previous_head.visual if previous_head else None
            )
            if self.training:
                watched = self.visual.watch(regions[0], terms, batch.pairs)

        num_pairs = len(batch.pairs)
        geometric, visual = [], []
        step = max(num_pairs, 1) if self.training else self.pairs_per_chunk
        for start in range(0, max(num_pairs, 1), step):
            chunk = slice(start, start + step)
            human, object_ = batch.pairs[chunk].unbind(1)
            ends = batch.human_rows[human], batch.object_rows[object_]
            if self.visual is not None:
                unions = self._pool_unions(
                    levels, [stage for stage, _ in stages], *ends, batch.image_of_pair[chunk]
                )
                visual.append(self.visual(terms, unions, batch.pairs[chunk]))
            if self.geometric is not None:
                geometric.append(self._geometric_features(stages[0][0], *ends))
        unused = semantic.new_zeros(num_pairs, 0)
        geometric, visual = (torch.cat(x) if x else unused for x in (geometric, visual))
        return PairFeatures(semantic, geometric, visual, face_coverage, watched)

    def rank(self, features: PairFeatures) -> Tensor:
        """Tensor[P], g of every pair (Eq. 13); 1 without a ranking module."""
        if self.rrm is None:
            return features.semantic.new_ones(len(features.semantic))
        return self.rrm(features._asdict())

    def classify(self, features: PairFeatures) -> dict[str, Tensor]:
        """The logits of each stream (Eq. 15), Tensor[P, N]."""
        return self.rcm(features._asdict())

    @property
    def uses_masks(self) -> bool:
        """Are regions pixels?"""
        return self.representation != "bbox"

    def _geometric_features(self, stage: StageRegions, humans: Tensor, objects: Tensor) -> Tensor:
        """X_g of pairs of regions, from their masks where regions are pixels (Sec. 3.4)."""
        resolution = self.geometric.resolution
        boxes = stage.boxes[humans], stage.boxes[objects]
        if not self.uses_masks:
            return self.geometric(spatial_maps(*boxes, resolution))
        frames = union_boxes(*boxes)
        maps = [stage.masks_in(rows, frames, resolution) for rows in (humans, objects)]
        return self.geometric(torch.stack(maps, dim=1))

    def _pool_unions(
        self,
        levels: list[Tensor],
        stages: list[StageRegions],
        humans: Tensor,
        objects: Tensor,
        images: Tensor,
    ) -> Tensor:
        """Tensor[P, C, S, S]: U of pairs of regions, the stages' added (Eq. 11)."""
        frames = [union_boxes(stage.boxes[humans], stage.boxes[objects]) for stage in stages]
        pooled = self._pool(levels, [(frame, images) for frame in frames])
        unions = []
        for stage, frame, union in zip(stages, frames, pooled):
            masks = None
            if self.uses_masks:
                size = union.shape[-1]
                ends = [stage.masks_in(rows, frame, size) for rows in (humans, objects)]
                masks = torch.maximum(*ends)
            unions.append(represent(union, masks, self.representation))
        return sum(unions)

    def _pool_instances(
        self,
        levels: list[Tensor],
        batch: PairBatch,
        stages: list[tuple[StageRegions, InteractionHead]],
    ) -> tuple[list[Regions], float]:
        """H, O, F and F-bar at the regions of each stage; the part of humans with a face."""
        # An instance that is both human and object is pooled once.
        rows, places = torch.cat([batch.human_rows, batch.object_rows]).unique(return_inverse=True)
        num_humans = len(batch.human_rows)
        humans, objects = places[:num_humans], places[num_humans:]
        image_of_human = batch.image_of_region[batch.human_rows]

        groups, faces = [], []
        for stage, head in stages:
            groups.append((stage.boxes[rows], batch.image_of_region[rows]))
            if head.visual.face_aware is not None:
                face_boxes, found = batch.assigned_faces(stage.boxes[batch.human_rows])
                groups.append((face_boxes[found], image_of_human[found]))
                faces.append((face_boxes, found))
        pooled = iter(self._pool(levels, groups))

        regions = []
        for index, (stage, head) in enumerate(stages):
            instances = next(pooled)
            size = instances.shape[-1]
            masks = stage.masks_in(rows, stage.boxes[rows], size)
            instances = represent(instances, masks, self.representation)
            h, o = instances[humans], instances[objects]
            if head.visual.face_aware is None:
                regions.append(Regions(h, o))
                continue
            face_boxes, found = faces[index]
            f = torch.zeros_like(h).index_put((found,), next(pooled).to(h))
            covered = box_coverage(face_boxes, stage.boxes[batch.human_rows], size)
            regions.append(Regions(h, o, faces=f, faceless=h * (1 - covered[:, None]).to(h)))
        coverage = faces[0][1].float().mean().item() if faces and num_humans else float("nan")
        return regions, coverage

    def _pool(
        self, levels: list[Tensor], groups: list[tuple[Tensor, Tensor]]
    ) -> tuple[Tensor, ...]:
        """RoIAlign of several groups of boxes in one pass over the levels.

        One pass, because the gradient of each is a full set of feature maps.

        Args:
            levels: the FPN levels.
            groups: (boxes Tensor[R, 4], image of each box Tensor[R]).

        Returns:
            for each group Tensor[R, C, S, S]
        """
        boxes, images = (torch.cat(x) for x in zip(*groups))
        order = images.argsort(stable=True)
        counts = torch.bincount(images, minlength=len(levels[0])).tolist()
        pooled = self.pooler(levels, [Boxes(b) for b in boxes[order].split(counts)])
        return pooled[order.argsort()].split([len(b) for b, _ in groups])
