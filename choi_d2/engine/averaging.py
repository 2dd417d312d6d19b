"""The mean of several checkpoints, which often finds more in new images than each of them.

The points of one training's end (stochastic weight averaging: Izmailov et al., UAI 2018), or of
several trainings that began at the same weights (model soups: Wortsman et al., ICML 2022).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from choi_d2.utils import InputError

from .checkpoint_files import write_checkpoint
from .model_card import CARD, ModelCard, read_card
from .weight_files import read_weights
from .weights import as_tensors
from .weights_path import check_weights_path

AVERAGED = "averaged"
"""The key in a checkpoint, beside "model": the files that it is the mean of."""

_HINT = "Average checkpoints of one model."


def average_checkpoints(paths: Sequence[str | os.PathLike], output: str | os.PathLike) -> int:
    """Write the mean of checkpoints of one model, whole or not at all.

    The result has the first one's model card, and no optimizer: it is evaluated, exported, or
    trained on by ``MODEL.WEIGHTS``. Numbers are added in float64 and kept in at least 32 bits.
    Whole numbers, such as counts of batches, are the largest of the files'. Running statistics of
    batch normalization are averaged like weights, which suits points that are near each other.

    Args:
        paths: two or more files: checkpoints, bundles, or other weights of the same names.
        output: the file, ``NAME.pth``.

    Returns:
        the number of tensors.

    Raises:
        InputError: fewer than two files, one that is no weights file or of another model (names of
            tensors, shapes, classes, verbs), numbers that are none, or another suffix of
            ``output``.
    """
    output = Path(output)
    if output.suffix != ".pth":
        raise InputError("expected a file name that ends in .pth", path=output)
    if len(paths) < 2:
        raise InputError(f"expected two files or more, found {len(paths)}", field="checkpoints")
    for path in paths:
        check_weights_path(path, field=None)
    first, *others = [Path(path) for path in paths]
    card = read_card(first)
    state = _read(first)
    total = {name: x.double() if x.is_floating_point() else x for name, x in state.items()}
    for path in others:
        _check_words(card, read_card(path), first, path)
        other = _read(path)
        _check_same_model(state, other, first, path)
        total = {name: _joined(x, other[name]) for name, x in total.items()}
    mean = {name: _mean(x, len(paths), state[name].dtype) for name, x in total.items()}
    content = {"model": mean, AVERAGED: [str(path) for path in paths]}
    if card is not None:
        content[CARD] = card.to_dict()
    write_checkpoint(output, content)
    return len(mean)


def _read(path: Path) -> dict[str, Tensor]:
    try:
        state = as_tensors(read_weights(path)["model"])
    except TypeError as error:
        raise InputError(f"expected tensors alone: {error}", path=path) from None
    for name, tensor in state.items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise InputError("expected numbers, found NaN or infinity", path=path, field=name)
    return state


def _check_words(card: ModelCard | None, other: ModelCard | None, first: Path, path: Path) -> None:
    """Rows of other classes or verbs would be mixed, where their number is the same."""
    if card is None or other is None or card.vocabulary == other.vocabulary:
        return
    problem = f"its classes and verbs are not those of {first}"
    raise InputError(problem, path=path, hint=_HINT)


def _check_same_model(
    state: Mapping[str, Tensor], other: Mapping[str, Tensor], first: Path, path: Path
) -> None:
    unshared = sorted(state.keys() ^ other.keys())
    if unshared:
        where = first if unshared[0] in state else path
        problem = f"{len(unshared)} tensors are not in both this and {first}"
        hint = f"{unshared[0]!r} is in {where} alone. {_HINT}"
        raise InputError(problem, path=path, hint=hint)
    for name, tensor in state.items():
        shape, found = tuple(tensor.shape), tuple(other[name].shape)
        if shape != found:
            problem = f"expected the shape {shape} of {first}, found {found}"
            raise InputError(problem, path=path, field=name, hint=_HINT)


def _joined(total: Tensor, other: Tensor) -> Tensor:
    return total + other if total.is_floating_point() else torch.maximum(total, other)


def _mean(total: Tensor, count: int, dtype: torch.dtype) -> Tensor:
    if not total.is_floating_point():
        return total
    return (total / count).to(torch.promote_types(dtype, torch.float32))
