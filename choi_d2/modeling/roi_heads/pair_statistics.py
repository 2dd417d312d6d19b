"""What the pairs of a stage are like, for whoever watches a training."""

from __future__ import annotations

import math
from collections.abc import Sequence

from detectron2.utils.events import get_event_storage
from torch import Tensor

from ..interaction.rrm import ranking_accuracy
from .interaction_sampler import LabelledPairs


def log_pairs(
    t: int, labelled: Sequence[LabelledPairs], ranks: Sequence[Tensor] | None, face_coverage: float
) -> None:
    """Put numbers of pairs, by kind, and how well they are ranked into Detectron2's event storage.

    Not smoothed there: ``choi_d2.engine.watching.PairStatistics`` takes means over processes and
    iterations. What is not defined in this batch is not told.

    Args:
        t: the stage, from 0.
        labelled: the sample of each image.
        ranks: for each image Tensor[P], g of Eq. 13; None without a ranking module.
        face_coverage: the part of the humans that a face was found for; nan where there is none.
    """

    def put(name: str, value: float) -> None:
        get_event_storage().put_scalar(f"stage{t}/pairs/{name}", value, smoothing_hint=False)

    images = max(len(labelled), 1)
    annotated = [x.annotated for x in labelled]
    negatives = [x.negatives() for x in labelled]
    kinds = list(negatives[0]) if negatives else []
    put("sampled", sum(len(x) for x in annotated) / images)
    put("positive", sum(int(x.sum()) for x in annotated) / images)
    for kind in kinds:
        put(f"negative_{kind}", sum(int(x[kind].sum()) for x in negatives) / images)
    if not math.isnan(face_coverage):
        put("face_coverage", face_coverage)
    if ranks is None:
        return
    others = {"": [~x for x in annotated]}
    others.update({f"_{kind}": [x[kind] for x in negatives] for kind in kinds})
    for kind, rows in others.items():
        accuracies = []
        for rank, mine, other in zip(ranks, annotated, rows):
            compared = mine | other
            accuracies.append(ranking_accuracy(rank[compared], mine[compared]))
        accuracies = [x for x in accuracies if x is not None]
        if accuracies:
            put(f"ranking_accuracy{kind}", sum(accuracies) / len(accuracies))
