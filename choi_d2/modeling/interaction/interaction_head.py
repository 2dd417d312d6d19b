"""R^t, the interaction recognition network of one stage (Sec. 3.3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from detectron2.config import CfgNode, configurable
from detectron2.layers import ShapeSpec
from detectron2.modeling.poolers import ROIPooler
from detectron2.utils.registry import Registry
from torch import Tensor, nn

from .geometric import GeometricEncoder
from .pair_batch import PairBatch
from .pair_pooling import PairPooler
from .rcm import RelationClassificationModule, check_streams
from .rrm import RelationRankingModule, ranking_features
from .visual import VisualEncoder

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
        face_coverage: training: the part of the humans that a face was found for; nan where there
            is no human, or no facial attention.
        watched: training: what the attentions do, see :meth:`VisualEncoder.watch`.
    """

    semantic: Tensor
    geometric: Tensor
    visual: Tensor
    face_coverage: float = float("nan")
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
        pair_pooler: PairPooler,
        visual: VisualEncoder | None,
        geometric: GeometricEncoder | None,
        rrm: RelationRankingModule | None,
        rcm: RelationClassificationModule,
        pairs_per_chunk: int,
    ):
        """Initialize.

        Args:
            pair_pooler: gives the regions of Eq. 3 and the maps of X_g.
            visual, geometric: the encoders of X-bar_v and X_g; None where the feature is not used.
            rrm: the ranking module; None ranks nothing (Table 4).
            rcm: the classification module.
            pairs_per_chunk: pairs looked at together at inference.
        """
        super().__init__()
        self.pair_pooler = pair_pooler
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
            "pair_pooler": PairPooler(
                in_features,
                ROIPooler(
                    output_size=head.POOLER_RESOLUTION,
                    scales=tuple(1.0 / input_shape[name].stride for name in in_features),
                    sampling_ratio=head.POOLER_SAMPLING_RATIO,
                    pooler_type=head.POOLER_TYPE,
                ),
                representation=head.REPRESENTATION,
                regions=visual is not None,
                faces=head.EFRA.ENABLED,
                map_resolution=geometric.resolution if geometric is not None else None,
            ),
            "visual": visual,
            "geometric": geometric,
            "rrm": rrm,
            "rcm": RelationClassificationModule(
                {name: dims[name] for name in streams}, head.NUM_VERBS, head.RCM.FUSION
            ),
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
        num_pairs = len(batch.pairs)
        pooled = self.pair_pooler(
            features,
            batch,
            previous_stage=previous_head is not None,
            pairs_per_part=num_pairs if self.training else self.pairs_per_chunk,
        )
        if self.visual is not None:
            terms = self.visual.instance_terms(
                *pooled.instances, previous_encoder=previous_head.visual if previous_head else None
            )
        geometric, visual = [], []
        for part in pooled.parts():
            if self.visual is not None:
                visual.append(self.visual(terms, part.unions, part.pairs))
            if self.geometric is not None:
                geometric.append(self.geometric(part.maps))

        classes = torch.cat([x.classes for x in batch.regions])
        semantic = semantic_prior[classes[batch.object_rows[batch.pairs[:, 1]]]]
        unused = semantic.new_zeros(num_pairs, 0)
        features = PairFeatures(
            semantic, *(torch.cat(x) if x else unused for x in (geometric, visual))
        )
        if self.training and self.visual is not None:
            watched = self.visual.watch(pooled.instances[0], terms, batch.pairs)
            features = features._replace(face_coverage=pooled.face_coverage(), watched=watched)
        return features

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
        return self.pair_pooler.uses_masks
