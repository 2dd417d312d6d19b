"""The ranking of pairs, beside other metrics of the same predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from detectron2.structures import BoxMode

from .hoi_evaluator import HOIEvaluator
from .ranking import KINDS, match_detections, pair_kinds, ranking_metrics
from .tables import columns_table, percent


class RankingEvaluator(HOIEvaluator):
    """:func:`~choi_d2.evaluation.ranking.ranking_metrics` of g (Eq. 13).

    Beside other metrics: ``evaluator_type = ("hoiw", "ranking")``. Ground truth are the data set's
    records. Pairs that the model left out (``RRM.TOPK``, its threshold on detections) are not seen.
    Nothing is written but the metrics. Results are of the task "ranking".

    Args:
        dataset_name, output_dir, distributed: see :class:`HOIEvaluator`.
    """

    TASK = "ranking"
    FILE_SUFFIX = "_ranking"

    def collect(self, image: Mapping, output: Mapping) -> dict[str, np.ndarray]:
        """Detections and ranked pairs of an image."""
        instances, interactions = output["instances"], output["interactions"]
        return {
            "boxes": instances.pred_boxes.tensor.detach().cpu().numpy().astype(np.float64),
            "classes": instances.pred_classes.cpu().numpy(),
            "pairs": interactions.pair_indices.cpu().numpy(),
            "ranks": interactions.rank_scores.detach().cpu().numpy(),
        }

    def write_predictions(self, records: Sequence[Mapping], predictions: Mapping) -> None:
        """None: no challenge asks for ranks."""

    def compute(self, records: Sequence[Mapping], predictions: Mapping) -> dict:
        """See :func:`~choi_d2.evaluation.ranking.ranking_metrics`."""
        images = []
        for record in records:
            found = predictions.get(record["image_id"])
            if found is None:
                continue
            instances = record.get("annotations", ())
            boxes = [
                BoxMode.convert(list(x["bbox"]), x["bbox_mode"], BoxMode.XYXY_ABS)
                for x in instances
            ]
            matches = match_detections(
                found["boxes"],
                found["classes"],
                np.array(boxes, np.float64).reshape(-1, 4),
                np.array([x["category_id"] for x in instances], np.int64),
            )
            annotated = [(x["human"], x["object"]) for x in record.get("interactions", ())]
            images.append((found["ranks"], pair_kinds(matches, found["pairs"], annotated)))
        return ranking_metrics(images)

    def table(self, metrics: Mapping) -> str:
        """Accuracies in percent, and pairs an image."""
        cells = [(f"before {k}", percent(metrics[f"accuracy_{k}"])) for k in KINDS[1:]]
        cells += [
            (f"{kind} pairs an image", f"{metrics[f'{kind}_per_image']:.1f}") for kind in KINDS
        ]
        return columns_table(cells, ("pairs", "value"))

    def summary(self, metrics: Mapping) -> dict[str, float]:
        """Accuracies in percent (nan where there are none), and pairs an image by kind."""
        results = {}
        for name, value in metrics.items():
            if name.startswith("accuracy"):
                value = float("nan") if value is None else 100 * value
            results[name] = value
        return results
