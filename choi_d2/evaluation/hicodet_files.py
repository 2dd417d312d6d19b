"""HICO-DET's files -> the official numbers. What is broken is an error that names its place; what
the official evaluator tolerates is noted and scored as it scores it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

from choi_d2.categories.hicodet import ZERO_SHOT
from choi_d2.utils import InputError
from choi_d2.utils.columns import many_objects

from .findings import Findings
from .hicodet import HOIPairs, hicodet_metrics
from .hicodet_detections import read_detections
from .hicodet_rules import Rules, rules_of
from .hicodet_truth import HICODETTruth, official_rare_classes, read_hicodet_truth

FROM_LABELS, FROM_BOXES = "image-level labels", "boxes"


def evaluate_hicodet_files(
    ground_truth: str | os.PathLike,
    predictions: str | os.PathLike,
    findings: Findings,
    *,
    train: str | os.PathLike | None = None,
    labels: str | os.PathLike | None = None,
    split: str = "test",
    rules: Sequence[str] = (),
    zero_shot: Sequence[str] = (),
) -> dict:
    """The numbers of a prediction file.

    Args:
        ground_truth, train, labels, findings, split: see
            :func:`choi_d2.evaluation.hicodet_truth.read_hicodet_truth`.
        predictions: see :mod:`choi_d2.evaluation.hicodet_detections`.
        rules: what other evaluators do otherwise, names of
            :mod:`choi_d2.evaluation.hicodet_rules`; none: the official rules.
        zero_shot: "RF-UC", "NF-UC", "UO" or "UV".

    Returns:
        See :func:`score`.

    Raises:
        InputError: a file or a field is broken, or there is no such rule or split.
    """
    _check(rules, zero_shot)
    truth = read_hicodet_truth(ground_truth, train, labels, findings, split)
    with many_objects():
        detections = read_detections(predictions, truth.names, truth.sizes, findings)
    return score(truth, detections, rules=rules, zero_shot=zero_shot)


def score(
    truth: HICODETTruth,
    detections: HOIPairs,
    *,
    rules: Sequence[str] = (),
    zero_shot: Sequence[str] = (),
) -> dict:
    """The numbers of detections.

    Args:
        truth: the ground truth.
        detections: their boxes counted from 0, ``images`` places in ``truth.names``.
        rules, zero_shot: see :func:`evaluate_hicodet_files`.

    Returns:
        What :func:`choi_d2.evaluation.hicodet.hicodet_metrics` returns, and ``images``: how many
        there are; ``known_object_from``: "image-level labels" or "boxes"; ``rare``: ``source``,
        ``num_rare``, ``is_official_list``; ``rules``: the names that were asked for.
    """
    chosen = _check(rules, zero_shot)
    by_labels = truth.labels is not None and chosen.labels
    metrics = hicodet_metrics(
        truth.pairs,
        # As the official evaluator computes: detections are brought to Matlab's pixels.
        replace(
            detections,
            human_boxes=detections.human_boxes + 1,
            object_boxes=detections.object_boxes + 1,
        ),
        truth.labels if by_labels else truth.objects_of_boxes(),
        truth.rare,
        rules=chosen,
        zero_shot=zero_shot,
    )
    return {
        "images": len(truth.names),
        "known_object_from": FROM_LABELS if by_labels else FROM_BOXES,
        "rare": {
            "source": truth.rare_from,
            "num_rare": int(truth.rare.sum()),
            "is_official_list": bool((truth.rare == official_rare_classes()).all()),
        },
        "rules": list(rules),
        **metrics,
    }


def _check(rules: Sequence[str], zero_shot: Sequence[str]) -> Rules:
    """The rules of these names, before anything is read."""
    if unknown := [split for split in zero_shot if split not in ZERO_SHOT]:
        known = ", ".join(ZERO_SHOT)
        raise InputError(f"there is no zero-shot split '{unknown[0]}', expected some of {known}")
    return rules_of(rules)
