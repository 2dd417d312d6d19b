"""Predictions as the challenges take them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from choi_d2.utils import write_json

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
            "predictions": [
                {"bbox": box, "category_id": category_ids[category], "score": score}
                for box, category, score in zip(
                    prediction["boxes"].tolist(),
                    prediction["classes"].tolist(),
                    prediction["box_scores"].tolist(),
                    strict=True,
                )
            ],
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


def write_pic_submission(folder: Path, scenes: Mapping[str, RelationScene]) -> None:
    """Write PIC's submission: ``semantic/NAME.png``, ``instance/NAME.png``, ``relations.json``.

    The folder appears whole or not at all; one that is there is replaced.

    Args:
        folder: the submission.
        scenes: NAME -> maps, relations and scores, in the data set's own ids.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        entries = []
        for image_id, (name, scene) in enumerate(scenes.items()):
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
