"""Training pairs of one stage: which pairs R^t sees, and their labels (Sec. 4)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from detectron2.config import CfgNode
from detectron2.structures import Instances
from torch import Tensor, nn

from choi_d2.structures import HOIAnnotations

from ..interaction.pairs import drop_same_instance, enumerate_pairs, sample_pairs, valid_verbs


@dataclass
class PairRules:
    """What makes a pair of instances a candidate, for a data set.

    Attributes:
        human_class: contiguous class id of humans.
        humans_as_objects: can a human be another human's object?
        objectless_verbs: ids of the verbs that a human has without an object.
        num_verbs: N.
    """

    human_class: int
    humans_as_objects: bool
    objectless_verbs: tuple[int, ...]
    num_verbs: int

    @classmethod
    def from_config(cls, cfg: CfgNode) -> PairRules:
        """The rules of a config's data set."""
        head = cfg.MODEL.ROI_INTERACTION_HEAD
        return cls(
            head.HUMAN_CLASS, head.HUMANS_AS_OBJECTS, tuple(head.OBJECTLESS_VERBS), head.NUM_VERBS
        )

    def enumerate(self, classes: Tensor) -> Tensor:
        """Tensor[P, 2] int64: every candidate pair of instances with these classes (R,)."""
        return enumerate_pairs(
            classes == self.human_class,
            humans_as_objects=self.humans_as_objects,
            self_pairs=bool(self.objectless_verbs),
        )

    def valid_verbs(
        self, pairs: Tensor, classes: Tensor, allowed_verbs: Tensor | None = None
    ) -> Tensor:
        """The verbs that each pair can have.

        Args:
            pairs: Tensor[P, 2] int64, (human, object) as rows of ``classes``.
            classes: Tensor[R] int64.
            allowed_verbs: Tensor[K, N] bool, the verbs of each class of objects; None allows all.

        Returns:
            Tensor[P, N] bool
        """
        valid = valid_verbs(pairs, self.num_verbs, self.objectless_verbs)
        return valid if allowed_verbs is None else valid & allowed_verbs[classes[pairs[:, 1]]]


@dataclass(frozen=True)
class PairSampling:
    """How many pairs of an image are sampled, and which (Sec. 4).

    Attributes:
        batch_size, positive_fraction, spread: see :func:`sample_pairs`.
    """

    batch_size: int
    positive_fraction: float
    spread: bool = True

    @classmethod
    def from_config(cls, cfg: CfgNode) -> PairSampling:
        """What a config asks for."""
        head = cfg.MODEL.ROI_INTERACTION_HEAD
        return cls(head.BATCH_SIZE_PER_IMAGE, head.POSITIVE_FRACTION, head.SPREAD_POSITIVES)


@dataclass
class LabelledPairs:
    """The sampled pairs of one image.

    Attributes:
        regions: ``Instances`` with ``boxes`` (O^t), ``previous_boxes`` (O^{t-1}), ``classes``.
        pairs: Tensor[P, 2] int64 into ``regions``.
        verbs: Tensor[P, N] of 0 and 1.
        valid: Tensor[P, N] bool: the verbs that a pair can have.
    """

    regions: Instances
    pairs: Tensor
    verbs: Tensor
    valid: Tensor

    @property
    def annotated(self) -> Tensor:
        """Tensor[P] bool: has the pair any verb?"""
        return self.verbs.any(dim=1)

    def negatives(self) -> dict[str, Tensor]:
        """The un-annotated pairs by kind, each Tensor[P] bool.

        ``"truth"``: of ground-truth boxes; ``"matched"``: of boxes that match instances, not both
        the ground truth's own; ``"unmatched"``: with a false detection.
        """
        matched = (self.regions.matched[self.pairs] >= 0).all(dim=1)
        truth = self.regions.is_truth[self.pairs].all(dim=1)
        kinds = {"truth": truth, "matched": matched & ~truth, "unmatched": ~matched}
        return {kind: rows & ~self.annotated for kind, rows in kinds.items()}


@torch.no_grad()
def sample_training_pairs(
    regions: Instances,
    annotations: HOIAnnotations,
    targets: Instances,
    *,
    rules: PairRules,
    sampling: PairSampling,
    allowed_verbs: Tensor | None = None,
) -> LabelledPairs:
    """Pair the regions of a stage and sample the pairs (Sec. 4).

    A pair is positive when both ends match the instances of an annotated pair; its verbs are that
    pair's. All others are negative (Sec. 3.3.2), except those with an instance whose interactions
    nobody judged.

    Args:
        regions: what :func:`label_stage_outputs` returned.
        annotations: the image's pairs.
        targets: the image's instances; ``gt_judged``, bool, where some were not judged.
        rules: which pairs are candidates.
        sampling: how many of them are taken, and which.
        allowed_verbs: Tensor[K, N] bool, see :meth:`PairRules.valid_verbs`.

    Returns:
        The sample; its regions are those in some pair of it.
    """
    pairs = drop_same_instance(rules.enumerate(regions.classes), regions.matched)
    valid = rules.valid_verbs(pairs, regions.classes, allowed_verbs)
    human, object_ = regions.matched[pairs].unbind(1)
    # One row and one column more: -1, a false detection, finds no verb there.
    table = nn.functional.pad(annotations.verb_table(len(targets)), (0, 0, 0, 1, 0, 1)).bool()
    verbs = table[human, object_] & valid
    positive = verbs.any(dim=1)

    candidate = valid.any(dim=1)
    if targets.has("gt_judged"):
        judged = nn.functional.pad(targets.gt_judged, (0, 1), value=True)
        candidate &= positive | (judged[human] & judged[object_])
    pairs, valid, verbs = pairs[candidate], valid[candidate], verbs[candidate]
    sample = sample_pairs(
        torch.where(positive, human * len(targets) + object_, -1)[candidate],
        regions.is_truth[pairs].all(dim=1),
        sampling.batch_size,
        sampling.positive_fraction,
        spread=sampling.spread,
    )
    rows, pairs = pairs[sample].unique(return_inverse=True)
    return LabelledPairs(regions[rows], pairs, verbs[sample].float(), valid[sample])
