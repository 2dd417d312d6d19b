"""AP_agent and AP_role of V-COCO from a model's outputs."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Mapping, Sequence

import numpy as np
from detectron2.structures import BoxMode

from choi_d2.categories.vcoco import ACTION_ROLES, ACTIONS, VERBS
from choi_d2.utils import InputError

from .findings import Findings
from .hoi_evaluator import HOIEvaluator
from .submission import vcoco_detections, write_vcoco_submission
from .tables import vcoco_table
from .vcoco import People, vcoco_metrics
from .vcoco_detections import detections_from_entries
from .vcoco_files import read_vcoco_truth

logger = logging.getLogger(__name__)

_ACTION_OF_VERB = {
    verb: action
    for action, (name, roles) in enumerate(ACTIONS)
    for verb in ([f"{name}_{role}" for role in roles] or [name])
}


class VCOCOEvaluator(HOIEvaluator):
    """AP_agent, and AP_role in both scenarios, by V-COCO's official rules.

    The data set's verbs are V-COCO's 29: 25 action-roles and 4 actions without object. Ground truth
    are ``json_file``, ``coco_json_file`` and ``ids_file``, otherwise the records. These say an
    action whose object is not annotated with a pair (i, i) that carries the action-role; and people
    whom V-COCO does not annotate, whose detections are neither right nor wrong, with
    ``"vcoco_person": False`` in their annotation (without the key everybody is annotated). Where a
    record has several objects for a person's action-role, the first is taken: V-COCO has one.
    Predictions are written as ``{dataset_name}_predictions.pkl``, V-COCO's detections list.

    Args:
        dataset_name, output_dir, distributed: see :class:`HOIEvaluator`.

    Raises:
        InputError: the data set has other verbs.
    """

    OFFICIAL_TYPE = "vcoco"
    OFFICIAL_FILES = ("json_file", "coco_json_file", "ids_file")

    def __init__(self, dataset_name: str, **kwargs):
        super().__init__(dataset_name, **kwargs)
        if tuple(self.metadata.verb_classes) != VERBS:
            raise InputError(
                f"data set '{dataset_name}': expected V-COCO's {len(VERBS)} verbs for "
                f"evaluator_type 'vcoco', found {len(self.metadata.verb_classes)} others",
                hint="A data set with verbs of its own has evaluator_type 'hoi'.",
            )

    def collect(self, image: Mapping, output: Mapping) -> list[dict]:
        """The entries of V-COCO's detections list."""
        return vcoco_detections(image["image_id"], output)

    def write_predictions(self, records: Sequence[Mapping], predictions: Mapping) -> None:
        """V-COCO's detections list, pickled."""
        path = self.output_path("_predictions.pkl")
        write_vcoco_submission(path, _detections_list(records, predictions))

    def compute(self, records: Sequence[Mapping], predictions: Mapping) -> dict:
        """See :func:`choi_d2.evaluation.vcoco.vcoco_metrics`."""
        image_ids, people = self.ground_truth(records)
        entries = _detections_list(records, predictions)
        return vcoco_metrics(people, detections_from_entries(entries, image_ids, Findings()))

    def ground_truth(self, records: Sequence[Mapping]) -> tuple[list[int | str], People]:
        """What counts: the images' ids, and the people, whose ``images`` are places in these."""
        files = self.official_files()
        if files is None:
            people = people_of_records(records, self.metadata.human_class)
            return [record["image_id"] for record in records], people
        findings = Findings()
        image_ids, people = read_vcoco_truth(*files, findings)
        findings.report(logger, strict=False)
        return image_ids, people

    def table(self, metrics: Mapping) -> str:
        """AP per action and action-role, and the means."""
        return vcoco_table(metrics)

    def summary(self, metrics: Mapping) -> dict[str, float]:
        """The means, and ``AP-agent-{action}``, ``AP-S1-{role}``, ``AP-S2-{role}``."""
        names = ("AP_agent", "AP_role_S1", "AP_role_S2", "AP_role_S1_25", "AP_role_S2_25")
        results = {name: metrics[name] for name in names}
        for name, action in metrics["per_action"].items():
            results[f"AP-agent-{name}"] = action["AP_agent"]
        for scenario in ("S1", "S2"):
            for name, role in metrics["per_action_role"].items():
                results[f"AP-{scenario}-{name}"] = role[f"AP_role_{scenario}"]
        return {n: float("nan") if ap is None else 100 * ap for n, ap in results.items()}


def _detections_list(records: Sequence[Mapping], predictions: Mapping) -> list[dict]:
    in_order = (predictions.get(record["image_id"], ()) for record in records)
    return list(itertools.chain.from_iterable(in_order))


def people_of_records(records: Sequence[Mapping], human_class: int) -> People:
    """The people of dataset records; image = position."""
    images, boxes, annotated, actions, has_role, role_boxes = [], [], [], [], [], []
    several = 0
    for image, record in enumerate(records):
        official = [
            _official_box(annotation, record["height"], record["width"])
            for annotation in record.get("annotations", ())
        ]
        person_of_instance = {}
        for place, annotation in enumerate(record.get("annotations", ())):
            if annotation["category_id"] == human_class:
                person_of_instance[place] = len(images)
                images.append(image)
                boxes.append(official[place])
                annotated.append(annotation.get("vcoco_person", True))
                actions.append(np.zeros(len(ACTIONS), bool))
                has_role.append(np.zeros(len(ACTION_ROLES), bool))
                role_boxes.append(np.zeros((len(ACTION_ROLES), 4)))
        for pair in record.get("interactions", ()):
            person = person_of_instance[pair["human"]]
            for verb in pair["verbs"]:
                actions[person][_ACTION_OF_VERB[VERBS[verb]]] = True
                if verb >= len(ACTION_ROLES) or pair["human"] == pair["object"]:
                    continue
                if has_role[person][verb]:
                    several += 1
                    continue
                has_role[person][verb] = True
                role_boxes[person][verb] = official[pair["object"]]
    if several:
        logger.warning(
            f"{several} times a person has more than one object for an action-role: V-COCO's "
            "rules have room for one, the first is taken."
        )
    return People(
        images=np.array(images, np.int64),
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
        annotated=np.array(annotated, bool),
        actions=np.array(actions, bool).reshape(-1, len(ACTIONS)),
        has_role=np.array(has_role, bool).reshape(-1, len(ACTION_ROLES)),
        role_boxes=np.array(role_boxes, np.float32).reshape(-1, len(ACTION_ROLES), 4),
    )


def _official_box(annotation: Mapping, height: int, width: int) -> list[float]:
    """XYXY whose last pixel is part of the box, cut to the image."""
    x1, y1, x2, y2 = BoxMode.convert(
        list(annotation["bbox"]), annotation["bbox_mode"], BoxMode.XYXY_ABS
    )
    corners = (x1, y1, max(x1, x2 - 1), max(y1, y2 - 1))
    limits = (width - 1, height - 1) * 2
    return [min(limit, max(0.0, side)) for side, limit in zip(corners, limits, strict=True)]
