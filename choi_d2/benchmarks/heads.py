"""An interaction network R^t on its own: pairs of given instances on given feature maps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from detectron2.layers import ShapeSpec
from detectron2.structures import Instances
from torch import Tensor

from choi_d2.modeling.interaction import PairBatch, build_interaction_head
from choi_d2.modeling.pooling import use_matrix_pooling

from .crowd import HUMAN_CLASS, make_crowd, make_faces
from .plain_form import plain_features
from .setting import Setting

STRIDES = {"p2": 4, "p3": 8, "p4": 16, "p5": 32}


@dataclass(frozen=True)
class HeadCase:
    """Features, ranking and classification of an image's pairs, as at inference with T > 1.

    Attributes:
        humans, objects: in the image.
        matrix_pooling: pool by matrix products, instead of with torchvision's operator?
        factorised: the head as it is, instead of its plain form?
        ranking: classify the best ranked pairs, instead of all?
    """

    humans: int
    objects: int
    matrix_pooling: bool = True
    factorised: bool = True
    ranking: bool = True
    images: int = 1

    @property
    def pairs(self) -> int:
        """Of humans and objects."""
        return self.humans * self.objects

    def prepare(self, setting: Setting) -> Callable[[], object]:
        """The head's work on an image."""
        cfg = setting.config("MODEL.ROI_INTERACTION_HEAD.RRM.ENABLED", self.ranking)
        torch.manual_seed(setting.seed)
        generator = torch.Generator().manual_seed(setting.seed)
        channels, device = cfg.MODEL.FPN.OUT_CHANNELS, cfg.MODEL.DEVICE
        shapes = {name: ShapeSpec(channels=channels, stride=s) for name, s in STRIDES.items()}
        head, previous = (build_interaction_head(cfg, shapes).eval().to(device) for _ in range(2))
        if self.matrix_pooling:
            use_matrix_pooling(head)
        crowd = make_crowd(self.humans, self.objects, setting.size, generator)
        features = feature_maps(setting.size, channels, generator)
        features = {name: level.to(device) for name, level in features.items()}
        batch = pair_batch(crowd, device)
        prior = torch.rand(
            cfg.MODEL.ROI_HEADS.NUM_CLASSES,
            cfg.MODEL.ROI_INTERACTION_HEAD.NUM_VERBS,
            generator=generator,
        ).to(device)
        limit = cfg.MODEL.ROI_INTERACTION_HEAD.RRM.TOPK if self.ranking else -1

        @torch.no_grad()
        def recognise() -> Tensor:
            if self.factorised:
                pairs = head(features, batch, prior, previous)
            else:
                pairs = plain_features(head, features, batch, prior, previous)
            best = head.rank(pairs).argsort(descending=True)
            best = best[:limit] if limit >= 0 else best
            return head.rcm.predict(head.classify(pairs.select(best)))

        return recognise


def feature_maps(
    size: tuple[int, int], channels: int, generator: torch.Generator
) -> dict[str, Tensor]:
    """FPN levels as the backbone gives them, ``torch.channels_last``."""
    return {
        name: torch.randn(
            1, channels, -(-size[0] // stride), -(-size[1] // stride), generator=generator
        ).contiguous(memory_format=torch.channels_last)
        for name, stride in STRIDES.items()
    }


def pair_batch(crowd: Instances, device: str = "cpu") -> PairBatch:
    """Every human of a crowd with every object of it."""
    is_human = crowd.pred_classes == HUMAN_CLASS
    pairs = (is_human[:, None] & ~is_human[None, :]).nonzero()
    regions = Instances(
        crowd.image_size,
        boxes=crowd.pred_boxes,
        previous_boxes=crowd.previous_boxes,
        classes=crowd.pred_classes,
    )
    return PairBatch([regions.to(device)], [pairs.to(device)], [make_faces(crowd).to(device)])
