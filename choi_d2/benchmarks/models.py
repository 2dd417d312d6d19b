"""Whole models: the plain detector, and C-HOI, which both detect the same boxes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from detectron2.config import CfgNode
from detectron2.modeling import build_model
from detectron2.solver import build_optimizer
from detectron2.structures import Instances
from detectron2.utils.events import EventStorage
from torch import nn

import choi_d2.modeling  # noqa: F401 (registers the model)
from choi_d2.engine import HOITrainer
from choi_d2.modeling.fast import prepare_for_inference

from .crowd import make_crowd, make_input, make_proposals
from .setting import Setting

PLAIN = ("MODEL.META_ARCHITECTURE", "GeneralizedRCNN", "MODEL.ROI_HEADS.NAME", "CascadeROIHeads")
"""Detectron2's own Cascade R-CNN, with torchvision's RoIAlign."""


@dataclass(frozen=True)
class ModelCase:
    """A model on images of noise.

    Weights are random, so their results are replaced where time depends on them: the RPN works, but
    the cascade looks at given proposals, which it leaves where they are; it selects detections, but
    given instances are paired.

    Attributes:
        opts: KEY VALUE pairs over the setting's config.
        humans, objects: in each image; the pairs are those of every human with every object.
        images: in a batch.
        train: a step of training, instead of inference.
    """

    opts: tuple = ()
    humans: int = 15
    objects: int = 15
    images: int = 1
    train: bool = False

    @property
    def pairs(self) -> int:
        """Of humans and objects in a batch."""
        return self.images * self.humans * self.objects

    def prepare(self, setting: Setting) -> Callable[[], object]:
        """A forward pass, or a step of training."""
        # A learning rate that changes nothing, so that every step is the first.
        cfg = setting.config("SOLVER.BASE_LR", 1e-12, *self.opts)
        torch.manual_seed(setting.seed)
        generator = torch.Generator().manual_seed(setting.seed)
        model = build_model(cfg)
        for predictor in model.roi_heads.box_predictor:
            _leave_boxes_alone(predictor)
        if not self.train:
            model = prepare_for_inference(model, cfg, in_place=True)
        crowds = [
            make_crowd(self.humans, self.objects, setting.size, generator)
            for _ in range(self.images)
        ]
        count = min(setting.proposals, cfg.MODEL.INFERENCE.MAX_PROPOSALS or setting.proposals)
        proposals = [make_proposals(x, count, generator) for x in crowds]
        model.proposal_generator = _Proposing(model.proposal_generator, proposals)
        num_verbs = cfg.MODEL.ROI_INTERACTION_HEAD.NUM_VERBS
        inputs = [make_input(x, num_verbs, generator) for x in crowds]
        if self.train:
            return _training_step(cfg, model.train(), inputs)
        if hasattr(model.roi_heads, "interaction_heads"):
            _detect(model.roi_heads, crowds)
        return _inference(model.eval(), inputs)


class _Proposing(nn.Module):
    """An RPN that does its work, and proposes what it is told."""

    def __init__(self, rpn: nn.Module, proposals: list[Instances]):
        super().__init__()
        self.rpn, self.proposals = rpn, proposals

    def forward(self, images, features, targets=None):
        _, losses = self.rpn(images, features, targets)
        proposals = [Instances(x.image_size, **x.get_fields()) for x in self.proposals]
        return [x.to(images.device) for x in proposals], losses


@torch.no_grad()
def _leave_boxes_alone(predictor: nn.Module) -> None:
    """Every box stays where it is, and is background for sure."""
    for layer in (predictor.bbox_pred, predictor.cls_score):
        layer.weight.zero_()
        layer.bias.zero_()
    predictor.cls_score.bias[-1] = 10


def _detect(roi_heads: nn.Module, crowds: list[Instances]) -> None:
    """Let ROI heads select their detections as ever, and go on with others."""
    select = roi_heads._select_detections

    def selected(stages) -> list[Instances]:
        detected = select(stages)
        # Copies: what comes after changes boxes in place.
        return [
            Instances(
                x.image_size,
                **{
                    name: value.clone().to(like.scores.device)
                    for name, value in x.get_fields().items()
                },
            )
            for x, like in zip(crowds, detected)
        ]

    roi_heads._select_detections = selected


def _inference(model: nn.Module, inputs: list[dict]) -> Callable[[], object]:
    def infer():
        with torch.no_grad():
            return model(inputs)

    return infer


def _training_step(cfg: CfgNode, model: nn.Module, inputs: list[dict]) -> Callable[[], object]:
    # Each with the optimizer that its own trainer gives it.
    plain = cfg.MODEL.META_ARCHITECTURE == PLAIN[1]
    optimizer = (build_optimizer if plain else HOITrainer.build_optimizer)(cfg, model)

    def step():
        with EventStorage():
            losses = model(inputs)
        optimizer.zero_grad()
        sum(losses.values()).backward()
        optimizer.step()
        return losses

    step.model = model
    return step
