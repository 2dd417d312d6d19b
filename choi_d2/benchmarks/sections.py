"""What is compared with what."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from choi_d2.engine.profiles import fast_opts

from .heads import HeadCase
from .loading import CONFIGS, LoaderCase
from .models import PLAIN, ModelCase
from .setting import Case

ALONE = ("MODEL.INTERACTION_ON", False)
PIXELS = ("MODEL.MASK_ON", True, "MODEL.ROI_INTERACTION_HEAD.REPRESENTATION", "mask")
IOUS = (0.5, 0.6, 0.7, 0.75, 0.8)


@dataclass(frozen=True)
class Row:
    """A case and what its time is divided by.

    Attributes:
        name: of the case.
        case: what is timed.
        base: the name of another row of the section, or its own.
    """

    name: str
    case: Case
    base: str


@dataclass(frozen=True)
class Section:
    """Rows that take turns.

    Attributes:
        name: as it is asked for.
        title: what is compared.
        rows: given the sides of crowds (humans, and as many objects).
    """

    name: str
    title: str
    rows: Callable[[Sequence[int]], list[Row]]


def _rows(cases: Mapping[str, Case], base: str | None = None) -> list[Row]:
    """Rows that are divided by one of them, ``base``: by default the first."""
    base = base or next(iter(cases))
    return [Row(name, case, base) for name, case in cases.items()]


def _heads(crowds: Sequence[int], as_it_is: str, otherwise: str, **change: bool) -> list[Row]:
    """For each crowd the interaction network as it is, and changed, divided by the former."""
    rows = []
    for side in crowds:
        pairs = f"{side} x {side} pairs"
        rows += _rows(
            {
                f"{pairs}, {as_it_is}": HeadCase(side, side),
                f"{pairs}, {otherwise}": HeadCase(side, side, **change),
            }
        )
    return rows


def _detector(crowds: Sequence[int]) -> list[Row]:
    return _rows(
        {
            "Cascade R-CNN": ModelCase(PLAIN, 0, 0),
            "Cascade R-CNN, matrix pooling": ModelCase(ALONE, 0, 0),
            "C-HOI, no pairs": ModelCase((), 0, 0),
            "C-HOI, 15 x 15 pairs": ModelCase(),
        }
    )


def _fast(crowds: Sequence[int]) -> list[Row]:
    fast = tuple(fast_opts())
    cases = {
        "Cascade R-CNN": ModelCase(PLAIN, 0, 0),
        "C-HOI, 15 x 15 pairs": ModelCase(),
        "the same, fast": ModelCase(fast),
    }
    without = {
        "in float32": ("PRECISION", "float32"),
        "with all proposals": ("MAX_PROPOSALS", 0),
        "with batch normalization": ("FOLD_NORM", False),
    }
    for name, (key, value) in without.items():
        cases[f"the same, fast, {name}"] = ModelCase((*fast, f"MODEL.INFERENCE.{key}", value))
    return _rows(cases)


def stages(count: int) -> tuple:
    """Config keys of T stages."""
    weights = tuple((10.0 * t, 10.0 * t, 5.0 * t, 5.0 * t) for t in range(1, count + 1))
    return (
        "MODEL.ROI_BOX_CASCADE_HEAD.IOUS",
        IOUS[:count],
        "MODEL.ROI_BOX_CASCADE_HEAD.BBOX_REG_WEIGHTS",
        weights,
    )


def _stages(crowds: Sequence[int]) -> list[Row]:
    return _rows({f"T = {t}": ModelCase(stages(t)) for t in range(1, 6)}, base="T = 3")


def _pooling(crowds: Sequence[int]) -> list[Row]:
    return _heads(crowds, "matrix products", "torchvision", matrix_pooling=False)


def _head(crowds: Sequence[int]) -> list[Row]:
    return _heads(crowds, "factorised", "plain", factorised=False)


def _ranking(crowds: Sequence[int]) -> list[Row]:
    return _heads(crowds, "with RRM", "without RRM", ranking=False)


def _masks(crowds: Sequence[int]) -> list[Row]:
    return _rows({"boxes": ModelCase(), "masks": ModelCase(PIXELS)})


def _loader(crowds: Sequence[int]) -> list[Row]:
    forms = {f"an image in the form of {form}": LoaderCase(form) for form in CONFIGS}
    return _rows({"C-HOI, a training step": STEP, **forms})


_STEP_SIZES = {"humans": 5, "objects": 5, "train": True}
STEP = ModelCase(**_STEP_SIZES)
"""A training step of C-HOI: one image, 5 humans, 5 objects, 5 annotated pairs."""


def _training(crowds: Sequence[int]) -> list[Row]:
    return _rows(
        {
            "Cascade R-CNN": ModelCase(PLAIN, **_STEP_SIZES),
            "Cascade R-CNN, matrix pooling": ModelCase(ALONE, **_STEP_SIZES),
            "C-HOI": STEP,
        }
    )


def _batches(crowds: Sequence[int]) -> list[Row]:
    return _rows({f"{n} images": ModelCase(images=n) for n in (1, 2, 4)})


SECTIONS: dict[str, Section] = {
    section.name: section
    for section in (
        Section("detector", "C-HOI beside Detectron2's Cascade R-CNN, inference", _detector),
        Section("fast", "The profile `fast` beside Detectron2's Cascade R-CNN, inference", _fast),
        Section("stages", "C-HOI with T stages, 15 x 15 pairs, inference", _stages),
        Section("pooling", "R^3 by its RoIAlign, inference", _pooling),
        Section("head", "R^3 factorised, and as the paper writes it, inference", _head),
        Section("ranking", "R^3 with and without ranking, inference", _ranking),
        Section("masks", "Regions are boxes, or pixels; 15 x 15 pairs, inference", _masks),
        Section(
            "loader", "Training images of one worker, beside a step that trains on one", _loader
        ),
        Section("training", "A training step: 1 image, 5 humans, 5 objects, 5 pairs", _training),
        Section("batches", "Images at once, 15 x 15 pairs each, inference", _batches),
    )
}
