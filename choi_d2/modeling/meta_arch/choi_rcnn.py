"""C-HOI as a Detectron2 meta-architecture."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from itertools import chain

import torch
from detectron2.config import configurable
from detectron2.modeling import META_ARCH_REGISTRY, GeneralizedRCNN
from detectron2.structures import Boxes, ImageList, Instances
from torch import Tensor, nn

from choi_d2.structures import IgnoredRegions
from choi_d2.utils import InputError

from ..pooling import use_matrix_pooling
from ..proposal_generator import IgnoringRPN
from .localization_cache import LocalizationCache
from .postprocessing import hoi_postprocess


@META_ARCH_REGISTRY.register()
class CHOIRCNN(GeneralizedRCNN):
    """R-CNN whose ROI heads also see the annotated pairs and the faces of an image.

    Attributes:
        inference_dtype: that convolutions and FC layers compute with at inference; None: that of
            their weights.
        float32_backbone: does the backbone compute in float32 whatever that is?
        channels_last: are images laid out so at inference? See :mod:`choi_d2.modeling.fast`.

    Inputs are Detectron2's, and for each image:
        ``interactions``: :class:`HOIAnnotations` (training).
        ``ignored``: :class:`IgnoredRegions` (training), in the frame of ``image``; may be absent.
        ``faces``: ``Instances`` with ``boxes`` and ``scores`` in the frame of ``image``; may be
        absent: no face is known.

    Outputs, for each image, in the frame of the original image:
        ``instances``: as ever.
        ``interactions``: pair-level ``Instances``, see
        :func:`choi_d2.modeling.roi_heads.prediction.make_interactions`.
    """

    @configurable
    def __init__(
        self,
        *,
        boxes_from_masks: bool = False,
        matrix_pooling: bool = False,
        localization_cache: str = "",
        localization_cache_limit: float = 20e9,
        **kwargs,
    ):
        """Initialize.

        Args:
            boxes_from_masks: do postprocessed predictions have the boxes around their masks instead
                of the detected ones?
            matrix_pooling: pool regions by matrix products where the model is on a CPU.
            localization_cache: folder where features and proposals of a frozen localization are
                kept; "" keeps none.
            localization_cache_limit: bytes that the folder may have.
            kwargs: as :class:`GeneralizedRCNN`. If its ``roi_heads`` are ``localization_frozen``,
                only their interaction networks are trained.

        Raises:
            ValueError: the localization is frozen, and there are no interaction networks; or it is
                to be kept, and is not frozen.
        """
        super().__init__(**kwargs)
        self.boxes_from_masks = boxes_from_masks
        self.inference_dtype: torch.dtype | None = None
        self.float32_backbone = False
        self.channels_last = False
        self.localization_cache = None
        if self.roi_heads.localization_frozen:
            if not self.roi_heads.interaction_heads:
                raise ValueError("LOCALIZATION_FROZEN without INTERACTION_ON: nothing is trained")
            for module in self._localization():
                module.requires_grad_(False)
        self.matrix_pooling = matrix_pooling
        if matrix_pooling:
            use_matrix_pooling(self.roi_heads)
        if localization_cache:
            if not self.roi_heads.localization_frozen:
                raise ValueError("LOCALIZATION_CACHE without LOCALIZATION_FROZEN")
            modules = [self.backbone, self.proposal_generator]
            self.localization_cache = LocalizationCache(
                localization_cache, modules, localization_cache_limit
            )

    @classmethod
    def from_config(cls, cfg):
        """Arguments of ``__init__`` from a config."""
        frozen = cfg.MODEL.LOCALIZATION_FROZEN
        poolings = ("matrix", "torchvision")
        if cfg.MODEL.POOLING not in poolings:
            raise InputError(
                f"expected one of {poolings}, got {cfg.MODEL.POOLING!r}", field="MODEL.POOLING"
            )
        return {
            **super().from_config(cfg),
            "boxes_from_masks": cfg.TEST.BOXES_FROM_MASKS,
            "matrix_pooling": cfg.MODEL.POOLING == "matrix",
            "localization_cache": cfg.MODEL.LOCALIZATION_CACHE if frozen else "",
            "localization_cache_limit": 1e9 * cfg.MODEL.LOCALIZATION_CACHE_GB,
        }

    def preprocess_image(self, batched_inputs: list[dict]) -> ImageList:
        """As ever; laid out for matrix pooling, which reads all channels of a cell together.

        Convolutions keep the layout, so that every feature map has it.
        """
        images = super().preprocess_image(batched_inputs)
        if self.channels_last or (self.matrix_pooling and images.tensor.device.type == "cpu"):
            images.tensor = images.tensor.contiguous(memory_format=torch.channels_last)
        return images

    def _localization(self) -> list[nn.Module]:
        """Backbone, RPN, every L^t and S^t: all but the interaction networks."""
        return [
            module
            for module in chain((self.backbone, self.proposal_generator), self.roi_heads.children())
            if module not in (None, self.roi_heads.interaction_heads)
        ]

    def train(self, mode: bool = True):
        """As ever; a frozen localization stays as at inference, normalization included."""
        super().train(mode)
        if self.roi_heads.localization_frozen:
            for module in self._localization():
                module.eval()
        return self

    def forward(self, batched_inputs: list[dict]):
        """Losses in training, a list of dicts of predictions otherwise."""
        if not self.training:
            return self.inference(batched_inputs)

        images = self.preprocess_image(batched_inputs)
        targets = [x["instances"].to(self.device) for x in batched_inputs]
        ignored = [x.get("ignored", IgnoredRegions.empty()).to(self.device) for x in batched_inputs]
        with torch.set_grad_enabled(not self.roi_heads.localization_frozen):
            features, proposals, proposal_losses = self._propose(
                images, batched_inputs, targets, ignored
            )
        annotations = [x["interactions"].to(self.device) for x in batched_inputs]
        faces = self._faces(batched_inputs, images.image_sizes)
        _, losses = self.roi_heads(
            images, features, proposals, targets, annotations, faces, ignored
        )
        return {**losses, **proposal_losses}

    def inference_precision(self) -> AbstractContextManager:
        """In which ``inference_dtype`` is used."""
        if self.inference_dtype is None:
            return nullcontext()
        return torch.autocast(self.device.type, dtype=self.inference_dtype)

    def inference(
        self,
        batched_inputs: list[dict],
        detected_instances: list[Instances] | None = None,
        do_postprocess: bool = True,
    ):
        """Detect and recognise.

        Args:
            batched_inputs: as ``forward``.
            detected_instances: instances to be used instead of the cascade's own detections, with
                ``pred_boxes`` and ``pred_classes`` (and ``scores``, else 1) in the frame of
                ``image``: to look at the interaction networks alone.
            do_postprocess: scale the predictions to the original images?

        Returns:
            With ``do_postprocess`` a list of dicts; without, two lists of ``Instances``
            (detections, interactions) in the frame of ``image``.
        """
        images = self.preprocess_image(batched_inputs)
        if detected_instances is not None:
            features = self.pooled_features(images)
            instances, interactions = self.recognise(batched_inputs, features, detected_instances)
        else:
            faces = self._faces(batched_inputs, images.image_sizes)
            with self.inference_precision():
                features, proposals, _ = self._propose(images, batched_inputs)
                features = self._pooled_from(features)
                instances, interactions = self.roi_heads(images, features, proposals, faces=faces)
        if not do_postprocess:
            return instances, interactions
        outputs = []
        for instance, interaction, x, size in zip(
            instances, interactions, batched_inputs, images.image_sizes
        ):
            height, width = x.get("height", size[0]), x.get("width", size[1])
            output = hoi_postprocess(
                instance, interaction, height, width, boxes_from_masks=self.boxes_from_masks
            )
            outputs.append(output)
        return outputs

    def localize(self, batched_inputs: list[dict]) -> tuple[dict[str, Tensor], list[Instances]]:
        """The first half of ``inference``.

        Args:
            batched_inputs: as ``forward``.

        Returns:
            FPN levels, for ``recognise``; and of each image what L^1..L^T find, in the frame of
            ``image``: ``pred_boxes``, ``scores``, ``pred_classes`` and ``previous_boxes``, the
            last stage's inputs.
        """
        images = self.preprocess_image(batched_inputs)
        with self.inference_precision():
            features, proposals, _ = self._propose(images, batched_inputs)
            features = self._pooled_from(features)
            return features, self.roi_heads.detect(features, proposals)

    def pooled_features(self, images: ImageList) -> dict[str, Tensor]:
        """FPN levels of preprocessed images, for ``recognise``."""
        with self.inference_precision():
            return self._pooled_from(self.feature_maps(images.tensor))

    def recognise(
        self,
        batched_inputs: list[dict],
        features: dict[str, Tensor],
        instances: list[Instances],
        pairs: list[Tensor] | None = None,
    ) -> tuple[list[Instances], list[Instances]]:
        """The second half of ``inference``, on given instances.

        Args:
            batched_inputs: as ``forward``; only their faces are looked at.
            features: FPN levels.
            instances, pairs: as :meth:`CHOIROIHeads.recognise_given`, in the frame of ``image``.

        Returns:
            Detections and interactions, in the frame of ``image``.
        """
        given = [x.to(self.device) for x in instances]
        faces = self._faces(batched_inputs, [x.image_size for x in given])
        with self.inference_precision():
            return self.roi_heads.recognise_given(features, given, faces, pairs)

    def feature_maps(self, pixels: Tensor) -> dict[str, Tensor]:
        """FPN levels by name of Tensor[B, C, H, W] of normalized pixels."""
        if not self.float32_backbone:
            return self.backbone(pixels)
        with torch.autocast(self.device.type, enabled=False):
            return self.backbone(pixels)

    def _pooled_from(self, features: dict[str, Tensor]) -> dict[str, Tensor]:
        """Levels in float32, once: RoIAlign's weights have more bits than ``inference_dtype``."""
        if self.inference_dtype is None:
            return features
        return {name: level.float() for name, level in features.items()}

    def _propose(self, images: ImageList, batched_inputs: list[dict], targets=None, ignored=None):
        """FPN levels by name, O^0 of each image, and the losses of the RPN."""
        if self.proposal_generator is None:
            proposals = [x["proposals"].to(self.device) for x in batched_inputs]
            return self.feature_maps(images.tensor), proposals, {}
        if self.localization_cache is not None:

            def compute(missing: ImageList):
                features = self.feature_maps(missing.tensor)
                return features, self.proposal_generator(missing, features, None)[0]

            return *self.localization_cache(images, compute), {}
        features = self.feature_maps(images.tensor)
        # Other generators are not asked to know what to ignore.
        knows = isinstance(self.proposal_generator, IgnoringRPN)
        truth = (targets, ignored) if knows else (targets,)
        return features, *self.proposal_generator(images, features, *truth)

    def _faces(self, batched_inputs: list[dict], sizes: list[tuple[int, int]]) -> list[Instances]:
        faces = []
        for x, size in zip(batched_inputs, sizes):
            if "faces" in x:
                faces.append(x["faces"].to(self.device))
            else:
                faces.append(Instances(size, boxes=Boxes(self._empty(0, 4)), scores=self._empty(0)))
        return faces

    def _empty(self, *shape: int) -> Tensor:
        return torch.zeros(*shape, device=self.device)
