"""From a dataset record to what the model takes: image, instances, pairs and faces in one frame."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from detectron2.config import CfgNode, configurable
from detectron2.data import MetadataCatalog
from detectron2.data import detection_utils as utils
from detectron2.data import transforms as T
from detectron2.structures import BitMasks, Instances, PolygonMasks

from choi_d2.pictures import read_picture, size_error
from choi_d2.pictures.formats import check_format, from_bgr
from choi_d2.structures import HOIAnnotations
from choi_d2.utils import InputError

from .augmentations import build_augmentations
from .faces import DEFAULT_SCORE_THRESH, load_face_cache
from .faces.factory import face_files
from .masks import has_mask, read_segmentation
from .transformed_boxes import transform_faces, transform_ignored
from .transformed_masks import transform_run_lengths

logger = logging.getLogger(__name__)

FACE_SOURCES = ("annotations", "file", "none")


class HOIDatasetMapper:
    """Reads, resizes and flips an image together with everything that is annotated in it.

    The result, beside ``file_name``, ``image_id`` and the original ``height`` and ``width``:

    - ``image``: Tensor[C, H, W] in ``image_format``, uint8 (YUV: float32);
    - ``faces``, where they are known: ``Instances`` with ``boxes`` and ``scores``;
    - in training ``instances`` (``gt_boxes``, ``gt_classes``, ``gt_judged``: were the instance's
      interactions looked at? ``gt_masks`` where masks are in use), ``interactions``
      (:class:`HOIAnnotations`), whose pairs follow the instances when others are left out, and
      ``ignored`` (:class:`IgnoredRegions`): crowds, instances of little certainty and, where masks
      are in use, those without one, which are no instances. Instances and regions that have become
      empty are left out.

    An annotation says so by ``iscrowd`` (by default 0), ``certainty`` (1) and ``judged`` (True).

    All boxes are absolute, in the frame of the resized image.

    Args:
        is_train: training hands on annotations and passes over broken images.
        augmentations: applied in this order.
        image_format: one of :data:`choi_d2.pictures.formats.FORMATS`.
        num_verbs: N.
        use_masks: hand on ``gt_masks``; annotations without ``segmentation`` are ignored.
        mask_format: "polygon" or "bitmask".
        recompute_boxes: take boxes anew from the masks, as cropping asks for.
        face_source: "annotations" (the records' own), "file" (``faces_by_path``) or "none".
        faces_by_path: absolute image path -> faces, as the records have them.
        face_score_thresh: faces with a lower score are left out.
        certainty_thresh: instances with a lower certainty are ignored.
    """

    @configurable
    def __init__(
        self,
        is_train: bool,
        *,
        augmentations: Sequence[T.Augmentation | T.Transform],
        image_format: str,
        num_verbs: int,
        use_masks: bool = False,
        mask_format: str = "polygon",
        recompute_boxes: bool = False,
        face_source: str = "annotations",
        faces_by_path: Mapping[str, list[dict]] | None = None,
        face_score_thresh: float = 0.0,
        certainty_thresh: float = 0.0,
    ):
        if face_source not in FACE_SOURCES:
            raise InputError(
                f"expected one of {', '.join(FACE_SOURCES)}, found {face_source!r}",
                field="INPUT.FACES.SOURCE",
            )
        check_format(image_format)
        self.is_train = is_train
        self.augmentations = T.AugmentationList(augmentations)
        self.image_format = image_format
        self.num_verbs = num_verbs
        self.use_masks = use_masks
        self.mask_format = mask_format
        self.recompute_boxes = recompute_boxes
        self.face_source = face_source
        self.faces_by_path = dict(faces_by_path or {})
        self.face_score_thresh = face_score_thresh
        self.certainty_thresh = certainty_thresh
        self._broken_images: set[str] = set()
        mode = "training" if is_train else "inference"
        logger.info("Augmentations in %s: %s", mode, self.augmentations)

    @classmethod
    def from_config(cls, cfg: CfgNode, is_train: bool = True) -> dict:
        """The arguments that a config asks for."""
        crop = is_train and cfg.INPUT.CROP.ENABLED
        faces = cfg.INPUT.FACES
        threshold = faces.SCORE_THRESH
        return {
            "is_train": is_train,
            "augmentations": build_augmentations(cfg, is_train),
            "image_format": cfg.INPUT.FORMAT,
            "num_verbs": cfg.MODEL.ROI_INTERACTION_HEAD.NUM_VERBS,
            "use_masks": cfg.MODEL.MASK_ON,
            "mask_format": cfg.INPUT.MASK_FORMAT,
            "recompute_boxes": crop and cfg.MODEL.MASK_ON,
            "face_source": faces.SOURCE,
            "faces_by_path": faces_of_files(faces.FILES) if faces.SOURCE == "file" else None,
            "face_score_thresh": threshold if threshold >= 0 else DEFAULT_SCORE_THRESH,
            "certainty_thresh": cfg.INPUT.CERTAINTY_THRESH,
        }

    def __call__(self, record: Mapping) -> dict | None:
        """Map one record.

        Returns:
            the dict described above; None in training when the image cannot be read.

        Raises:
            InputError: the image cannot be read (evaluation), its size is not the record's, or a
                mask is not of the kind that the config asks for.
        """
        image = self._read_image(record)
        if image is None:
            return None
        mapped = {
            key: value
            for key, value in record.items()
            if key not in ("annotations", "interactions", "faces")
        }
        mapped["height"], mapped["width"] = image.shape[:2]

        augmented = T.AugInput(image)
        transforms = self.augmentations(augmented)
        image = augmented.image
        image_size = image.shape[:2]
        mapped["image"] = torch.as_tensor(np.array(image.transpose(2, 0, 1), order="C"))

        faces = self._faces_of(record)
        if faces is not None:
            mapped["faces"] = transform_faces(faces, transforms, image_size)
        if self.is_train and "annotations" in record:
            mapped["instances"], mapped["interactions"] = self._transform_annotations(
                record, transforms, image_size
            )
            ignored = [x for x in record["annotations"] if not self._is_instance(x)]
            mapped["ignored"] = transform_ignored(ignored, transforms, image_size)
        return mapped

    def _read_image(self, record: Mapping) -> np.ndarray | None:
        path = record["file_name"]
        try:
            image = read_picture(path)
        except InputError as error:
            if not self.is_train:
                raise InputError(
                    error.problem, path=path, image=record.get("image_id"), hint=error.hint
                ) from error
            if path not in self._broken_images:
                self._broken_images.add(path)
                logger.warning("Training goes on without an image: %s", error)
            return None
        found, expected = image.shape[:2], (record.get("height"), record.get("width"))
        if None not in expected and found != expected:
            raise size_error(found, expected, path=path, image=record.get("image_id"))
        return from_bgr(image, self.image_format)

    def _faces_of(self, record: Mapping) -> list[dict] | None:
        if self.face_source == "annotations":
            faces = record.get("faces")
        elif self.face_source == "file":
            faces = self.faces_by_path.get(os.path.abspath(record["file_name"]))
        else:
            faces = None
        if faces is None:
            return None
        return [face for face in faces if face["score"] >= self.face_score_thresh]

    def _is_instance(self, annotation: Mapping) -> bool:
        certain = annotation.get("certainty", 1.0) >= self.certainty_thresh
        # Without a mask it cannot be one where masks are asked for: check_masks has said so.
        whole = not self.use_masks or has_mask(annotation)
        return certain and whole and not annotation.get("iscrowd", 0)

    def _transform_annotations(
        self, record: Mapping, transforms: T.TransformList, image_size: tuple[int, int]
    ) -> tuple[Instances, HOIAnnotations]:
        annotations = record["annotations"]
        interactions = HOIAnnotations.from_records(record.get("interactions", ()), self.num_verbs)

        is_instance = [self._is_instance(annotation) for annotation in annotations]
        interactions = interactions.filter_instances(torch.tensor(is_instance, dtype=torch.bool))
        kept = [
            self._transform_annotation(annotation, record, transforms, image_size)
            for annotation, wanted in zip(annotations, is_instance, strict=True)
            if wanted
        ]
        self._transform_run_lengths(kept, record, transforms, image_size)
        instances = utils.annotations_to_instances(kept, image_size, mask_format=self.mask_format)
        judged = [annotation.get("judged", True) for annotation in kept]
        instances.gt_judged = torch.tensor(judged, dtype=torch.bool)
        if self.use_masks and not kept:
            instances.gt_masks = _no_masks(self.mask_format, image_size)
        if self.recompute_boxes and kept:
            # Part of a mask may have been cropped away, and with it the box's reason.
            instances.gt_boxes = instances.gt_masks.get_bounding_boxes()
        instances, not_empty = utils.filter_empty_instances(instances, return_mask=True)
        return instances, interactions.filter_instances(not_empty)

    def _transform_annotation(
        self,
        annotation: Mapping,
        record: Mapping,
        transforms: T.TransformList,
        image_size: tuple[int, int],
    ) -> dict:
        # Detectron2 writes into the dict that it is given, and the record is used again.
        annotation = dict(annotation)
        if not self.use_masks:
            annotation.pop("segmentation", None)
        elif self.mask_format == "polygon" and isinstance(annotation["segmentation"], dict):
            raise InputError(
                "INPUT.MASK_FORMAT is 'polygon', but this image's masks are run lengths",
                path=record["file_name"],
                image=record.get("image_id"),
                hint="Set INPUT.MASK_FORMAT to 'bitmask'.",
            )
        is_run_lengths = isinstance(annotation.get("segmentation"), Mapping)
        mask = annotation.pop("segmentation") if is_run_lengths else None
        with _masks_of(record):
            annotation = utils.transform_instance_annotations(annotation, transforms, image_size)
            if is_run_lengths:
                # Not every loader has checked them, and pycocotools can crash on broken ones.
                annotation["segmentation"], _ = read_segmentation(mask, *mask["size"])
        return annotation

    def _transform_run_lengths(
        self,
        annotations: list[dict],
        record: Mapping,
        transforms: T.TransformList,
        image_size: tuple[int, int],
    ) -> None:
        """Replace run lengths by arrays in the frame of the augmented image, in place."""
        having = [x for x in annotations if isinstance(x.get("segmentation"), Mapping)]
        masks = [x["segmentation"] for x in having]
        with _masks_of(record):
            for annotation, mask in zip(
                having, transform_run_lengths(masks, transforms, image_size), strict=True
            ):
                annotation["segmentation"] = mask


@contextlib.contextmanager
def _masks_of(record: Mapping) -> Iterator[None]:
    """What masks that are none lead to, as :class:`InputError`."""
    try:
        yield
    except (AssertionError, KeyError, TypeError, ValueError) as error:
        problem = f"an instance's segmentation cannot be used ({error})"
        place = {"path": record["file_name"], "image": record.get("image_id")}
        raise InputError(problem, **place) from error


def faces_of_files(files: Sequence[str]) -> dict[str, list[dict]]:
    """Absolute image path -> faces, for ``INPUT.FACES.FILES``.

    Args:
        files: ``"data set name=path of its face file"``, see :mod:`choi_d2.data.faces`.

    Raises:
        InputError: an entry is not of that form, names an unknown data set, or its file is broken.
    """
    faces_by_path = {}
    for name, path in face_files(files).items():
        image_root = getattr(MetadataCatalog.get(name), "image_root", None)
        if image_root is None:
            message = f"{name!r} is no registered data set with an image folder"
            raise InputError(message, field="INPUT.FACES.FILES")
        for file_name, faces in load_face_cache(path).items():
            faces_by_path[os.path.abspath(os.path.join(image_root, file_name))] = faces
    return faces_by_path


def _no_masks(mask_format: str, image_size: tuple[int, int]) -> BitMasks | PolygonMasks:
    if mask_format == "polygon":
        return PolygonMasks([])
    return BitMasks(torch.zeros(0, *image_size, dtype=torch.bool))
