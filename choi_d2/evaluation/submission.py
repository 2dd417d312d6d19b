"""Predictions as the challenges take them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np


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
