"""mAP of HICO-DET, Default and Known Object."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence

import numpy as np
from detectron2.structures import BoxMode

from choi_d2.categories.hicodet import COCO_IDS, HOIS, OBJECTS, VERBS
from choi_d2.utils import InputError, write_json

from .findings import Findings
from .hicodet import HOIPairs
from .hicodet_files import score
from .hicodet_truth import HICODETTruth, official_rare_classes, read_hicodet_truth
from .hoi_evaluator import image_name
from .hoiw_evaluator import HOIWEvaluator
from .submission import hicodet_submission
from .tables import hicodet_table

logger = logging.getLogger(__name__)


class HICODETEvaluator(HOIWEvaluator):
    """mAP by HICO-DET's rules; the data set's classes and verbs have HICO-DET's names.

    Ground truth is ``json_file``, with the rare classes of ``train_file`` and the image-level
    labels of ``labels_file`` where there are such files; without ``json_file`` it is the records.
    ``train_file`` and ``labels_file`` are what the command line takes as ``--train`` and
    ``--labels``.

    Every (pair, verb) that is one of the 600 classes and has a triplet score above zero is a
    detection. Boxes are corners in a model and pixels in HICO-DET, whose last pixel is a part of
    the box. The detections are written as ``{dataset_name}_predictions.json``.

    Args:
        dataset_name, output_dir, distributed: see :class:`HOIWEvaluator`.
    """

    OFFICIAL_TYPE = "hicodet"
    OFFICIAL_FILES = ("json_file",)

    def __init__(self, dataset_name: str, **options):
        super().__init__(dataset_name, **options)
        self._object_of_class = _places(self.metadata.thing_classes, OBJECTS, "class")
        self._verb_of_verb = _places(self.metadata.verb_classes, VERBS, "verb")
        self._hoi_ids = np.zeros((len(OBJECTS), len(VERBS)), np.int64)
        for hoi_id, hoi in enumerate(HOIS, 1):
            self._hoi_ids[hoi] = hoi_id

    def collect(self, image: Mapping, output: Mapping) -> dict[str, np.ndarray]:
        """As :meth:`HOIWEvaluator.collect`, of the 600 classes: ``hoi_ids`` (T,), ``verbs`` in
        HICO-DET's order, ``boxes`` in pixels counted from 0, as float64.
        """
        found = super().collect(image, output)
        objects = self._object_of_class[found["classes"][found["pairs"][:, 1]]]
        verbs = self._verb_of_verb[found["verbs"]]
        hoi_ids = self._hoi_ids[objects, verbs]
        classes = hoi_ids > 0
        return {
            "boxes": _pixels(found["boxes"]),
            "classes": found["classes"],
            "box_scores": found["box_scores"],
            "pairs": found["pairs"][classes],
            "verbs": verbs[classes],
            "hoi_ids": hoi_ids[classes],
            "scores": found["scores"][classes],
        }

    def write_predictions(self, records: Sequence[Mapping], predictions: Mapping) -> None:
        """The detections as JSON, boxes and pairs of them."""
        image_root = self.metadata.get("image_root")
        named = {
            image_name(record, image_root): predictions[record["image_id"]]
            for record in records
            if record["image_id"] in predictions
        }
        category_ids = np.array(COCO_IDS)[self._object_of_class].tolist()
        submission = hicodet_submission(named, category_ids)
        write_json(self.output_path("_predictions.json"), submission)

    def compute(self, records: Sequence[Mapping], predictions: Mapping) -> dict:
        """See :func:`choi_d2.evaluation.hicodet_files.score`."""
        truth, place = self._truth(records)
        images, parts = [], []
        # In the order of the submission, which decides between equal scores.
        for record in records:
            image = place.get(record["image_id"])
            if image is not None and record["image_id"] in predictions:
                images.append(image)
                parts.append(predictions[record["image_id"]])
        return score(truth, _detections(images, parts))

    def _truth(self, records: Sequence[Mapping]) -> tuple[HICODETTruth, dict]:
        """What counts, and the place in it of each record's ``image_id``."""
        files = self.official_files()
        if files is None:
            truth = self._truth_of_records(records)
            return truth, {image_id: place for place, image_id in enumerate(truth.names)}
        others = [self._file(key) for key in ("train_file", "labels_file")]
        findings = Findings()
        truth = read_hicodet_truth(*files, *others, findings, self.metadata.get("split", "test"))
        findings.report(logger, strict=False)
        image_root = self.metadata.get("image_root")
        place_of_name = {name: place for place, name in enumerate(truth.names)}
        return truth, {
            record["image_id"]: place_of_name.get(image_name(record, image_root))
            for record in records
        }

    def _file(self, key: str) -> str | None:
        path = self.metadata.get(key)
        if path and not os.path.exists(path):
            logger.warning(f"'{self.dataset_name}': there is no {path}, evaluated without")
        return path if path and os.path.exists(path) else None

    def _truth_of_records(self, records: Sequence[Mapping]) -> HICODETTruth:
        rows, boxes = [], []
        for image, record in enumerate(records):
            annotations = record.get("annotations", ())
            corners = [
                BoxMode.convert(list(a["bbox"]), a["bbox_mode"], BoxMode.XYXY_ABS)
                for a in annotations
            ]
            for pair in record.get("interactions", ()):
                target = annotations[pair["object"]]["category_id"]
                hoi_ids = self._hoi_ids[
                    self._object_of_class[target], self._verb_of_verb[pair["verbs"]]
                ]
                for hoi_id in hoi_ids[hoi_ids > 0].tolist():
                    rows.append((image, hoi_id - 1))
                    boxes.append((corners[pair["human"]], corners[pair["object"]]))
        pixels = _pixels(np.array(boxes, np.float64).reshape(-1, 4)).reshape(-1, 2, 4) + 1
        images, hois = np.array(rows, np.int64).reshape(-1, 2).T
        return HICODETTruth(
            names=[record["image_id"] for record in records],
            pairs=HOIPairs(images, hois, pixels[:, 0], pixels[:, 1]),
            sizes=None,
            rare=official_rare_classes(),
            rare_from="the official list",
            labels=None,
        )

    def table(self, metrics: Mapping) -> str:
        """The means of both settings."""
        return hicodet_table(metrics)

    def summary(self, metrics: Mapping) -> dict[str, float]:
        """``mAP_full``, ``mAP_rare``, ``mAP_non_rare``, ``mAP_over_classes_with_gt`` of Default,
        the same of Known Object as ``mAP_full_ko`` and so on, and ``mAP-{verb}`` of Default.
        """
        means = {}
        for setting, suffix in (("default", ""), ("known_object", "_ko")):
            for name in ("mAP_full", "mAP_rare", "mAP_non_rare", "mAP_over_classes_with_gt"):
                means[f"{name}{suffix}"] = metrics[setting][name]
        for verb in metrics["default"]["per_verb"].values():
            means[f"mAP-{verb['name']}"] = verb["mAP"]
        return {n: float("nan") if value is None else 100 * value for n, value in means.items()}


def _places(names: Sequence[str], official: Sequence[str], what: str) -> np.ndarray:
    """(len(names),) int64, the place of each in HICO-DET's list.

    Raises:
        InputError: one is not in there.
    """
    plain = [name.replace(" ", "_") for name in names]
    if unknown := [name for name in plain if name not in official]:
        raise InputError(
            f"HICO-DET has no {what} '{unknown[0]}'",
            hint="HICODETEvaluator is for data sets with HICO-DET's names; 'hoi' takes any.",
        )
    return np.array([official.index(name) for name in plain], np.int64)


def _pixels(corners: np.ndarray) -> np.ndarray:
    """(R, 4) float64: boxes whose last pixel is a part of them."""
    return corners.astype(np.float64) - (0, 0, 1, 1)


def _detections(images: Sequence[int], predictions: Sequence[Mapping]) -> HOIPairs:
    """What :meth:`HICODETEvaluator.collect` kept of these images."""
    counts = [len(prediction["scores"]) for prediction in predictions]
    ends = [
        np.concatenate(
            [
                np.zeros((0, 4)),
                *(prediction["boxes"][prediction["pairs"][:, end]] for prediction in predictions),
            ]
        )
        for end in (0, 1)
    ]
    hoi_ids, scores = (
        np.concatenate([np.zeros(0, dtype), *(prediction[key] for prediction in predictions)])
        for key, dtype in (("hoi_ids", np.int64), ("scores", np.float32))
    )
    return HOIPairs(
        np.repeat(np.array(images, np.int64), counts), hoi_ids - 1, *ends, scores.astype(np.float64)
    )
