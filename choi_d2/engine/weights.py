"""Which tensor of a weights file belongs to which tensor of the model.

A cascade has heads 0..T-1 of each kind (``roi_heads.box_head.0``). Detectron2's zoo has cascades
with names like ours, and detectors with a single head (``roi_heads.box_head``); Cascade Mask R-CNN
has three box heads and a single mask head.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from detectron2.data import MetadataCatalog
from torch import Tensor

_STAGE = re.compile(r"roi_heads\.(box_head|box_predictor|mask_head|interaction_heads)\.(\d+)\.(.+)")
# Tensors with a row for each class; a cascade's box regression has none.
_CLASS_ROWS = re.compile(
    r"roi_heads\.(?:box_predictor\.\d+\.cls_score|mask_head\.\d+\.predictor)\.\w+"
)
_ALLOWED_VERBS, _SEMANTIC_PRIOR = "roi_heads.allowed_verbs", "roi_heads.semantic_prior"
# Names that data sets have for what COCO calls otherwise; spelled as `_canonical` does.
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


class Fit(NamedTuple):
    """What became of one tensor of the model.

    Attributes:
        name: of the tensor in the model.
        status: "loaded"; "copied": from another stage or a single head; "classes": the rows of the
            classes that the file knows; "shape": initialised, the file's has another shape; "new":
            initialised, the file has none.
        source: its name in the file; None if "new".
        value: Tensor to be loaded; None if initialised.
        detail: for people.
    """

    name: str
    status: str
    source: str | None = None
    value: Tensor | None = None
    detail: str = ""


def fit_weights(
    file_state: Mapping[str, Tensor],
    model_state: Mapping[str, Tensor],
    *,
    file_classes: Sequence[str] | None = None,
    model_classes: Sequence[str] | None = None,
) -> list[Fit]:
    """Find each tensor of a model in a file.

    1. The tensor of the same name.
    2. Else, in the heads of a stage: of the file's last stage, if the file has fewer stages; of the
       single head, if the file has no stages.
    3. Where it has rows for classes and the classes differ: the rows of classes of the same name
       (and of background); the others stay as initialised.

    Args:
        file_state: the file's tensors by name.
        model_state: the model's, as initialised; they are not changed.
        file_classes: the file's class names, if known; a file with 80 classes that does not fit
            otherwise is taken for one of COCO.
        model_classes: the model's class names, if known.

    Returns:
        one entry for each tensor of the model, in its order.
    """
    last_stage = _last_stages(file_state)
    rows = ClassRows(file_state, model_state, file_classes, model_classes)
    fits = []
    for name, initial in model_state.items():
        source = _find(name, file_state, last_stage)
        if name == _ALLOWED_VERBS and source is None and _SEMANTIC_PRIOR in file_state:
            # A checkpoint of before there were any limits.
            fits.append(Fit(name, "loaded", name, torch.ones_like(initial)))
        elif source is None:
            fits.append(Fit(name, "new"))
        elif rows.differ(name, file_state[source], initial):
            fits.append(rows.fit(name, source, file_state[source], initial))
        elif file_state[source].shape != initial.shape:
            fits.append(_other_shape(name, source, file_state[source], initial))
        else:
            own = source == name or _is_first_of_single(name)
            fits.append(Fit(name, "loaded" if own else "copied", source, file_state[source]))
    return fits


class ClassRows:
    """The rows of tensors that belong to classes, when file and model know different ones.

    Args:
        file_state, model_state, file_classes, model_classes: see :func:`fit_weights`.
    """

    def __init__(
        self,
        file_state: Mapping[str, Tensor],
        model_state: Mapping[str, Tensor],
        file_classes: Sequence[str] | None,
        model_classes: Sequence[str] | None,
    ):
        self.num_file, self.num_model = _num_classes(file_state), _num_classes(model_state)
        if file_classes is None and self.num_file == 80 != self.num_model:
            file_classes = MetadataCatalog.get("coco_2017_train").thing_classes
        file_names, model_names = list(file_classes or ()), list(model_classes or ())
        known = (len(file_names), len(model_names)) == (self.num_file, self.num_model)
        self.are_others = known and file_names != model_names
        place = {_canonical(name): row for row, name in reversed(list(enumerate(file_names)))}
        self.shared = [
            (name, row, place[_canonical(name)])
            for row, name in enumerate(model_names)
            if _canonical(name) in place
        ]

    def differ(self, name: str, value: Tensor, initial: Tensor) -> bool:
        """Has this tensor rows for classes, and are the classes known to be others?"""
        if not self.are_others or not _CLASS_ROWS.fullmatch(name):
            return False
        extra = self._background(name)
        return (
            len(value) == self.num_file + extra
            and len(initial) == self.num_model + extra
            and value.shape[1:] == initial.shape[1:]
        )

    def fit(self, name: str, source: str, value: Tensor, initial: Tensor) -> Fit:
        """The model's initial tensor with the file's rows in it."""
        shared = list(self.shared)
        if self._background(name):
            shared.append(("background", self.num_model, self.num_file))
        if not shared:
            return Fit(name, "shape", source, None, "the file has other classes")
        names, rows, file_rows = (list(x) for x in zip(*shared))
        merged = initial.detach().clone()
        merged[rows] = value[file_rows].to(merged)
        detail = f"{len(rows)} of {len(initial)} classes loaded ({_shortened(names)})"
        if len(rows) < len(initial):
            detail += ", the others initialised"
        return Fit(name, "classes", source, merged, detail)

    @staticmethod
    def _background(name: str) -> int:
        """The last score is background's; there is no mask of it."""
        return int("cls_score" in name)


def _num_classes(state: Mapping[str, Tensor]) -> int | None:
    """K of a cascade's or a single predictor's K + 1 scores."""
    for predictor in ("roi_heads.box_predictor.0", "roi_heads.box_predictor"):
        scores = state.get(f"{predictor}.cls_score.bias")
        if scores is not None:
            return len(scores) - 1
    return None


def _last_stages(state: Mapping[str, Tensor]) -> dict[str, int]:
    last: dict[str, int] = {}
    for name in state:
        match = _STAGE.fullmatch(name)
        if match:
            last[match[1]] = max(last.get(match[1], 0), int(match[2]))
    return last


def _find(name: str, state: Mapping[str, Tensor], last_stage: Mapping[str, int]) -> str | None:
    if name in state:
        return name
    match = _STAGE.fullmatch(name)
    if match is None:
        return None
    kind, stage, rest = match[1], int(match[2]), match[3]
    if kind not in last_stage:
        other = f"roi_heads.{kind}.{rest}"
    elif stage > last_stage[kind]:
        other = f"roi_heads.{kind}.{last_stage[kind]}.{rest}"
    else:
        return None
    return other if other in state else None


def _is_first_of_single(name: str) -> bool:
    match = _STAGE.fullmatch(name)
    return match is not None and int(match[2]) == 0


def _other_shape(name: str, source: str, value: Tensor, initial: Tensor) -> Fit:
    detail = f"has shape {tuple(initial.shape)}, the file's {tuple(value.shape)}"
    return Fit(name, "shape", source, None, detail)


def _canonical(name: str) -> str:
    letters = re.sub(r"[^a-z0-9]", "", name.lower())
    return _COCO_NAMES.get(letters, letters)


def _shortened(names: Sequence[str], most: int = 6) -> str:
    if len(names) <= most:
        return ", ".join(names)
    return ", ".join([*names[: most - 1], "...", names[-1]])


def as_tensors(state: Mapping) -> dict[str, Tensor]:
    """A file's tensors under the names that a model has.

    NumPy arrays become tensors, and the prefix "module." of a wrapped model is dropped.

    Raises:
        TypeError: there is something else than arrays and tensors.
    """
    tensors = {}
    for name, value in state.items():
        if not isinstance(value, Tensor):
            if not hasattr(value, "__array__"):
                raise TypeError(f"{name!r} is no tensor but {type(value).__name__}")
            value = torch.as_tensor(value)
        tensors[name] = value
    if tensors and all(name.startswith("module.") for name in tensors):
        tensors = {name.removeprefix("module."): value for name, value in tensors.items()}
    return tensors
