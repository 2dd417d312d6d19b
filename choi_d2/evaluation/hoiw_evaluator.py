"""mAP_rel of HOIW, and of every data set that is scored by HOIW's rules."""

from __future__ import annotations

import logging
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from detectron2.structures import BoxMode

from choi_d2.utils import write_json

from .findings import Findings
from .hoi_evaluator import HOIEvaluator, image_name, inverse
from .hoiw import Triplets, hoiw_metrics
from .hoiw_files import read_hoiw_truth
from .submission import hoiw_submission
from .tables import hoiw_table

logger = logging.getLogger(__name__)


class HOIWEvaluator(HOIEvaluator):
    """mAP_rel by HOIW's rules, with the data set's own classes and verbs.

    Ground truth is ``json_file`` where ``evaluator_type`` has "hoiw" (and the ids therefore
    HOIW's), otherwise the records.

    Every (pair, verb) with a triplet score above zero is a prediction. The predictions are written
    as ``{dataset_name}_predictions.json``, HOIW's submission.

    Args:
        dataset_name, output_dir, distributed: see :class:`HOIEvaluator`.
    """

    OFFICIAL_TYPE = "hoiw"
    OFFICIAL_FILES = ("json_file",)

    def collect(self, image: Mapping, output: Mapping) -> dict[str, np.ndarray]:
        """Detections (R) and triplets (T) of an image: ``boxes`` (R, 4), ``classes`` (R,),
        ``box_scores`` (R,), ``pairs`` (T, 2) rows of the boxes, ``verbs`` (T,), ``scores`` (T,).
        """
        instances, interactions = output["instances"], output["interactions"]
        scores = interactions.triplet_scores.detach().cpu()
        rows, verbs = torch.nonzero(scores > 0, as_tuple=True)
        return {
            "boxes": instances.pred_boxes.tensor.detach().cpu().numpy(),
            "classes": instances.pred_classes.cpu().numpy(),
            "box_scores": instances.scores.detach().cpu().numpy(),
            "pairs": interactions.pair_indices.cpu()[rows].numpy(),
            "verbs": verbs.numpy(),
            "scores": scores[rows, verbs].numpy(),
        }

    def write_predictions(self, records: Sequence[Mapping], predictions: Mapping) -> None:
        """HOIW's submission JSON."""
        image_root = self.metadata.get("image_root")
        named = {
            image_name(record, image_root): predictions[record["image_id"]]
            for record in records
            if record["image_id"] in predictions
        }
        submission = hoiw_submission(
            named,
            inverse(self.metadata.thing_dataset_id_to_contiguous_id),
            inverse(self.metadata.verb_dataset_id_to_contiguous_id),
        )
        write_json(self.output_path("_predictions.json"), submission)

    def compute(self, records: Sequence[Mapping], predictions: Mapping) -> dict:
        """See :func:`hoiw_metrics`; ``per_verb``: the data set's verb id -> its numbers."""
        names = self.metadata.verb_classes
        image_ids, truth = self.ground_truth(records)
        place = {image_id: image for image, image_id in enumerate(image_ids)}
        # In the order of the submission, which decides between equal scores.
        predicted = [i for i in (r["image_id"] for r in records) if i in predictions and i in place]
        metrics = hoiw_metrics(
            truth,
            triplets_of_predictions([predictions[image_id] for image_id in predicted]),
            len(names),
            entry_images=np.array([place[image_id] for image_id in predicted], np.int64),
        )
        own_id = inverse(self.metadata.verb_dataset_id_to_contiguous_id)
        metrics["per_verb"] = {
            str(own_id[verb]): {"name": name, **metrics["per_verb"][verb]}
            for verb, name in enumerate(names)
        }
        return metrics

    def ground_truth(self, records: Sequence[Mapping]) -> tuple[list[Hashable], Triplets]:
        """What counts: the id of each image (None: it has no record), and the triplets, whose
        ``images`` are places in these ids; categories and verbs are contiguous.
        """
        files = self.official_files()
        if files is None:
            return [record["image_id"] for record in records], triplets_of_records(records)
        findings = Findings()
        names, truth = read_hoiw_truth(*files, findings)
        findings.report(logger, strict=False)
        image_root = self.metadata.get("image_root")
        id_of_name = {image_name(record, image_root): record["image_id"] for record in records}
        # HOIW's categories are numbered from 1, in the order of the contiguous ones.
        return list(map(id_of_name.get, names)), replace(truth, categories=truth.categories - 1)

    def table(self, metrics: Mapping) -> str:
        """AP per verb."""
        return hoiw_table(metrics)

    def summary(self, metrics: Mapping) -> dict[str, float]:
        """``mAP_rel``, ``mAP_rel_5``, ``mean_max_recall``, and ``AP-{verb}``; nan for the mean of
        no verb.
        """
        per_verb = {f"AP-{v['name']}": v["ap"] for v in metrics["per_verb"].values()}
        means = {name: metrics[name] for name in ("mAP_rel", "mAP_rel_5", "mean_max_recall")}
        numbers = (means | per_verb).items()
        return {n: float("nan") if value is None else 100 * value for n, value in numbers}


def triplets_of_records(records: Sequence[Mapping]) -> Triplets:
    """The annotated triplets of dataset records; image = position, ids contiguous."""
    boxes, categories, triplets = [], [], []
    for image, record in enumerate(records):
        first = len(boxes)
        for annotation in record.get("annotations", ()):
            box = BoxMode.convert(
                list(annotation["bbox"]), annotation["bbox_mode"], BoxMode.XYXY_ABS
            )
            boxes.append(box)
            categories.append(annotation["category_id"])
        for pair in record.get("interactions", ()):
            ends = first + pair["human"], first + pair["object"]
            triplets += [(image, *ends, verb) for verb in pair["verbs"]]
    columns = np.array(triplets, np.int64).reshape(-1, 4).T
    return Triplets(
        np.array(boxes, np.float64).reshape(-1, 4), np.array(categories, np.int64), *columns
    )


def triplets_of_predictions(predictions: Sequence[Mapping[str, np.ndarray]]) -> Triplets:
    """What :meth:`HOIWEvaluator.collect` kept of many images; image = position."""
    first = np.cumsum([0] + [len(p["boxes"]) for p in predictions])
    ends = [p["pairs"].reshape(-1, 2) + start for p, start in zip(predictions, first, strict=False)]
    pairs = np.concatenate([np.zeros((0, 2), np.int64), *ends])
    return Triplets(
        boxes=_joined(predictions, "boxes", np.float64).reshape(-1, 4),
        categories=_joined(predictions, "classes", np.int64),
        images=np.repeat(np.arange(len(predictions)), [len(p["verbs"]) for p in predictions]),
        subjects=pairs[:, 0],
        objects=pairs[:, 1],
        verbs=_joined(predictions, "verbs", np.int64),
        scores=_joined(predictions, "scores", np.float64),
    )


def _joined(predictions: Sequence[Mapping], key: str, dtype) -> np.ndarray:
    parts = [np.asarray(p[key], dtype).reshape(-1) for p in predictions]
    return np.concatenate([np.zeros(0, dtype), *parts])
