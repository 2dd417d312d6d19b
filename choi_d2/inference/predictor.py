"""From pictures to triplets."""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Literal, overload

import numpy as np
import torch
from detectron2.config import CfgNode
from detectron2.structures import Instances

import choi_d2.data
import choi_d2.modeling  # noqa: F401 (with choi_d2.data: registers data sets and models)
from choi_d2.engine.device import resolve_device
from choi_d2.engine.loading import load_trained, metadata_of
from choi_d2.engine.profiles import profile_opts
from choi_d2.engine.weights_config import load_weights_config
from choi_d2.modeling.fast import prepare_for_inference
from choi_d2.modeling.meta_arch import with_augmentation
from choi_d2.pictures import as_bgr
from choi_d2.structures import Detections
from choi_d2.utils import InputError

from .bundles import find_model
from .detections import DetectionSource, detections_of, given_instances
from .model_inputs import prepare
from .results import HOIResult
from .sources import Picture, Source, open_source
from .tracking import check_tracker, track_results

if TYPE_CHECKING:
    from choi_d2.data.faces import FaceDetector

logger = logging.getLogger(__name__)


class HOIPredictor:
    """Finds the ⟨human, verb, object⟩ triplets of pictures.

    ::

        predictor = HOIPredictor.from_pretrained("model_final.pth")
        for result in predictor("photo.jpg"):
            print(result)

    As Detectron2's ``DefaultPredictor`` it builds the config's model, loads ``MODEL.WEIGHTS``,
    resizes pictures by ``INPUT.MIN_SIZE_TEST`` and ``MAX_SIZE_TEST``, and answers in the pictures'
    own pixels. It also finds the faces that facial attention looks at.

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
        self.cfg = trained.cfg
        self.model = prepare_for_inference(trained.model.eval(), trained.cfg, in_place=True)
        self._answering = with_augmentation(self.model, trained.cfg)
        self.vocabulary = trained.vocabulary
        self.metadata = metadata_of(trained.vocabulary, trained.source or "random weights")
        self.face_detector = face_detector or _needed_face_detector(self.cfg)

    @classmethod
    def from_pretrained(
        cls,
        model: str | os.PathLike,
        *,
        device: str | None = None,
        faces: str | FaceDetector | None = None,
        fast: bool = False,
        augment: bool = False,
        opts: Sequence[str] = (),
    ) -> HOIPredictor:
        """A predictor from a model's name or file, and nothing else.

        Args:
            model: the name of a model that comes with the package, a bundle
                (:func:`choi_d2.inference.bundles.write_bundle`), or a checkpoint of a training,
                such as ``model_final.pth``.
            device: "cpu", "cuda", "cuda:1", ...; by default a GPU where there is one.
            faces: a face detector, or the name of one ("haar", "insightface", "none", "auto").
            fast: take less time a picture, for results that differ a little
                (``configs/variants/fast.yaml``).
            augment: look at several sizes of a picture and their mirror images, as the model's
                ``TEST.AUG`` says, for better results that take several times as long.
            opts: KEY VALUE pairs that override the model's config.

        Raises:
            InputError: no such model, no checkpoint, or an old one without a config beside it.
        """
        given = [*profile_opts(fast=fast, augment=augment), *opts]
        if device is not None:
            given += ["MODEL.DEVICE", device]
        if isinstance(faces, str):
            given += ["INPUT.FACES.DETECTOR", faces]
            faces = None
        return cls(load_weights_config(find_model(model), given), faces)

    @classmethod
    def from_checkpoint(
        cls,
        weights: str | os.PathLike,
        opts: Sequence[str] = (),
        *,
        face_detector: FaceDetector | None = None,
    ) -> HOIPredictor:
        """:meth:`from_pretrained` for a local file."""
        return cls(load_weights_config(weights, opts), face_detector)

    # ------------------------------------------------------------------------------- results

    @overload
    def __call__(
        self,
        source: Source,
        *,
        stream: Literal[False] = False,
        batch_size: int = 1,
        score_thresh: float | None = None,
        max_triplets: int | None = 20,
        vid_stride: int = 1,
        track: bool = False,
        detections: DetectionSource | None = None,
        keep_image: bool = True,
        on_error: Callable[[InputError], None] | None = None,
    ) -> list[HOIResult]: ...

    @overload
    def __call__(
        self,
        source: Source,
        *,
        stream: Literal[True],
        batch_size: int = 1,
        score_thresh: float | None = None,
        max_triplets: int | None = 20,
        vid_stride: int = 1,
        track: bool = False,
        detections: DetectionSource | None = None,
        keep_image: bool = True,
        on_error: Callable[[InputError], None] | None = None,
    ) -> Iterator[HOIResult]: ...

    def __call__(
        self,
        source: Source,
        *,
        stream: bool = False,
        batch_size: int = 1,
        score_thresh: float | None = None,
        max_triplets: int | None = 20,
        vid_stride: int = 1,
        track: bool = False,
        detections: DetectionSource | None = None,
        keep_image: bool = True,
        on_error: Callable[[InputError], None] | None = None,
    ) -> list[HOIResult] | Iterator[HOIResult]:
        """Find the triplets of pictures.

        Args:
            source: what :func:`choi_d2.inference.sources.open_source` takes: a path, a folder, a
                pattern, a video, a camera's number, arrays in BGR, PIL images, or several.
            stream: give an iterator that works while it is iterated, for videos and large folders;
                by default all results are in a list.
            batch_size: pictures that are looked at together. Those of a batch that become equally
                large go through the model at once.
            score_thresh: the least score of a triplet; by default the model's own,
                ``TEST.TRIPLET_SCORE_THRESH``.
            max_triplets: at most so many of a picture, the best ones; None for all.
            vid_stride: of a video or camera, every so many frames are taken.
            track: give people and things numbers that they keep over the frames of a video, see
                :mod:`choi_d2.inference.tracking`; arrays and PIL images count as frames of one
                video, photos are left alone. A result comes when the next frame is known.
            detections: another detector's, in the place of the model's own: a function of
                :class:`Picture`, or a mapping from file names, or a list with one for each picture.
            keep_image: let results hold their pictures, to be drawn on.
            on_error: called with what is wrong with a picture of a folder or a list, which is then
                left out; by default it is raised.

        Returns:
            one result for each picture, in their order.

        Raises:
            InputError: nothing is there, or it is no picture; with ``track``, the package that
                tracks is not installed.
        """
        if batch_size < 1:
            raise InputError(f"expected at least 1, found {batch_size}", field="batch_size")
        results = self.predict(
            open_source(source, vid_stride=vid_stride, on_error=on_error),
            batch_size=batch_size,
            score_thresh=score_thresh,
            max_triplets=max_triplets,
            track=track,
            detections=detections,
            keep_image=keep_image,
        )
        return results if stream else list(results)

    def predict(
        self,
        pictures: Iterable[Picture],
        *,
        batch_size: int = 1,
        score_thresh: float | None = None,
        max_triplets: int | None = 20,
        track: bool = False,
        detections: DetectionSource | None = None,
        keep_image: bool = True,
    ) -> Iterator[HOIResult]:
        """As a call with ``stream``, from pictures that somebody else has opened."""
        if track:
            check_tracker()
        found = self._results(
            iter(pictures), batch_size, detections, score_thresh, max_triplets, keep_image
        )
        if track:
            # Whoever can be in a triplet can get a number.
            return track_results(found, self.cfg.MODEL.ROI_INTERACTION_HEAD.SCORE_THRESH_TEST)
        return _without_pictures(found)

    def _results(
        self,
        pictures: Iterator[Picture],
        batch_size: int,
        detections: DetectionSource | None,
        score_thresh: float | None,
        max_triplets: int | None,
        keep_image: bool,
    ) -> Generator[tuple[Picture, HOIResult]]:
        number = itertools.count()
        least = self.least_score(score_thresh)
        try:
            while batch := list(itertools.islice(pictures, batch_size)):
                given = None
                if detections is not None:
                    given = [detections_of(detections, x, next(number)) for x in batch]
                for picture, outputs in zip(batch, self._outputs(batch, given), strict=True):
                    yield (
                        picture,
                        HOIResult.from_predictions(
                            outputs,
                            self.vocabulary,
                            score_thresh=least,
                            max_triplets=max_triplets,
                            file_name=picture.file_name,
                            frame=picture.frame,
                            time=picture.time,
                            image=_rgb(picture.image) if keep_image else None,
                        ),
                    )
        finally:
            close = getattr(pictures, "close", None)
            if close is not None:
                close()

    def least_score(self, score_thresh: float | None) -> float:
        """What is asked for, or the model's own: from which score on triplets are told."""
        return self.cfg.TEST.TRIPLET_SCORE_THRESH if score_thresh is None else score_thresh

    # ----------------------------------------------------------------------- Detectron2's form

    def outputs(
        self, image_bgr: np.ndarray, *, file_name: str | None = None
    ) -> dict[str, Instances]:
        """What the model says of one picture, as Detectron2's ``DefaultPredictor`` does.

        Args:
            image_bgr: uint8 (H, W, 3) in BGR order, whatever ``INPUT.FORMAT`` is; grayscale, BGRA
                and uint16 arrays, as ``cv2.imread`` may give them, are converted.
            file_name: named in errors; the face detector ``file`` looks faces up by it.

        Returns:
            ``instances`` and ``interactions`` of the model, in the picture's pixels, on the CPU;
            and where a face detector is in use ``faces``, with ``boxes`` and ``scores``, likewise.

        Raises:
            InputError: ``image_bgr`` is no picture.
        """
        image = as_bgr(image_bgr, file_name)
        return self._outputs([Picture(image, file_name, "array_0")], None)[0]

    @torch.no_grad()
    def _outputs(
        self, pictures: Sequence[Picture], given: Sequence[Detections] | None
    ) -> list[dict[str, Instances]]:
        prepared = [prepare(picture, self.cfg, self.face_detector) for picture in pictures]
        detected = None
        if given is not None:
            detected = [
                given_instances(x, self.vocabulary, transform, inputs["image"].shape[1:])
                for x, (inputs, transform, _) in zip(given, prepared, strict=True)
            ]
        outputs: list[dict[str, Instances]] = [{} for _ in pictures]
        # Equally large ones together: padding would change the numbers of the others.
        by_size: dict[tuple, list[int]] = {}
        for index, (inputs, _, _) in enumerate(prepared):
            by_size.setdefault(tuple(inputs["image"].shape), []).append(index)
        for indices in by_size.values():
            batch = [prepared[index][0] for index in indices]
            if detected is None:
                found = self._answering(batch)
            else:
                found = self._answering.inference(batch, [detected[index] for index in indices])
            for index, each in zip(indices, found, strict=True):
                outputs[index] = {key: value.to("cpu") for key, value in each.items()}
                faces = prepared[index][2]
                if faces is not None:
                    outputs[index]["faces"] = faces
        return outputs


def _without_pictures(found: Generator[tuple[Picture, HOIResult]]) -> Iterator[HOIResult]:
    with contextlib.closing(found):
        for _, result in found:
            yield result


def _needed_face_detector(cfg: CfgNode) -> FaceDetector | None:
    if not (cfg.MODEL.INTERACTION_ON and cfg.MODEL.ROI_INTERACTION_HEAD.EFRA.ENABLED):
        return None
    from choi_d2.data.faces import build_face_detector

    return build_face_detector(cfg)


def _rgb(image_bgr: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(image_bgr[:, :, ::-1])
