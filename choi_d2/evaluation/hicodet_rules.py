"""What other evaluators of HICO-DET do otherwise than the official one, rule by rule."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from choi_d2.utils import InputError


@dataclass(frozen=True)
class Rules:
    """How detections are matched and averaged; the defaults are the official rules.

    Attributes:
        strict: an overlap of exactly 0.5 is too little.
        pixel: what a box's last pixel adds to its sides: w = x2 - x1 + pixel.
        thin_boxes: boxes whose intersection is one pixel wide or high overlap.
        union_margin: added to the union, in square pixels.
        top_k: only so many of an image's detections count, those with the best scores, all classes
            together; None: all.
        first_unused: a detection takes the first pair that is free and overlaps enough, not the
            one that overlaps most.
        skip_empty_images: detections in images without a visible pair do not count.
        ties_by_file: equal scores are in the order of the detection file; otherwise in that of the
            ground truth's images, then of the file.
        levels: the eleven recalls at which precision is read: "octave", i * 0.1 in float64, so
            that a recall of exactly 3/10, 6/10 or 7/10 misses its own tenth; "matlab", filled from
            both ends, where 6/10 and 7/10 reach it; "exact", where all do.
        averaged: the classes that the means are over: "all"; "with_truth"; "defined", all but
            those that have detections and no ground truth.
        labels: Known Object goes by image-level labels where there are any.
    """

    strict: bool = False
    pixel: float = 1.0
    thin_boxes: bool = True
    union_margin: float = 0.0
    top_k: int | None = None
    first_unused: bool = False
    skip_empty_images: bool = False
    ties_by_file: bool = False
    levels: str = "octave"
    averaged: str = "all"
    labels: bool = True


OFFICIAL = Rules()

RULES: dict[str, dict[str, Any]] = {
    "strict": {"strict": True},
    "no_plus_one": {"pixel": 0.0},
    "no_thin_boxes": {"thin_boxes": False},
    "padded_union": {"union_margin": 1e-6},
    "top_100": {"top_k": 100},
    "first_unused": {"first_unused": True},
    "skip_images_without_gt": {"skip_empty_images": True},
    "ties_in_detection_file_order": {"ties_by_file": True},
    "matlab_colon": {"levels": "matlab"},
    "exact_tenths": {"levels": "exact"},
    "mean_over_classes_with_gt": {"averaged": "with_truth"},
    "mean_over_defined_classes": {"averaged": "defined"},
    "known_object_from_boxes": {"labels": False},
}
"""Name -> what it changes."""

EVALUATORS: dict[str, tuple[str, ...]] = {
    "qpic": (
        "top_100",
        "mean_over_classes_with_gt",
        "skip_images_without_gt",
        "no_thin_boxes",
    ),
    "upt": ("strict", "skip_images_without_gt", "matlab_colon"),
    "ggnet": (
        "strict",
        "padded_union",
        "first_unused",
        "mean_over_defined_classes",
        "no_thin_boxes",
    ),
}
"""Evaluator of the field -> its rules."""


def rules_of(names: Iterable[str]) -> Rules:
    """The official rules with some of them changed.

    Args:
        names: keys of ``RULES`` and ``EVALUATORS``.

    Raises:
        InputError: there is no such name, or two of them contradict each other.
    """
    chosen: dict[str, Any] = {}
    source: dict[str, str] = {}
    for name in names:
        if name not in RULES and name not in EVALUATORS:
            known = ", ".join([*EVALUATORS, *RULES])
            raise InputError(f"there is no rule '{name}', expected some of {known}")
        for part in EVALUATORS.get(name, (name,)):
            for field, value in RULES[part].items():
                if chosen.get(field, value) != value:
                    raise InputError(f"'{source[field]}' and '{part}' contradict each other")
                chosen[field], source[field] = value, part
    return replace(OFFICIAL, **chosen)


def recall_levels(levels: str) -> np.ndarray:
    """(11,) float64, the recalls at which precision is read; not for "exact"."""
    tenths = np.arange(11) * 0.1
    if levels == "matlab":
        tenths[6:] = 1 - np.arange(4, -1, -1) * 0.1
    return tenths
