"""A digest of weights, by which a damaged or exchanged file is noticed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from choi_d2.utils import InputError

ABOUT = "about"
"""Under this name a bundle says of its model, among other things, its ``sha256``."""


def tensors_sha256(state: Mapping[str, Tensor]) -> str:
    """A digest of tensors: of their names, types, shapes and numbers, in the names' order."""
    digest = hashlib.sha256()
    for name in sorted(state):
        tensor = state[name].contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def check_digest(state: Mapping[str, Tensor], about: Any, path: str | os.PathLike) -> None:
    """Compare tensors with the digest that their file carries; one without any passes.

    Args:
        state: the tensors.
        about: what the file has under :data:`ABOUT`, or None.
        path: the file, for messages.

    Raises:
        InputError: they are others.
    """
    if not isinstance(about, Mapping) or not about.get("sha256"):
        return
    found = tensors_sha256(state)
    if found != about["sha256"]:
        raise InputError(
            f"expected tensors of SHA-256 {about['sha256']}, found {found}",
            path=path,
            hint="It was changed or damaged: get it again.",
        )
