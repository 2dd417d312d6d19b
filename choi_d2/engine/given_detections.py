"""Evaluation of the interaction networks alone, on boxes that somebody else has found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from detectron2.config import CfgNode
from detectron2.data import transforms as T
from detectron2.structures import Instances
from torch import nn

from choi_d2.data.detections import given_detections, true_boxes
from choi_d2.structures import Detections, Vocabulary
from choi_d2.structures.detections import check_names
from choi_d2.utils import InputError

from .loading import unwrapped

GROUND_TRUTH = "ground-truth"
"""The value of ``TEST.DETECTIONS`` that gives the annotated boxes."""


def with_given_detections(
    cfg: CfgNode, dataset_name: str, model: nn.Module, vocabulary: Vocabulary | None
) -> nn.Module:
    """A model that sees the detections of ``TEST.DETECTIONS`` in the place of its own.

    Args:
        cfg: the config.
        dataset_name: the data set that it is evaluated on.
        model: a C-HOI model.
        vocabulary: the model's; None: nobody says it.

    Raises:
        InputError: there are no such detections, or they cannot be joined.
    """
    if vocabulary is None:
        raise InputError(
            "detections are joined to the model's classes by name, and it does not say them",
            field="TEST.DETECTIONS",
        )
    source = cfg.TEST.DETECTIONS
    if source == GROUND_TRUTH:
        found = true_boxes(dataset_name, cfg.INPUT.CERTAINTY_THRESH)
    else:
        source = source.replace("{dataset}", dataset_name)
        found = given_detections(dataset_name, source, cfg.INPUT.DETECTIONS.NAMES)
    names = {name for each in found.values() for name in each.names}
    check_names(names, vocabulary, source)
    return GivenDetections(model, found, vocabulary)


class GivenDetections(nn.Module):
    """A model whose detections are given.

    Args:
        model: with ``inference(inputs, detected_instances)``.
        detections: image id -> in the pixels of the original image.
        vocabulary: the model's.
    """

    def __init__(
        self, model: nn.Module, detections: Mapping[int | str, Detections], vocabulary: Vocabulary
    ):
        super().__init__()
        self.model, self.detections, self.vocabulary = model, detections, vocabulary
        # An evaluation puts it back to what it was.
        self.training = model.training

    def forward(self, batched_inputs: Sequence[Mapping]) -> list[dict[str, Instances]]:
        """The model's predictions on the given detections."""
        given = [self._instances(inputs) for inputs in batched_inputs]
        return unwrapped(self.model).inference(batched_inputs, given)

    def _instances(self, inputs: Mapping) -> Instances:
        size = tuple(inputs["image"].shape[1:])
        transform = T.ResizeTransform(inputs["height"], inputs["width"], *size)
        return self.detections[inputs["image_id"]].as_instances(self.vocabulary, transform, size)
