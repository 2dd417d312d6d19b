"""Training pairs of one stage: which regions and pairs R^t sees, and their labels (Sec. 4)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from detectron2.config import CfgNode
from detectron2.modeling.matcher import Matcher
from detectron2.structures import Boxes, Instances, pairwise_iou
from detectron2.utils.events import get_event_storage
from torch import Tensor

from choi_d2.structures import HOIAnnotations

from ..interaction.pairs import drop_same_instance, enumerate_pairs, sample_pairs, valid_verbs
from ..interaction.rrm import ranking_accuracy


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


@torch.no_grad()
def label_stage_outputs(
    outputs: Tensor, inputs: Tensor, targets: Instances, matcher: Matcher
) -> Instances:
    """The boxes of a stage that match an instance, and the ground truth's own boxes.

    Ground-truth boxes join as they are, so that every annotated pair is a candidate.

    Args:
        outputs: Tensor[R, 4], O^t of one image.
        inputs: Tensor[R, 4], O^{t-1}, one to one with ``outputs``.
        targets: the ground truth, with ``gt_boxes`` and ``gt_classes``.
        matcher: holds the stage's own IoU threshold.

    Returns:
        ``Instances`` with ``boxes``, ``previous_boxes``, ``classes``, ``matched`` (row of
        ``targets``) and ``is_truth`` (bool); the detections first, then the ground truth.
    """
    truth = targets.gt_boxes.tensor.to(outputs)
    boxes = Boxes(outputs.detach().clone())
    boxes.clip(targets.image_size)
    matched, labels = matcher(pairwise_iou(Boxes(truth), boxes))
    is_matched = labels == 1
    rows = torch.arange(len(truth), device=matched.device)

    regions = Instances(targets.image_size)
    regions.boxes = Boxes(torch.cat([boxes.tensor[is_matched], truth]))
    regions.previous_boxes = Boxes(torch.cat([inputs.detach()[is_matched], truth]))
    regions.matched = torch.cat([matched[is_matched], rows])
    regions.classes = targets.gt_classes[regions.matched]
    regions.is_truth = torch.cat([torch.zeros_like(matched[is_matched]), rows + 1]) > 0
    return regions


@torch.no_grad()
def sample_training_pairs(
    regions: Instances,
    annotations: HOIAnnotations,
    num_instances: int,
    *,
    rules: PairRules,
    batch_size: int,
    positive_fraction: float,
    allowed_verbs: Tensor | None = None,
) -> LabelledPairs:
    """Pair the regions of a stage and sample the pairs (Sec. 4).

    A pair is positive when both ends match the instances of an annotated pair; its verbs are that
    pair's.

    Args:
        regions: what :func:`label_stage_outputs` returned.
        annotations: the image's pairs.
        num_instances: how many instances the image has.
        rules: which pairs are candidates.
        batch_size, positive_fraction: see :func:`sample_pairs`.
        allowed_verbs: Tensor[K, N] bool, see :meth:`PairRules.valid_verbs`.

    Returns:
        The sample; its regions are those in some pair of it.
    """
    pairs = drop_same_instance(rules.enumerate(regions.classes), regions.matched)
    valid = rules.valid_verbs(pairs, regions.classes, allowed_verbs)
    can_interact = valid.any(dim=1)
    pairs, valid = pairs[can_interact], valid[can_interact]
    ends = regions.matched[pairs]
    verbs = annotations.verb_table(num_instances)[ends[:, 0], ends[:, 1]] * valid
    sample = sample_pairs(verbs.any(dim=1), batch_size, positive_fraction)
    rows, pairs = pairs[sample].unique(return_inverse=True)
    return LabelledPairs(regions[rows], pairs, verbs[sample], valid[sample])


def log_pairs(t: int, labelled: list[LabelledPairs], ranks, face_coverage: float) -> None:
    """What the pairs of a stage are like, into Detectron2's event storage.

    Not smoothed there: ``choi_d2.engine.watching.PairStatistics`` takes means over processes and
    iterations.

    Args:
        t: the stage, from 0.
        labelled: the sample of each image.
        ranks: for each image Tensor[P], g of Eq. 13; None without a ranking module.
        face_coverage: the part of the humans that a face was found for; nan where there is none.
    """

    def put(name: str, value: float) -> None:
        get_event_storage().put_scalar(f"stage{t}/pairs/{name}", value, smoothing_hint=False)

    images = max(len(labelled), 1)
    annotated = [x.annotated for x in labelled]
    put("sampled", sum(len(x) for x in annotated) / images)
    put("positive", sum(int(x.sum()) for x in annotated) / images)
    if not math.isnan(face_coverage):
        put("face_coverage", face_coverage)
    if ranks is not None:
        accuracies = [ranking_accuracy(r, a) for r, a in zip(ranks, annotated)]
        accuracies = [x for x in accuracies if x is not None]
        if accuracies:
            put("ranking_accuracy", sum(accuracies) / len(accuracies))
