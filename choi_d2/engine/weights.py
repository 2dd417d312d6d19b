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
from torch import Tensor

from .named_rows import NamedRows

_STAGE = re.compile(r"roi_heads\.(box_head|box_predictor|mask_head|interaction_heads)\.(\d+)\.(.+)")
_ALLOWED_VERBS, _SEMANTIC_PRIOR = "roi_heads.allowed_verbs", "roi_heads.semantic_prior"


class Fit(NamedTuple):
    """What became of one tensor of the model.

    Attributes:
        name: of the tensor in the model.
        status: "loaded"; "copied": from another stage or a single head; "names": the rows of the
            classes or verbs that the file knows; "shape": initialised, the file's has another
            shape; "new": initialised, the file has none.
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
    file_verbs: Sequence[str] | None = None,
    model_verbs: Sequence[str] | None = None,
) -> list[Fit]:
    """Find each tensor of a model in a file.

    1. The tensor of the same name.
    2. Else, in the heads of a stage: of the file's last stage, if the file has fewer stages; of the
       single head, if the file has no stages.
    3. Where it has rows for classes or verbs, and these differ or stand in another order: the rows
       of the same names (and of background); the others stay as initialised.

    Args:
        file_state: the file's tensors by name.
        model_state: the model's, as initialised; they are not changed.
        file_classes: the file's class names, if known; a file with 80 classes that does not fit
            otherwise is taken for one of COCO.
        model_classes: the model's class names, if known.
        file_verbs, model_verbs: the names of verbs, likewise.

    Returns:
        one entry for each tensor of the model, in its order.
    """
    last_stage = _last_stages(file_state)
    rows = NamedRows(
        file_state,
        model_state,
        file_classes=file_classes,
        model_classes=model_classes,
        file_verbs=file_verbs,
        model_verbs=model_verbs,
    )
    fits = []
    for name, initial in model_state.items():
        source = _find(name, file_state, last_stage)
        if name == _ALLOWED_VERBS and source is None and _SEMANTIC_PRIOR in file_state:
            # A checkpoint of before there were any limits.
            fits.append(Fit(name, "loaded", name, torch.ones_like(initial)))
            continue
        if source is None:
            fits.append(Fit(name, "new"))
            continue
        value = file_state[source]
        if rows.differ(name, value, initial):
            merged, detail = rows.fit(name, value, initial)
            status = "shape" if merged is None else "names"
            fits.append(Fit(name, status, source, merged, detail))
        elif value.shape != initial.shape:
            fits.append(_other_shape(name, source, value, initial))
        else:
            own = source == name or _is_first_of_single(name)
            fits.append(Fit(name, "loaded" if own else "copied", source, value))
    return fits


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
