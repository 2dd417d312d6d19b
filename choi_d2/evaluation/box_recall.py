"""R@k between boxes: PIC's metric for data sets whose instances have boxes and no masks.

PIC's own has one instance for each pixel (:mod:`choi_d2.evaluation.pic`): painted so, a phone in
its owner's box would hide a part of the owner, or be hidden.

G: annotated triplets of all images; P: predicted ones; T: the IoU thresholds; N: verbs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from .hoi_evaluator import inverse
from .hoiw import Triplets, matched_iou
from .hoiw_evaluator import HOIWEvaluator, triplets_of_predictions
from .pic import IOU_THRESHOLDS, NEVER, TOP_K
from .tables import box_recall_table


def box_recall_metrics(ground_truth: Triplets, predictions: Triplets, num_verbs: int) -> dict:
    """Recall among the best 20, 50 and 100 triplets of an image.

    Of each image the k best-scored triplets count, whatever their verbs. One recalls an annotated
    triplet of its image if it has its verb and both its classes, and both boxes overlap with an
    IoU of at least the threshold. As in PIC, a prediction recalls all annotated triplets that it
    matches, one that is annotated twice counts twice, and what is predicted twice takes two places.

    Unlike PIC, whose recall is a mean over images in two groups of relations, recall is per verb
    over the whole data set; its mean is over the verbs that are annotated.

    Args:
        ground_truth: see :class:`~choi_d2.evaluation.hoiw.Triplets`; verbs outside 0..N-1 are
            ignored.
        predictions: with scores, ``images`` as in the ground truth; equal scores stay in the order
            given.
        num_verbs: N.

    Returns:
        ``R@20``, ``R@50``, ``R@100``: fractions, the mean over the thresholds .25, .5 and .75;
        ``per_iou``: ``"R@20"`` -> ``"0.25"`` -> the mean over verbs at this threshold;
        ``per_verb``: a list of N dicts ``R@20``, ``R@50``, ``R@100`` (mean over the thresholds),
        ``num_gt``. None where nothing is annotated.
    """
    ranks = recalling_ranks(ground_truth, predictions)
    of_verb = ground_truth.verbs == np.arange(num_verbs)[:, None]
    counts = of_verb.sum(axis=1)
    occurs = counts > 0
    metrics: dict = {f"R@{k}": None for k in TOP_K} | {"per_iou": {}}
    per_verb: list[dict] = [{f"R@{k}": None for k in TOP_K} for _ in range(num_verbs)]
    for k in TOP_K:
        # (T, N), of verbs that occur.
        recalled = (ranks <= k).astype(np.int64) @ of_verb[occurs].T
        recalls = recalled / counts[occurs]
        means = recalls.mean(axis=1) if occurs.any() else [None] * len(IOU_THRESHOLDS)
        metrics["per_iou"][f"R@{k}"] = {
            f"{threshold:g}": None if mean is None else float(mean)
            for threshold, mean in zip(IOU_THRESHOLDS, means, strict=True)
        }
        if occurs.any():
            metrics[f"R@{k}"] = float(recalls.mean())
        for verb, recall in zip(np.flatnonzero(occurs), recalls.mean(axis=0), strict=True):
            per_verb[verb][f"R@{k}"] = float(recall)
    for numbers, count in zip(per_verb, counts, strict=True):
        numbers["num_gt"] = int(count)
    return metrics | {"per_verb": per_verb}


def recalling_ranks(ground_truth: Triplets, predictions: Triplets) -> np.ndarray:
    """How many predictions of its image have to be kept until each annotated triplet is recalled.

    Args:
        ground_truth, predictions: see :func:`box_recall_metrics`.

    Returns:
        (T, G) int64: the rank, from 1, of the best-scored prediction that recalls the triplet at
        each threshold; :data:`~choi_d2.evaluation.pic.NEVER` where none of the best 100 does.
    """
    # Image by image, by score within each.
    order = np.lexsort((-predictions.scores, predictions.images))
    images = predictions.images[order]
    rank = np.arange(len(order)) - np.searchsorted(images, images, side="left") + 1
    kept = rank <= max(TOP_K)
    order, images, rank = order[kept], images[kept], rank[kept]

    # Every (annotated, predicted) of the same image, by their places in G and in ``order``.
    first = np.searchsorted(images, ground_truth.images, side="left")
    counts = np.searchsorted(images, ground_truth.images, side="right") - first
    target = np.repeat(np.arange(len(counts)), counts)
    candidate = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts - first, counts)
    same = ground_truth.verbs[target] == predictions.verbs[order[candidate]]
    target, candidate = target[same], candidate[same]

    overlap = np.ones(len(target))
    for end in ("subjects", "objects"):
        mine = getattr(ground_truth, end)[target]
        theirs = getattr(predictions, end)[order[candidate]]
        known = (mine >= 0) & (theirs >= 0)
        target, candidate, overlap = target[known], candidate[known], overlap[known]
        mine, theirs = mine[known], theirs[known]
        alike = ground_truth.categories[mine] == predictions.categories[theirs]
        iou = matched_iou(ground_truth.boxes[mine], predictions.boxes[theirs])
        overlap = np.minimum(overlap, np.where(alike, iou, 0))
    ranks = np.full((len(IOU_THRESHOLDS), len(counts)), NEVER)
    for row, threshold in enumerate(IOU_THRESHOLDS):
        matches = overlap >= threshold
        np.minimum.at(ranks[row], target[matches], rank[candidate[matches]])
    return ranks


class BoxRecallEvaluator(HOIWEvaluator):
    """R@20, R@50, R@100 between boxes, with the data set's own classes and verbs.

    Beside mAP_rel of the same predictions (``evaluator_type = ("hoiw", "box_recall")``), as the
    paper's Table 4 has both. Ground truth is :class:`HOIWEvaluator`'s. Of an image the best 100
    (pair, verb) by triplet score are kept, those above zero, and written in HOIW's format as
    ``{dataset_name}_box_recall_predictions.json``. Results are of the task "recall".

    Args:
        dataset_name, output_dir, distributed: see :class:`HOIWEvaluator`.
    """

    TASK = "recall"
    FILE_SUFFIX = "_box_recall"

    def collect(self, image: Mapping, output: Mapping) -> dict[str, np.ndarray]:
        """As :meth:`HOIWEvaluator.collect`, at most 100 triplets, the best first."""
        kept = super().collect(image, output)
        best = np.argsort(-kept["scores"], kind="stable")[: max(TOP_K)]
        return kept | {key: kept[key][best] for key in ("pairs", "verbs", "scores")}

    def compute(self, records: Sequence[Mapping], predictions: Mapping) -> dict:
        """See :func:`box_recall_metrics`; ``per_verb`` by the data set's verb id, with ``name``."""
        names = self.metadata.verb_classes
        image_ids, truth = self.ground_truth(records)
        found = [image for image, image_id in enumerate(image_ids) if image_id in predictions]
        predicted = triplets_of_predictions([predictions[image_ids[image]] for image in found])
        predicted = replace(predicted, images=np.array(found, np.int64)[predicted.images])
        metrics = box_recall_metrics(truth, predicted, len(names))
        own_id = inverse(self.metadata.verb_dataset_id_to_contiguous_id)
        metrics["per_verb"] = {
            str(own_id[verb]): {"name": name, **metrics["per_verb"][verb]}
            for verb, name in enumerate(names)
        }
        return metrics

    def table(self, metrics: Mapping) -> str:
        """Recall per verb and IoU."""
        return box_recall_table(metrics)

    def summary(self, metrics: Mapping) -> dict[str, float]:
        """``R@k``, ``R@k-IoU25`` and so on, ``R@k-{verb}``; nan where nothing is annotated."""
        results = {f"R@{k}": metrics[f"R@{k}"] for k in TOP_K}
        for k, per_iou in metrics["per_iou"].items():
            for threshold, recall in per_iou.items():
                results[f"{k}-IoU{round(100 * float(threshold))}"] = recall
            for verb in metrics["per_verb"].values():
                results[f"{k}-{verb['name']}"] = verb[k]
        return {n: float("nan") if r is None else 100 * r for n, r in results.items()}
