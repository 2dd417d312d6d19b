"""R@k of PIC from a model's outputs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch
from detectron2.structures import BoxMode
from pycocotools import mask as mask_util

from choi_d2.utils import InputError

from .findings import Findings
from .hoi_evaluator import HOIEvaluator, image_name, inverse
from .pic import TOP_K, V2_EXCLUDED, RelationScene, pic_metrics_of_scenes
from .pic_files import PICFolder, read_pic_truth
from .png import read_label_map
from .submission import write_pic_submission
from .tables import pic_table

logger = logging.getLogger(__name__)

MAX_INSTANCES = 255
"""Instance ids of a map are 8-bit."""


class PICEvaluator(HOIEvaluator):
    """R@20, R@50, R@100 by the rules of PIC's challenge.

    A submission has one instance per pixel and 8-bit ids: masks are painted by score, the best on
    top, and only the best 255. Relations of instances that no pixel is left of are dropped; of the
    others the best 100 of an image are kept, more are never looked at. A model without masks is
    scored by its boxes, filled. Predictions are written as the folder
    ``{dataset_name}_predictions``, PIC's submission.

    Ground truth are ``json_file`` and the maps in ``semantic_root`` and ``instance_root``,
    otherwise the records: their instances are the masks; their classes come from the semantic map
    where a record has one (``semantic_file_name``), because the highest category under the resized
    mask counts. Images that the official evaluation of v2 leaves out are left out
    (``pic_version``). The geometric relations are the metadata's ``geometric_verbs``.

    Args:
        dataset_name, output_dir, distributed: see :class:`HOIEvaluator`.
    """

    OFFICIAL_TYPE = "pic"
    OFFICIAL_FILES = ("json_file", "semantic_root", "instance_root")

    def collect(self, image: Mapping, output: Mapping) -> dict:
        """The maps as PNGs, which are small, and the relations of an image, in own ids."""
        instances, interactions = output["instances"].to("cpu"), output["interactions"].to("cpu")
        order = torch.argsort(instances.scores, descending=True, stable=True)[:MAX_INSTANCES]
        classes = inverse(self.metadata.thing_dataset_id_to_contiguous_id)
        semantic, instance = np.zeros((2, *instances.image_size), np.uint8)
        # The best instance has id 1, and is painted last.
        for instance_id in range(len(order), 0, -1):
            row = int(order[instance_id - 1])
            mask = _predicted_mask(instances, row)
            instance[mask] = instance_id
            semantic[mask] = classes[int(instances.pred_classes[row])]

        id_of_row = np.zeros(len(instances), np.int64)
        id_of_row[order.numpy()] = np.arange(1, len(order) + 1)
        visible = np.bincount(instance.ravel(), minlength=_IDS) > 0
        visible[0] = False
        ends = id_of_row[interactions.pair_indices.numpy()].reshape(-1, 2)
        possible = visible[ends].all(axis=1) & (ends[:, 0] != ends[:, 1])
        scores = interactions.triplet_scores.numpy() * possible[:, None]
        pairs, verbs = np.nonzero(scores > 0)
        scores = scores[pairs, verbs]
        best = np.argsort(-scores, kind="stable")[: max(TOP_K)]
        own_verbs = inverse(self.metadata.verb_dataset_id_to_contiguous_id)
        own = np.array([own_verbs[verb] for verb in verbs[best].tolist()], np.int64)
        return {
            "semantic": cv2.imencode(".png", semantic)[1],
            "instance": cv2.imencode(".png", instance)[1],
            "relations": np.concatenate([ends[pairs[best]], own[:, None]], axis=1),
            "scores": scores[best].astype(np.float64),
        }

    def write_predictions(self, records: Sequence[Mapping], predictions: Mapping) -> None:
        """PIC's submission folder."""
        image_root = self.metadata.get("image_root")
        scenes = (
            (_map_name(record, image_root), _scene(predictions[record["image_id"]]))
            for record in records
            if record["image_id"] in predictions
        )
        write_pic_submission(self.output_path("_predictions"), scenes)

    def compute(self, records: Sequence[Mapping], predictions: Mapping) -> dict:
        """See :func:`choi_d2.evaluation.pic.pic_metrics`; and ``images``, how many there were."""
        contiguous = self.metadata.verb_dataset_id_to_contiguous_id

        def prediction(image_id: Hashable) -> RelationScene | None:
            if image_id not in predictions:
                return None
            scene = _scene(predictions[image_id])
            # Both sides in contiguous ids + 1: a data set's own ids need not be without gaps.
            scene.relations[:, 2] = [contiguous[int(v)] + 1 for v in scene.relations[:, 2]]
            return scene

        truth = self.ground_truth(records)
        scenes = [(scene, partial(prediction, image_id)) for image_id, scene in truth]
        geometric = [verb + 1 for verb in self.metadata.geometric_verbs]
        return pic_metrics_of_scenes(scenes, self.metadata.verb_classes, geometric)

    def ground_truth(
        self, records: Sequence[Mapping]
    ) -> list[tuple[Hashable, Callable[[], RelationScene]]]:
        """What counts: each image's id (None: it has no record), and what makes its annotation,
        relation ids = contiguous verb + 1.
        """
        files = self.official_files()
        if files is None:
            records = [record for record in records if not self._is_excluded(record)]
            return [(record["image_id"], partial(self._truth, record)) for record in records]
        findings = Findings()
        # Of a release, ids are contiguous ones + 1.
        truth = read_pic_truth(PICFolder(*files), self.metadata.pic_version, findings)
        findings.report(logger, strict=False)
        image_root = self.metadata.get("image_root")
        id_of_name = {_map_name(record, image_root): record["image_id"] for record in records}
        return [(id_of_name.get(name), partial(truth.scene, name)) for name in truth.relations]

    def table(self, metrics: Mapping) -> str:
        """Recall per relation, per IoU and group, and the means."""
        return pic_table(metrics)

    def summary(self, metrics: Mapping) -> dict[str, float]:
        """``R@k``, and ``R@k-{group}-{IoU}``; nan where no image has such a relation."""
        results = {f"R@{k}": metrics[f"R@{k}"] for k in TOP_K}
        for k, per_iou in metrics["per_iou"].items():
            for iou, groups in per_iou.items():
                for group in ("geometric", "non_geometric"):
                    results[f"{k}-{group}-{iou}"] = groups[group]
        return {n: float("nan") if r is None else 100 * r for n, r in results.items()}

    def _is_excluded(self, record: Mapping) -> bool:
        name = Path(_map_name(record, self.metadata.get("image_root"))).name
        return self.metadata.get("pic_version") == "v2" and name in V2_EXCLUDED

    def _truth(self, record: Mapping) -> RelationScene:
        """A record's annotation; instance id = its place + 1, relation = contiguous verb + 1."""
        height, width = record["height"], record["width"]
        own_class = inverse(self.metadata.thing_dataset_id_to_contiguous_id)
        semantic, instance = np.zeros((2, height, width), np.uint8)
        related = {r[end] for r in record.get("interactions", ()) for end in ("human", "object")}
        if related and max(related) >= MAX_INSTANCES:
            problem = f"expected at most {MAX_INSTANCES} instances, a label map's ids are 8-bit"
            raise InputError(problem, path=record["file_name"], field="annotations")
        masks = [
            (place, _annotated_mask(annotation, height, width))
            for place, annotation in enumerate(record.get("annotations", ())[:MAX_INSTANCES])
        ]
        # PIC's masks are apart; where others overlap, the small one is in front of the large one.
        for place, mask in sorted(masks, key=lambda item: -np.count_nonzero(item[1])):
            instance[mask] = place + 1
            semantic[mask] = own_class[record["annotations"][place]["category_id"]]
        if "semantic_file_name" in record:
            path = record["semantic_file_name"]
            semantic = read_label_map(path, image=str(record["image_id"]))
            if semantic.shape != (height, width):
                found = f"{semantic.shape[1]} x {semantic.shape[0]}"
                problem = f"expected {width} x {height} as the photo, found {found}"
                raise InputError(problem, path=path, image=record["image_id"])
        relations = [
            (pair["human"] + 1, pair["object"] + 1, verb + 1)
            for pair in record.get("interactions", ())
            for verb in pair["verbs"]
        ]
        return RelationScene(semantic, instance, np.array(relations, np.int64).reshape(-1, 3))


_IDS = MAX_INSTANCES + 1


def _map_name(record: Mapping, image_root: str | None) -> str:
    """What an image's maps are called: NAME."""
    return str(Path(image_name(record, image_root)).with_suffix(""))


def _scene(kept: Mapping) -> RelationScene:
    maps = (cv2.imdecode(kept[key], cv2.IMREAD_GRAYSCALE) for key in ("semantic", "instance"))
    return RelationScene(*maps, kept["relations"].copy(), kept["scores"])


def _predicted_mask(instances, row: int) -> np.ndarray:
    if instances.has("pred_masks"):
        return instances.pred_masks[row].numpy().astype(bool)
    return _filled_box(instances.pred_boxes.tensor[row].tolist(), *instances.image_size)


def _annotated_mask(annotation: Mapping, height: int, width: int) -> np.ndarray:
    segmentation = annotation.get("segmentation")
    if segmentation is None:
        box = BoxMode.convert(list(annotation["bbox"]), annotation["bbox_mode"], BoxMode.XYXY_ABS)
        return _filled_box(box, height, width)
    if isinstance(segmentation, list):
        segmentation = mask_util.merge(mask_util.frPyObjects(segmentation, height, width))
    return mask_util.decode(segmentation).astype(bool)


def _filled_box(box: Sequence[float], height: int, width: int) -> np.ndarray:
    x1, y1, x2, y2 = (max(0, round(side)) for side in box)
    mask = np.zeros((height, width), bool)
    mask[y1:y2, x1:x2] = True
    return mask
