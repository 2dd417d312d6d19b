"""Tensors with a row for each class or verb, when a file and a model have other names or orders."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from detectron2.data import MetadataCatalog
from torch import Tensor

from choi_d2.structures.joining import spelling

_HEAD = r"roi_heads\.interaction_heads\.\d+\.rcm\.streams\."
# Which tensors have rows, columns, ... for classes or verbs, axis by axis; the first match counts.
_NAMED = tuple(
    (re.compile(pattern), axes)
    for pattern, axes in (
        # The last score is background's; there is no mask of it.
        (r"roi_heads\.box_predictor\.\d+\.cls_score\.\w+", ("classes and background",)),
        (r"roi_heads\.box_predictor\.\d+\.bbox_pred\.\w+", ("boxes of classes",)),
        (r"roi_heads\.mask_head\.\d+\.predictor\.\w+", ("classes",)),
        (_HEAD + r"semantic\.weight", ("verbs", "verbs")),
        (_HEAD + r"\w+\.(?:weight|bias)", ("verbs",)),
        # (K, N) tables: X_s, and others of that kind.
        (r"roi_heads\.(?:semantic_prior|allowed_verbs)", ("classes", "verbs")),
    )
)
# Names that data sets have for what COCO calls otherwise; spelled as `spelling` does.
_COCO_NAMES = {
    "human": "person",
    "bike": "bicycle",
    "motorbike": "motorcycle",
    "aircraft": "airplane",
    "phone": "cellphone",
    "computer": "laptop",
    "display": "tv",
    "ball": "sportsball",
    "balls": "sportsball",
    "racket": "tennisracket",
    "sofa": "couch",
    "table": "diningtable",
    "plant": "pottedplant",
    "fridge": "refrigerator",
    "luggage": "suitcase",
    "remotecontrol": "remote",
}


class Shared(NamedTuple):
    """The names that a file and a model both have.

    Attributes:
        names: of the model, those that the file has too.
        rows: their places in the model.
        file_rows: their places in the file.
        total: how many names the model has.
        file_total: how many the file has.
        alike: are all names the same, in the same order?
    """

    names: tuple[str, ...]
    rows: tuple[int, ...]
    file_rows: tuple[int, ...]
    total: int
    file_total: int
    alike: bool


class NamedRows:
    """Fits tensors by the names of their rows.

    Names are the same if they are written the same; failing that, if they differ in case, spaces or
    punctuation, or mean the same class of COCO.

    Args:
        file_state, model_state, file_classes, model_classes, file_verbs, model_verbs: see
            :func:`choi_d2.engine.weights.fit_weights`.
    """

    def __init__(
        self,
        file_state: Mapping[str, Tensor],
        model_state: Mapping[str, Tensor],
        *,
        file_classes: Sequence[str] | None = None,
        model_classes: Sequence[str] | None = None,
        file_verbs: Sequence[str] | None = None,
        model_verbs: Sequence[str] | None = None,
    ):
        in_file, in_model = _num_classes(file_state), _num_classes(model_state)
        if file_classes is None and in_file == 80 != in_model:
            file_classes = MetadataCatalog.get("coco_2017_train").thing_classes
        self._shared: dict[str, Shared] = {}
        for kind, theirs, ours, counts in (
            ("classes", file_classes, model_classes, (in_file, in_model)),
            ("verbs", file_verbs, model_verbs, (_num_verbs(file_state), _num_verbs(model_state))),
        ):
            if theirs and ours and (len(theirs), len(ours)) == counts:
                self._shared[kind] = _share(theirs, ours)

    def differ(self, name: str, value: Tensor, initial: Tensor) -> bool:
        """Has this tensor rows for names, and are they known to be others, or in another order?"""
        axes = self._axes(name)
        if all(shared is None or shared.alike for _, shared in axes):
            return False
        if value.dim() != initial.dim():
            return False
        for dim, sizes in enumerate(zip(value.shape, initial.shape, strict=True)):
            kind, shared = axes[dim] if dim < len(axes) else ("", None)
            if sizes != _expected(kind, shared, sizes):
                return False
        return True

    def fit(self, name: str, value: Tensor, initial: Tensor) -> tuple[Tensor | None, str]:
        """The model's initial tensor with the file's rows in it, and what was done.

        None where there is no row to be taken.
        """
        merged = initial.detach().clone()
        index, file_index, details = [], [], []
        axes = self._axes(name)
        for dim, size in enumerate(initial.shape):
            kind, shared = axes[dim] if dim < len(axes) else ("", None)
            rows, file_rows = _rows(kind, shared, size)
            if not rows:
                return None, f"the file has other {_names_of(kind)}"
            index.append(torch.tensor(rows))
            file_index.append(torch.tensor(file_rows))
            if shared is not None and not shared.alike:
                details.append(_describe(kind, shared))
        merged[_mesh(index)] = value[_mesh(file_index)].to(merged)
        return merged, "; ".join(dict.fromkeys(details))

    def _axes(self, name: str) -> list[tuple[str, Shared | None]]:
        for pattern, axes in _NAMED:
            if pattern.fullmatch(name):
                return [(kind, self._shared.get(_names_of(kind))) for kind in axes]
        return []


def _names_of(kind: str) -> str:
    return "verbs" if kind == "verbs" else "classes"


def _share(theirs: Sequence[str], ours: Sequence[str]) -> Shared:
    exact = {name: row for row, name in enumerate(theirs)}
    loose = {_canonical(name): row for row, name in reversed(list(enumerate(theirs)))}
    found = []
    for row, name in enumerate(ours):
        file_row = exact.get(name, loose.get(_canonical(name)))
        if file_row is not None:
            found.append((name, row, file_row))
    names, rows, file_rows = zip(*found) if found else ((), (), ())
    alike = list(theirs) == list(ours)
    return Shared(names, rows, file_rows, len(ours), len(theirs), alike)


def _expected(kind: str, shared: Shared | None, sizes: tuple[int, int]) -> tuple[int, int]:
    """Sizes of an axis in the file and in the model, as they have to be."""
    if shared is None:
        return sizes[1], sizes[1]
    if kind == "boxes of classes":
        return 4 * shared.file_total, 4 * shared.total
    background = int("background" in kind)
    return shared.file_total + background, shared.total + background


def _rows(kind: str, shared: Shared | None, size: int) -> tuple[list[int], list[int]]:
    """Rows of the model, and those of the file that go there."""
    if shared is None:
        return list(range(size)), list(range(size))
    rows, file_rows = list(shared.rows), list(shared.file_rows)
    if kind == "boxes of classes":
        return tuple([4 * row + side for row in x for side in range(4)] for x in (rows, file_rows))
    if "background" in kind:
        rows.append(shared.total)
        file_rows.append(shared.file_total)
    return rows, file_rows


def _mesh(index: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Indices of every combination of rows, columns, ..."""
    return torch.meshgrid(*index, indexing="ij")


def _describe(kind: str, shared: Shared) -> str:
    names, total = list(shared.names), shared.total
    if "background" in kind:
        names.append("background")
        total += 1
    text = f"{len(names)} of {total} {_names_of(kind)} loaded ({_shortened(names)})"
    return text + (", the others initialised" if len(names) < total else "")


def _num_classes(state: Mapping[str, Tensor]) -> int | None:
    """K of a cascade's or a single predictor's K + 1 scores."""
    for predictor in ("roi_heads.box_predictor.0", "roi_heads.box_predictor"):
        scores = state.get(f"{predictor}.cls_score.bias")
        if scores is not None:
            return len(scores) - 1
    return None


def _num_verbs(state: Mapping[str, Tensor]) -> int | None:
    """N of the first stage's streams."""
    for name, tensor in state.items():
        if re.fullmatch(_HEAD + r"\w+\.bias", name):
            return len(tensor)
    return None


def _canonical(name: str) -> str:
    letters = spelling(name)
    return _COCO_NAMES.get(letters, letters)


def _shortened(names: Sequence[str], most: int = 6) -> str:
    if len(names) <= most:
        return ", ".join(names)
    return ", ".join([*names[: most - 1], "...", names[-1]])
