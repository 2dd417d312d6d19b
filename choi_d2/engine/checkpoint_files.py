"""How a checkpoint gets onto the disk: whole, with numbers in it, or not at all."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from choi_d2.utils import atomic_path

logger = logging.getLogger(__name__)


def write_checkpoint(path: Path, content: Mapping[str, Any]) -> None:
    """Write a checkpoint, whole or not at all.

    Args:
        path: its place; folders above are made.
        content: what ``torch.save`` takes.

    Raises:
        OSError: whatever fails in writing.
    """
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        try:
            torch.save(content, file)
        except RuntimeError as error:
            # What torch makes of a write that fails.
            if isinstance(error.__context__, OSError):
                raise error.__context__ from None
            raise
        # On the disk before it gets its name: no crash may leave half a file under it.
        file.flush()
        os.fsync(file.fileno())


def remove_halves(folder: str | os.PathLike) -> None:
    """Remove what a process was writing when it was killed; it may be large."""
    for pattern in (".model_*.pth", ".last_checkpoint.*"):
        for path in Path(folder).glob(pattern):
            logger.info("Removing %s, which was not written to its end", path)
            path.unlink(missing_ok=True)


def check_finite(state: Mapping[str, Tensor]) -> None:
    """Are these weights worth keeping?

    Raises:
        FloatingPointError: there is NaN or infinity in them.
    """
    broken = [k for k, x in state.items() if x.is_floating_point() and not x.isfinite().all()]
    if broken:
        raise FloatingPointError(
            f"{len(broken)} of the model's tensors hold NaN or infinity, {broken[0]} first: this "
            "checkpoint is not written, those before it are whole"
        )
