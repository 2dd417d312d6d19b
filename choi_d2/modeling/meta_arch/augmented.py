"""Test-time augmentation: several views of a picture, answered as one (``TEST.AUG``)."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
import torch
from detectron2.config import CfgNode, get_cfg
from detectron2.data import transforms as T
from detectron2.structures import Boxes, Instances, pairwise_iou
from torch import Tensor, nn

from choi_d2.utils import InputError

from ..roi_heads.prediction import make_interactions
from .choi_rcnn import CHOIRCNN
from .postprocessing import hoi_postprocess

logger = logging.getLogger(__name__)

SAME_IOU = 0.55
"""From which IoU on two views' boxes of a class are of one thing."""


def with_augmentation(model: nn.Module, cfg: CfgNode) -> nn.Module:
    """A model that looks at the views of ``TEST.AUG``, if that is enabled, or else itself.

    Args:
        model: :class:`CHOIRCNN`; another one stays as it is, and a warning says so.
        cfg: the model's.

    Raises:
        InputError: as :func:`check_views`.
    """
    if not cfg.TEST.AUG.ENABLED:
        return model
    if not isinstance(model, CHOIRCNN):
        logger.warning("TEST.AUG does not change a %s", type(model).__name__)
        return model
    check_views(cfg)
    return CHOIRCNNWithTTA(cfg, model)


def check_views(cfg: CfgNode) -> None:
    """Can ``TEST.AUG`` be had, where it is enabled?

    Args:
        cfg: a model's.

    Raises:
        InputError: it has no sizes, or one of nothing, or the model's proposals are not its own.
    """
    if not cfg.TEST.AUG.ENABLED:
        return
    for name in ("MIN_SIZES", "SCALES"):
        values = tuple(cfg.TEST.AUG[name])
        if not values or min(values) <= 0:
            raise InputError(
                f"expected some numbers above 0, found {values}", field=f"TEST.AUG.{name}"
            )
    if cfg.MODEL.LOAD_PROPOSALS:
        raise InputError(
            "precomputed proposals are of one view: test-time augmentation needs an RPN",
            field="TEST.AUG.ENABLED",
        )


class CHOIRCNNWithTTA(nn.Module):
    """C-HOI on several sizes of a picture and their mirror images, as Detectron2's
    ``GeneralizedRCNNWithTTA`` for detectors.

    Boxes of one thing in several views become their mean, weighted by their scores, with the mean
    of their scores; where a view has none, it counts as a score of 0 (weighted boxes fusion,
    Solovyev et al. 2021). Every view then gives rank, verbs and masks of the same pairs of these,
    and their means are the answer. The first view tells which pairs are classified
    (``RRM.TOPK``).

    Attributes:
        model: :class:`CHOIRCNN`.

    Args:
        cfg: ``TEST.AUG`` says what the views are.
        model: in evaluation mode.
    """

    def __init__(self, cfg: CfgNode, model: CHOIRCNN):
        super().__init__()
        self.model = model
        self.scales = tuple(cfg.TEST.AUG.SCALES)
        self.min_sizes: tuple[int, ...] = tuple(cfg.TEST.AUG.MIN_SIZES)
        if self.min_sizes == tuple(get_cfg().TEST.AUG.MIN_SIZES):
            self.min_sizes = ()
        self.max_size = cfg.TEST.AUG.MAX_SIZE
        self.flip = cfg.TEST.AUG.FLIP
        # An evaluation puts it back to what it was.
        self.training = model.training

    def forward(self, batched_inputs: list[dict]) -> list[dict[str, Instances]]:
        """As :class:`CHOIRCNN` at inference."""
        return self.inference(batched_inputs)

    @torch.no_grad()
    def inference(
        self, batched_inputs: list[dict], detected_instances: list[Instances] | None = None
    ) -> list[dict[str, Instances]]:
        """As :meth:`CHOIRCNN.inference` with postprocessing."""
        given = [None] * len(batched_inputs) if detected_instances is None else detected_instances
        return [self._answer(inputs, each) for inputs, each in zip(batched_inputs, given)]

    def _answer(self, inputs: dict, given: Instances | None) -> dict[str, Instances]:
        """Of one picture, all in the frame of ``image`` until the last line."""
        views = self.views(inputs)
        size = tuple(inputs["image"].shape[1:])
        if given is None:
            features, found = self._localize(views, size)
        else:
            model, found = self.model, Instances(size, **given.to(self.model.device).get_fields())
            # Postprocessing scales boxes in place.
            found.pred_boxes = found.pred_boxes.clone()
            if not found.has("scores"):
                found.scores = found.pred_boxes.tensor.new_ones(len(found))
            features = [model.pooled_features(model.preprocess_image([x])) for x, _ in views]
        interactions = self._recognise(views, features, found)
        height, width = inputs.get("height", size[0]), inputs.get("width", size[1])
        return hoi_postprocess(
            found, interactions, height, width, boxes_from_masks=self.model.boxes_from_masks
        )

    def views(self, inputs: dict) -> list[tuple[dict, T.TransformList]]:
        """What the model sees of a picture, and how each is made of ``image``."""
        image = inputs["image"].permute(1, 2, 0).cpu().numpy()
        height, width = image.shape[:2]
        views = []
        for sides in self._sizes(height, width):
            resize = T.ResizeTransform(height, width, *(max(side, 1) for side in sides))
            for flip in (False, True) if self.flip else (False,):
                steps = [resize, T.HFlipTransform(resize.new_w)] if flip else [resize]
                transform = T.TransformList(steps)
                pixels = np.ascontiguousarray(transform.apply_image(image).transpose(2, 0, 1))
                view = {"image": torch.from_numpy(pixels)}
                if "faces" in inputs:
                    fields = inputs["faces"].get_fields()
                    fields = {**fields, "boxes": in_view(fields["boxes"], transform)}
                    view["faces"] = Instances(pixels.shape[1:], **fields)
                views.append((view, transform))
        return views

    def _sizes(self, height: int, width: int) -> list[tuple[int, int]]:
        """(height, width) of the views of an image."""
        if self.min_sizes:
            shape = T.ResizeShortestEdge.get_output_shape
            return [shape(height, width, size, self.max_size) for size in self.min_sizes]
        return [(round(scale * height), round(scale * width)) for scale in self.scales]

    def _localize(self, views, size: tuple[int, int]) -> tuple[list[dict[str, Tensor]], Instances]:
        """FPN levels of each view; detections of all as one, in the frame of ``image``, of this
        (height, width).
        """
        features, boxes, scores, classes = [], [], [], []
        for view, transform in views:
            levels, (found,) = self.model.localize([view])
            features.append(levels)
            boxes.append(in_view(found.pred_boxes, transform.inverse()).tensor)
            scores.append(found.scores)
            classes.append(found.pred_classes)
        last = self.model.roi_heads.box_predictor[-1]
        least, topk = last.test_score_thresh, last.test_topk_per_image
        return features, merge_views(boxes, scores, classes, size, least, topk)

    def _recognise(self, views, features, found: Instances) -> Instances:
        """The pairs of some detections, all views' means; gives ``found`` masks, too."""
        ranks, verbs, masks, pairs = [], [], [], None
        for (view, transform), levels in zip(views, features):
            given = Instances(
                tuple(view["image"].shape[1:]),
                pred_boxes=in_view(found.pred_boxes, transform),
                pred_classes=found.pred_classes,
                scores=found.scores,
            )
            (seen,), (interactions,) = self.model.recognise([view], levels, [given], pairs)
            pairs = [interactions.pair_indices]
            ranks.append(interactions.rank_scores)
            verbs.append(interactions.verb_scores)
            if seen.has("pred_masks"):
                mirrored = any(isinstance(step, T.HFlipTransform) for step in transform.transforms)
                masks.append(seen.pred_masks.flip(3) if mirrored else seen.pred_masks)
        if masks:
            found.pred_masks = torch.stack(masks).mean(0)
        rank = torch.stack(ranks).mean(0)
        best = rank.argsort(descending=True, stable=True)
        return make_interactions(
            found,
            pairs[0][best],
            rank[best],
            torch.stack(verbs).mean(0)[best],
            self.model.roi_heads.triplet_score,
        )


def in_view(boxes: Boxes, transform: T.Transform) -> Boxes:
    """Boxes in the frame that a transform leads to."""
    moved = transform.apply_box(boxes.tensor.cpu().numpy()).reshape(-1, 4)
    return Boxes(torch.from_numpy(moved).to(boxes.tensor))


def merge_views(
    boxes: Sequence[Tensor],
    scores: Sequence[Tensor],
    classes: Sequence[Tensor],
    size: tuple[int, int],
    score_thresh: float,
    topk: int,
) -> Instances:
    """What several views have found, each thing once.

    The best box that is left takes the best one of each view that overlaps it by `SAME_IOU` or
    more and is of its class; all others that do are left out.

    Args:
        boxes, scores, classes: for each view Tensor[R_v, 4], Tensor[R_v], Tensor[R_v], in the same
            frame.
        size: (height, width) of that frame.
        score_thresh: things with a lower mean score are left out.
        topk: at most so many are kept, the best ones; negative: all.

    Returns:
        ``Instances`` with ``pred_boxes``, ``scores`` and ``pred_classes``, best first.
    """
    view = torch.cat([torch.full_like(each, index) for index, each in enumerate(classes)])
    all_boxes, all_scores, all_classes = torch.cat(boxes), torch.cat(scores), torch.cat(classes)
    order = all_scores.argsort(descending=True, stable=True)
    all_boxes, all_scores = all_boxes[order], all_scores[order]
    all_classes, view = all_classes[order], view[order].cpu().numpy()
    same = pairwise_iou(Boxes(all_boxes), Boxes(all_boxes)) >= SAME_IOU
    same &= all_classes[:, None] == all_classes[None]
    same = same.cpu().numpy()
    left = np.ones(len(order), dtype=bool)
    things: list[list[int]] = []
    for row in range(len(order)):
        if left[row]:
            # Of what does not overlap even itself, an empty box, it is the only member.
            members = np.union1d(np.flatnonzero(same[row] & left), [row])
            left[members] = False
            _, first = np.unique(view[members], return_index=True)
            things.append(members[first].tolist())
    merged = Instances(size)
    sums = all_scores.new_tensor([float(all_scores[thing].sum()) for thing in things])
    weighted = [(all_boxes[x] * all_scores[x, None]).sum(0) for x in things]
    means = torch.stack(weighted) / sums[:, None] if things else all_boxes
    merged.pred_boxes = Boxes(means)
    merged.scores = sums / len(boxes)
    merged.pred_classes = all_classes[[thing[0] for thing in things]]
    best = merged.scores.argsort(descending=True, stable=True)
    best = best[merged.scores[best] >= score_thresh]
    return merged[best[:topk] if topk >= 0 else best]
