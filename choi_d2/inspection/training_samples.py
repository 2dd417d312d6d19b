"""The pairs that training could get of one image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from detectron2.config import CfgNode
from detectron2.modeling.matcher import Matcher
from torch import Tensor

from choi_d2.engine.model_card import vocabulary_facts
from choi_d2.modeling.roi_heads.interaction_sampler import (
    PairRules,
    PairSampling,
    sample_training_pairs,
)
from choi_d2.modeling.roi_heads.stage_regions import label_stage_outputs
from choi_d2.structures import HOIAnnotations, dataset_vocabulary


class SampledPairs(NamedTuple):
    """What training samples of one image.

    Attributes:
        positive: the annotated pairs of the sample, with their verbs.
        negative: Tensor[P, 2] int64, its un-annotated pairs as (human, object).
        described: how many they are, and of how many.
    """

    positive: HOIAnnotations
    negative: Tensor
    described: str


def sample_pairs_of_truth(sample: Mapping, cfg: CfgNode) -> SampledPairs:
    """Sample pairs of annotated boxes as a stage does in training (Sec. 4).

    Args:
        sample: what the training mapper returned.
        cfg: the data set's rules and the size of a sample.
    """
    truth, annotations = sample["instances"], sample["interactions"]
    rules = PairRules.from_config(cfg)
    no_box = torch.zeros(0, 4)
    matcher = Matcher(list(cfg.MODEL.ROI_BOX_CASCADE_HEAD.IOUS[:1]), [0, 1])
    regions = label_stage_outputs(no_box, no_box, truth, matcher)
    labelled, every = (
        sample_training_pairs(regions, annotations, truth, rules=rules, sampling=sampling)
        for sampling in (PairSampling.from_config(cfg), PairSampling(1 << 30, 0.5))
    )
    pairs, positive = labelled.regions.matched[labelled.pairs], labelled.annotated
    faces = len(sample["faces"]) if "faces" in sample else 0
    return SampledPairs(
        HOIAnnotations(pairs[positive], labelled.verbs[positive]),
        pairs[~positive],
        f"sampled: {int(positive.sum())} of {len(annotations)} positive pairs, "
        f"{int((~positive).sum())} of {int((~every.annotated).sum())} negative; "
        f"{faces} face{'s' * (faces != 1)}",
    )


def with_words_of(cfg: CfgNode, name: str) -> CfgNode:
    """The config of a model that would be trained on this data set alone."""
    vocabulary = dataset_vocabulary(name)
    cfg = cfg.clone()
    if vocabulary is not None:
        facts = vocabulary_facts(vocabulary)
        cfg.merge_from_list([part for fact in facts.items() for part in fact])
    return cfg
