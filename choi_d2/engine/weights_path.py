"""What people give in the place of a weights file, and what they should give."""

from __future__ import annotations

import contextlib
import difflib
import os
from pathlib import Path

from detectron2.checkpoint.catalog import ModelCatalog
from detectron2.utils.file_io import Detectron2Handler
from iopath.common.file_io import PathManager

from choi_d2.utils import InputError

from .torchvision_weights import PREFIX as TORCHVISION
from .torchvision_weights import download_address

SUFFIXES = (".pth", ".pt", ".pkl", ".pyth", ".safetensors")
_PREFERRED = ("model_final.pth", "model_best.pth")


def check_weights_path(path: str | os.PathLike, *, field: str | None) -> None:
    """Is there a file that may hold weights? What is in it is told when it is read.

    Args:
        path: a local path.
        field: the key or option that gave it, for the message.

    Raises:
        InputError: there is no file, a folder, or a config; with what to do.
    """
    path = Path(path)
    if path.is_file():
        if path.suffix.lower() not in (".yaml", ".yml"):
            return  # what it is follows from its content
        raise InputError(
            "expected the weights of a model, found a config",
            path=path,
            field=field,
            hint="A config goes after --config-file; the weights that it trained are the .pth "
            "files in its OUTPUT_DIR.",
        )
    if path.is_dir():
        raise InputError(
            "expected the weights of a model, found a folder",
            path=path,
            field=field,
            hint=_what_is_in(path),
        )
    raise InputError(
        "expected the weights of a model, found no such file",
        path=path,
        field=field,
        hint=_what_is_near(path),
    )


def check_weights_address(path: str, path_manager: PathManager, *, field: str | None) -> None:
    """Fetch what is on the network, or find out why it cannot be had.

    Args:
        path: an address, such as those of Detectron2's model zoo.
        path_manager: fetches it.
        field: the key or option that gave it, for the message.

    Raises:
        InputError: it cannot be had.
    """
    try:
        path_manager.get_local_path(path)
    except InputError:
        raise
    except Exception as error:  # what a network can do has many types
        raise InputError(
            f"cannot be downloaded ({type(error).__name__}: {error})",
            path=path,
            field=field,
            hint=f"Without a network, download {_address(path)} elsewhere and set MODEL.WEIGHTS to "
            "the local file.",
        ) from error


def weights_in(folder: Path) -> list[str]:
    """The names of the files in a folder that look like weights, the likeliest first."""
    try:
        names = sorted(x.name for x in folder.iterdir() if x.suffix in SUFFIXES)
    except OSError:
        return []
    names = [name for name in names if not name.startswith(".")]
    first = [name for name in _PREFERRED if name in names]
    return first + [name for name in reversed(names) if name not in first]


def _what_is_in(folder: Path) -> str:
    found = weights_in(folder)
    if found:
        return f"Did you mean {folder / found[0]}?"
    below = sorted(folder.glob("*/*.pth"))
    if below:
        return f"There are no weights in it, but in a folder below: {below[0]}."
    return "There are no weights in it: a training leaves model_final.pth in its OUTPUT_DIR."


def _what_is_near(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f"There is no folder {folder}, either: is the path relative to another folder?"
    found = weights_in(folder)
    same = [name for name in found if Path(name).stem == path.stem]
    close = same or difflib.get_close_matches(path.name, found, n=1, cutoff=0.6)
    if close:
        return f"Did you mean {folder / close[0]}?"
    if found:
        return f"In that folder there are: {', '.join(found[:5])}."
    return "A training leaves model_final.pth in its OUTPUT_DIR."


def _address(path: str) -> str:
    """Where a URL of Detectron2 leads."""
    if path.startswith("detectron2://"):
        return Detectron2Handler.S3_DETECTRON2_PREFIX + path.removeprefix("detectron2://")
    if path.startswith(TORCHVISION):
        return download_address(path)
    if path.startswith("catalog://"):
        with contextlib.suppress(KeyError, RuntimeError):
            return ModelCatalog.get(path.removeprefix("catalog://"))
    return path
