"""From a photo to triplets, in one call."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from detectron2.config import CfgNode
from detectron2.data import transforms as T
from detectron2.structures import Boxes, Instances

import choi_d2.data
import choi_d2.modeling  # noqa: F401 (with choi_d2.data: registers data sets and models)
from choi_d2.pictures import as_bgr
from choi_d2.pictures.formats import from_bgr
from choi_d2.utils import InputError

from .device import resolve_device
from .loading import load_trained, metadata_of
from .weights_config import load_weights_config

if TYPE_CHECKING:
    from choi_d2.data.faces import FaceDetector

logger = logging.getLogger(__name__)


class HOIPredictor:
    """Finds the ⟨human, verb, object⟩ triplets of one photo at a time.

    As Detectron2's ``DefaultPredictor``: it builds the config's model, loads ``MODEL.WEIGHTS``,
    resizes the photo by ``INPUT.MIN_SIZE_TEST`` and ``MAX_SIZE_TEST``, and answers in the photo's
    own pixels. It also finds the faces that facial attention looks at. ::

        predictor = HOIPredictor(cfg)
        outputs = predictor(read_picture("photo.jpg"))

    Weights alone are enough: ``HOIPredictor.from_checkpoint("model_final.pth")``.

    Attributes:
        cfg: the model's; classes, verbs and channels are those of the weights.
        vocabulary: the model's classes and verbs. The checkpoint says them; where an older one does
            not, they are assumed to be those of the config's data sets.
        metadata: the same, as drawing takes it.

    Args:
        cfg: it is copied. ``MODEL.DEVICE`` falls back to the CPU where there is no GPU.
        face_detector: by default ``INPUT.FACES.DETECTOR`` where the model has facial attention,
            and none where it has not.

    Raises:
        InputError: no name for each class and verb, weights that cannot be loaded, or a face
            detector that is not there.
    """

    def __init__(self, cfg: CfgNode, face_detector: FaceDetector | None = None):
        resolved = cfg.clone()
        resolve_device(resolved)
        if not resolved.MODEL.WEIGHTS:
            logger.warning("MODEL.WEIGHTS is empty: the predictions are those of random weights")
        trained = load_trained(resolved)
        if trained.vocabulary is None:
            raise InputError(
                "nobody says the classes and verbs of this model: its checkpoint does not, and "
                "DATASETS names no data set that does",
                path=trained.source or None,
                field="DATASETS.TEST",
                hint="Name the data set that it was trained on, and import what registers it.",
            )
        self.cfg, self.model = trained.cfg, trained.model.eval()
        self.vocabulary = trained.vocabulary
        self.metadata = metadata_of(trained.vocabulary, trained.source or "random weights")
        self.face_detector = face_detector or _needed_face_detector(self.cfg)

    @classmethod
    def from_checkpoint(
        cls,
        weights: str | os.PathLike,
        opts: Sequence[str] = (),
        *,
        face_detector: FaceDetector | None = None,
    ) -> HOIPredictor:
        """A predictor from a checkpoint and nothing else: it knows its config, classes and verbs.

        Args:
            weights: a local file, such as a training's ``model_final.pth`` or ``model_best.pth``.
            opts: KEY VALUE pairs that override its config.
            face_detector: see :class:`HOIPredictor`.

        Raises:
            InputError: no such file, no checkpoint, or an old one without a config beside it.
        """
        return cls(load_weights_config(weights, opts), face_detector)

    @torch.no_grad()
    def __call__(
        self, image_bgr: np.ndarray, *, file_name: str | None = None
    ) -> dict[str, Instances]:
        """Find the triplets of a photo.

        Args:
            image_bgr: uint8 (H, W, 3) in BGR order, whatever ``INPUT.FORMAT`` is; grayscale, BGRA
                and uint16 arrays, as ``cv2.imread`` may give them, are converted.
            file_name: named in errors; the face detector ``file`` looks faces up by it.

        Returns:
            ``instances`` and ``interactions`` of the model, in the photo's pixels, on the CPU; and
            where a face detector is in use ``faces``, with ``boxes`` and ``scores``, likewise.

        Raises:
            InputError: ``image_bgr`` is no picture.
        """
        image = as_bgr(image_bgr, file_name)
        height, width = image.shape[:2]
        transform = _resize_transform(height, width, self.cfg)
        # First the format, then the size, as training does.
        resized = transform.apply_image(from_bgr(image, self.cfg.INPUT.FORMAT))
        tensor = torch.as_tensor(np.array(resized.transpose(2, 0, 1), order="C"))
        inputs = {"image": tensor, "height": height, "width": width}
        if file_name is not None:
            inputs["file_name"] = file_name

        faces = None
        if self.face_detector is not None:
            found = self.face_detector(image, file_name=file_name)
            faces = _face_instances(found.boxes, found.scores, (height, width))
            in_frame = transform.apply_box(found.boxes).reshape(-1, 4)
            inputs["faces"] = _face_instances(in_frame, found.scores, resized.shape[:2])
        outputs = {key: value.to("cpu") for key, value in self.model([inputs])[0].items()}
        if faces is not None:
            outputs["faces"] = faces
        return outputs


def _resize_transform(height: int, width: int, cfg: CfgNode) -> T.Transform:
    """Detectron2's resizing at test time, which leaves even the narrowest strip a pixel."""
    shortest, longest = cfg.INPUT.MIN_SIZE_TEST, cfg.INPUT.MAX_SIZE_TEST
    if shortest == 0:  # as in Detectron2: no resizing
        return T.NoOpTransform()
    sides = T.ResizeShortestEdge.get_output_shape(height, width, shortest, longest)
    return T.ResizeTransform(height, width, *(max(side, 1) for side in sides))


def _needed_face_detector(cfg: CfgNode) -> FaceDetector | None:
    if not (cfg.MODEL.INTERACTION_ON and cfg.MODEL.ROI_INTERACTION_HEAD.EFRA.ENABLED):
        return None
    from choi_d2.data.faces import build_face_detector

    return build_face_detector(cfg)


def _face_instances(boxes: np.ndarray, scores: np.ndarray, size: tuple[int, int]) -> Instances:
    return Instances(
        tuple(size),
        boxes=Boxes(torch.as_tensor(boxes, dtype=torch.float32).reshape(-1, 4)),
        scores=torch.as_tensor(scores, dtype=torch.float32).reshape(-1),
    )
