"""How checkpoints get onto the disk, whole or not at all, and which are there."""

from __future__ import annotations

import contextlib
import logging
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from choi_d2.utils import atomic_path

logger = logging.getLogger(__name__)

# Those that hold what a training resumes from; model_best.pth does not.
_RESUMABLE = re.compile(r"model_(\d+|final)\.pth")


def last_checkpoint(folder: str | os.PathLike) -> str:
    """The checkpoint that the file ``last_checkpoint`` names; the newest where that is missing.

    Returns:
        its path, which need not exist; "" where there is none.
    """
    folder = Path(folder)
    name = named_last(folder)
    if name:
        return str(folder / name)
    found = [path for path in folder.glob("model_*.pth") if _RESUMABLE.fullmatch(path.name)]
    return str(max(found, key=os.path.getmtime)) if found else ""


def named_last(folder: str | os.PathLike) -> str:
    """What the file ``last_checkpoint`` says; "" where it says nothing or is missing."""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return Path(folder, "last_checkpoint").read_text().strip()
    return ""


def others_from_newest(folder: str | os.PathLike, last: str) -> list[str]:
    """The paths of the other checkpoints, weights alone among them."""
    others = [
        path
        for path in Path(folder).glob("*.pth")
        # Hidden: what a process that was killed was writing.
        if str(path) != last and not path.name.startswith(".")
    ]
    return [str(path) for path in sorted(others, key=os.path.getmtime, reverse=True)]


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
