"""A prediction in words and numbers, ready for JSON."""

from __future__ import annotations

from typing import Any

from detectron2.structures import Instances

from choi_d2.structures import Vocabulary

from .masks import encode_mask, masks_of_predictions
from .triplets import top_triplets


def prediction_report(
    instances: Instances,
    interactions: Instances,
    metadata: Any,
    score_thresh: float = 0.15,
    max_triplets: int | None = 20,
    *,
    masks: bool = False,
) -> dict[str, Any]:
    """What the model found in one picture, for :func:`json.dump`.

    Args:
        instances: detections, in the picture's pixels.
        interactions: pairs of them.
        metadata: the data set's, with ``thing_classes`` and ``verb_classes``.
        score_thresh: the least score of a triplet that is listed.
        max_triplets: at most so many, those with the highest scores.
        masks: also give each instance its mask, where there are masks.

    Returns:
        ``height``, ``width``; ``instances``: every detection's ``box`` (x1 y1 x2 y2, pixels),
        ``category``, ``score`` and, where asked for, ``segmentation`` (COCO's compressed RLE);
        ``triplets``: ``human`` and ``object`` (indices into ``instances``; ``object`` is null for a
        verb without object), ``verb``, ``score``, highest first.

    Raises:
        InputError: the metadata lacks the names.
    """
    vocabulary = Vocabulary.from_metadata(metadata)
    height, width = instances.image_size
    mask_of = masks_of_predictions(instances)
    has_masks = masks and instances.has("pred_masks")
    found = []
    for index, (box, category, score) in enumerate(
        zip(
            instances.pred_boxes.tensor.tolist(),
            instances.pred_classes.tolist(),
            instances.scores.tolist(),
            strict=True,
        )
    ):
        one = {
            "box": [round(side, 2) for side in box],
            "category": vocabulary.classes[category],
            "score": round(score, 6),
        }
        if has_masks:
            one["segmentation"] = encode_mask(mask_of(index))
        found.append(one)
    triplets = [
        {
            "human": triplet.human,
            "verb": vocabulary.verbs[triplet.verb],
            "object": triplet.object if triplet.has_object else None,
            "score": round(triplet.score, 6),
        }
        for triplet in top_triplets(interactions, score_thresh, max_triplets)
    ]
    return {"height": height, "width": width, "instances": found, "triplets": triplets}
