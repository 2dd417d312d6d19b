"""Predictions as the challenges take them."""

from __future__ import annotations

import pickle
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from detectron2.structures import Instances

from choi_d2.categories.vcoco import ACTIONS, VERBS
from choi_d2.utils import atomic_path, write_json
from choi_d2.utils.output_names import OutputNames

from .pic import RelationScene
from .png import write_label_map


def hoiw_submission(
    predictions: Mapping[str, Mapping[str, np.ndarray]],
    category_ids: Mapping[int, int],
    verb_ids: Mapping[int, int],
) -> list[dict]:
    """HOIW's submission: a list with one entry for each image.

    Numbers keep all of their digits, so that the file scores what its arrays score.

    Args:
        predictions: file name -> ``boxes`` (R, 4) absolute XYXY, ``classes`` (R,), ``box_scores``
            (R,), ``pairs`` (T, 2) rows of the boxes, ``verbs`` (T,), ``scores`` (T,); ids
            contiguous.
        category_ids, verb_ids: contiguous -> the data set's own.
    """
    return [
        {
            "file_name": name,
            "predictions": _boxes(prediction, category_ids),
            "hoi_prediction": [
                {
                    "subject_id": subject,
                    "object_id": object_,
                    "category_id": verb_ids[verb],
                    "score": score,
                }
                for (subject, object_), verb, score in zip(
                    prediction["pairs"].tolist(),
                    prediction["verbs"].tolist(),
                    prediction["scores"].tolist(),
                    strict=True,
                )
            ],
        }
        for name, prediction in predictions.items()
    ]


def hicodet_submission(
    predictions: Mapping[str, Mapping[str, np.ndarray]], category_ids: Sequence[int]
) -> list[dict]:
    """HICO-DET's predictions as boxes and pairs of them: a list with one entry for each image.

    Args:
        predictions: file name -> ``boxes`` (R, 4) pixels counted from 0, the last one a part of
            the box; ``classes`` (R,), ``box_scores`` (R,), ``pairs`` (T, 2) rows of the boxes,
            ``verbs`` (T,) places in HICO-DET's list, ``hoi_ids`` (T,) 1..600, ``scores`` (T,).
        category_ids: of each class, COCO's.
    """
    return [
        {
            "file_name": name,
            "predictions": _boxes(prediction, category_ids),
            "hoi_prediction": [
                {
                    "subject_id": subject,
                    "object_id": object_,
                    "category_id": verb + 1,
                    "hoi_category_id": hoi_id,
                    "score": score,
                }
                for (subject, object_), verb, hoi_id, score in zip(
                    prediction["pairs"].tolist(),
                    prediction["verbs"].tolist(),
                    prediction["hoi_ids"].tolist(),
                    prediction["scores"].tolist(),
                    strict=True,
                )
            ],
        }
        for name, prediction in predictions.items()
    ]


def _boxes(
    prediction: Mapping[str, np.ndarray], category_ids: Mapping[int, int] | Sequence[int]
) -> list[dict]:
    return [
        {"bbox": box, "category_id": category_ids[category], "score": score}
        for box, category, score in zip(
            prediction["boxes"].tolist(),
            prediction["classes"].tolist(),
            prediction["box_scores"].tolist(),
            strict=True,
        )
    ]


def write_pic_submission(folder: Path, scenes: Iterable[tuple[str, RelationScene]]) -> None:
    """Write PIC's submission: ``semantic/NAME.png``, ``instance/NAME.png``, ``relations.json``.

    The folder appears whole or not at all; one that is there is replaced. No NAME leads out of it
    (see :class:`choi_d2.utils.output_names.OutputNames`).

    Args:
        folder: the submission.
        scenes: of each image, NAME, and maps, relations and scores in the data set's own ids.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        entries, names = [], OutputNames()
        for image_id, (given, scene) in enumerate(scenes):
            name = names.take(given)
            write_label_map(temporary / "semantic" / f"{name}.png", scene.semantic)
            write_label_map(temporary / "instance" / f"{name}.png", scene.instance)
            relations = [
                {"subject": subject, "object": object_, "relation": relation, "score": score}
                for (subject, object_, relation), score in zip(
                    scene.relations.tolist(), scene.scores.tolist(), strict=True
                )
            ]
            entries.append({"name": f"{name}.jpg", "image_id": image_id, "relations": relations})
        write_json(temporary / "relations.json", entries)
        if folder.exists():
            shutil.rmtree(folder)
        temporary.chmod(0o755)
        temporary.replace(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def vcoco_detections(image_id: int, output: Mapping[str, Instances]) -> list[dict]:
    """V-COCO's detections of one image: one dict for each human that has a pair.

    An action's agent score is the best over the human's pairs; an action-role's object is that of
    its best pair, all zero ("there is none") where that is the human with itself. A triplet score
    of zero is no prediction: NaN.

    Args:
        image_id: COCO's.
        output: what the model returned; its verbs are V-COCO's 29.
    """
    interactions = output["interactions"].to("cpu")
    pairs = interactions.pair_indices.numpy()
    scores = interactions.triplet_scores.numpy().astype(np.float64)
    human_boxes = interactions.human_boxes.tensor.numpy().astype(np.float64)
    object_boxes = interactions.object_boxes.tensor.numpy().astype(np.float64)
    object_boxes[pairs[:, 0] == pairs[:, 1]] = 0

    entries = []
    for human in np.unique(pairs[:, 0]):
        rows = np.flatnonzero(pairs[:, 0] == human)
        best_row = rows[scores[rows].argmax(axis=0)]
        best = dict(zip(VERBS, scores[rows].max(axis=0).tolist(), strict=True))
        box_of = dict(zip(VERBS, object_boxes[best_row].tolist(), strict=True))
        entry = {"image_id": image_id, "person_box": human_boxes[rows[0]].tolist()}
        for action, roles in ACTIONS:
            verbs = [f"{action}_{role}" for role in roles] or [action]
            entry[f"{action}_agent"] = max(best[verb] for verb in verbs) or float("nan")
            for verb in verbs if roles else ():
                found = [*box_of[verb], best[verb]]
                entry[verb] = found if best[verb] > 0 else [float("nan")] * 5
        entries.append(entry)
    return entries


def write_vcoco_submission(path: Path, detections: list[dict]) -> None:
    """Write V-COCO's submission: a pickle of its detections list, whole or not at all."""
    with atomic_path(path) as temporary:
        # Protocol 2: V-COCO's users also read with Python 2.
        temporary.write_bytes(pickle.dumps(detections, protocol=2))
