"""COCO's average precision of boxes and masks, for every registered data set."""

from __future__ import annotations

import contextlib
import io
import itertools
import logging
from collections import OrderedDict
from collections.abc import Mapping, Sequence

import numpy as np
from detectron2.data import DatasetCatalog, MetadataCatalog
from detectron2.evaluation import DatasetEvaluator
from detectron2.evaluation.coco_evaluation import instances_to_coco_json
from detectron2.structures import BoxMode
from detectron2.utils import comm
from pycocotools import mask as mask_util
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from .tables import columns_table

logger = logging.getLogger(__name__)

METRICS = ("AP", "AP50", "AP75", "APs", "APm", "APl")


class InstanceDetectionEvaluator(DatasetEvaluator):
    """AP of detections beside the metrics of interactions.

    Detectron2's ``COCOEvaluator`` takes its ground truth from a COCO JSON, which HOIW and PIC do
    not have; this one takes it from the data set's records. Matching and precision are
    pycocotools'. Masks are evaluated where the model predicts them and every instance has one.

    An instance of little certainty is neither right nor wrong: a detection that matches it and no
    other does not count.

    Args:
        dataset_name: a registered data set.
        distributed: gather from all processes.
        certainty_thresh: the least certainty of an instance that counts.
    """

    def __init__(
        self, dataset_name: str, *, distributed: bool = True, certainty_thresh: float = 0.0
    ):
        self.certainty_thresh = certainty_thresh
        self.dataset_name = dataset_name
        self.metadata = MetadataCatalog.get(dataset_name)
        self.distributed = distributed
        self._predictions: dict[str | int, list[dict]] = {}
        self._has_masks = False

    def reset(self) -> None:
        """Forget all predictions."""
        self._predictions, self._has_masks = {}, False

    def process(self, inputs: Sequence[Mapping], outputs: Sequence[Mapping]) -> None:
        """Keep a batch's detections, masks as RLE."""
        for image, output in zip(inputs, outputs, strict=True):
            instances = output["instances"].to("cpu")
            if instances.has("pred_masks"):
                self._has_masks = True
                instances.pred_masks = instances.pred_masks.numpy()
            self._predictions[image["image_id"]] = instances_to_coco_json(instances, 0)

    def evaluate(self) -> OrderedDict | None:
        """``{"bbox": {metric: percent}[, "segm": ...]}`` on the main process; nan where there is
        no ground truth of a size or class. Of the human class there is ``AP50-{name}``, too.
        """
        predictions, has_masks = self._predictions, self._has_masks
        if self.distributed and comm.get_world_size() > 1:
            gathered = comm.gather((predictions, has_masks), dst=0)
            if not comm.is_main_process():
                return None
            parts = (part.items() for part, _ in gathered)
            predictions = dict(itertools.chain.from_iterable(parts))
            has_masks = any(has for _, has in gathered)
        records = DatasetCatalog.get(self.dataset_name)
        if not any(record.get("annotations") for record in records):
            logger.warning(f"'{self.dataset_name}' has no annotated instances: no detection AP.")
            return OrderedDict()
        truth = coco_of_records(records, self.metadata.thing_classes, self.certainty_thresh)
        detected = _coco_of_detections(truth, records, predictions)
        tasks = ["bbox"]
        if has_masks:
            without = sum("segmentation" not in a for r in records for a in r["annotations"])
            if without:
                logger.warning(f"'{self.dataset_name}': no mask AP, {without} have no mask.")
            else:
                tasks.append("segm")
        return OrderedDict((task, self._evaluate(truth, detected, task)) for task in tasks)

    def _evaluate(self, truth: COCO, detected: COCO, task: str) -> dict[str, float]:
        evaluation = _UncertainCOCOeval(truth, detected, task)
        with contextlib.redirect_stdout(io.StringIO()):
            evaluation.evaluate()
            evaluation.accumulate()
            evaluation.summarize()
        results = {
            name: 100 * float(value) if value >= 0 else float("nan")
            for name, value in zip(METRICS, evaluation.stats, strict=False)
        }
        # (IoU, recall, class, area, detections): all areas, at most 100 detections an image.
        precision = evaluation.eval["precision"][:, :, :, 0, -1]
        for index, name in enumerate(self.metadata.thing_classes):
            valid = precision[:, :, index][precision[:, :, index] > -1]
            results[f"AP-{name}"] = 100 * float(valid.mean()) if valid.size else float("nan")
        human = self.metadata.get("human_class", 0)
        valid = precision[0, :, human][precision[0, :, human] > -1]
        ap50 = 100 * float(valid.mean()) if valid.size else float("nan")
        results[f"AP50-{self.metadata.thing_classes[human]}"] = ap50
        cells = [(name, f"{value:.2f}") for name, value in results.items()]
        table = columns_table(cells, ("metric", task))
        logger.info(f"Detections of '{self.dataset_name}' ({task}), in percent:\n{table}")
        return results


class _UncertainCOCOeval(COCOeval):
    """pycocotools' evaluation, which ignores crowds alone: here uncertain instances as well."""

    def _prepare(self):
        super()._prepare()
        for instance in itertools.chain.from_iterable(self._gts.values()):
            instance["ignore"] = instance["ignore"] or instance["uncertain"]


def coco_of_records(
    records: Sequence[Mapping], thing_classes: Sequence[str], certainty_thresh: float = 0.0
) -> COCO:
    """Dataset records as an in-memory COCO ground truth.

    Image ids are positions + 1, category ids contiguous + 1; ``uncertain`` are instances of less
    certainty than ``certainty_thresh``.
    """
    annotations = []
    for image_id, record in enumerate(records, start=1):
        for annotation in record.get("annotations", ()):
            box = BoxMode.convert(
                list(annotation["bbox"]), annotation["bbox_mode"], BoxMode.XYWH_ABS
            )
            converted = {
                "id": len(annotations) + 1,
                "image_id": image_id,
                "category_id": annotation["category_id"] + 1,
                "iscrowd": annotation.get("iscrowd", 0),
                "bbox": box,
                "area": box[2] * box[3],
                "uncertain": int(annotation.get("certainty", 1.0) < certainty_thresh),
            }
            if "segmentation" in annotation:
                mask = _rle(annotation["segmentation"], record["height"], record["width"])
                converted |= {"segmentation": mask, "area": float(mask_util.area(mask))}
            annotations.append(converted)
    images = [
        {"id": image_id, "height": record["height"], "width": record["width"]}
        for image_id, record in enumerate(records, start=1)
    ]
    categories = [{"id": i, "name": name} for i, name in enumerate(thing_classes, start=1)]
    return _coco({"images": images, "annotations": annotations, "categories": categories})


def _coco_of_detections(truth: COCO, records: Sequence[Mapping], predictions: Mapping) -> COCO:
    annotations = []
    for image_id, record in enumerate(records, start=1):
        for detection in predictions.get(record["image_id"], ()):
            box = detection["bbox"]
            annotations.append(
                detection
                | {
                    "id": len(annotations) + 1,
                    "image_id": image_id,
                    "category_id": detection["category_id"] + 1,
                    "iscrowd": 0,
                    "area": box[2] * box[3],
                }
            )
    kept = {key: truth.dataset[key] for key in ("images", "categories")}
    return _coco(kept | {"annotations": annotations})


def _coco(dataset: dict) -> COCO:
    coco = COCO()
    coco.dataset = dataset
    with contextlib.redirect_stdout(io.StringIO()):
        coco.createIndex()
    return coco


def _rle(segmentation: list | dict | np.ndarray, height: int, width: int) -> dict:
    if isinstance(segmentation, list):
        return mask_util.merge(mask_util.frPyObjects(segmentation, height, width))
    if isinstance(segmentation["counts"], list):
        return mask_util.frPyObjects(segmentation, height, width)
    return dict(segmentation)
