"""What people give in the place of a weights file, and what they should give."""

from __future__ import annotations

import difflib
import os
from pathlib import Path

from choi_d2.utils import InputError

SUFFIXES = (".pth", ".pt", ".pkl", ".pyth")
_PREFERRED = ("model_final.pth", "model_best.pth")
_CONFIGS = (".yaml", ".yml")
# What else a model may be in, and people try.
_OTHER_MODELS = (".safetensors", ".onnx", ".h5", ".npz")


def check_weights_path(path: str | os.PathLike, *, field: str | None) -> None:
    """Is there a file that may hold weights?

    Args:
        path: a local path.
        field: the key or option that gave it, for the message.

    Raises:
        InputError: there is no file, or a folder, or one of another kind; with what to do.
    """
    path = Path(path)
    if path.is_file():
        _check_suffix(path, field)
        return
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


def weights_in(folder: Path) -> list[str]:
    """The names of the files in a folder that look like weights, the likeliest first."""
    try:
        names = sorted(x.name for x in folder.iterdir() if x.suffix in SUFFIXES)
    except OSError:
        return []
    names = [name for name in names if not name.startswith(".")]
    first = [name for name in _PREFERRED if name in names]
    return first + [name for name in reversed(names) if name not in first]


def _check_suffix(path: Path, field: str | None) -> None:
    suffix = path.suffix.lower()
    if suffix in _CONFIGS:
        raise InputError(
            "expected the weights of a model, found a config",
            path=path,
            field=field,
            hint="A config goes after --config-file; the weights that it trained are the .pth "
            "files in its OUTPUT_DIR.",
        )
    if suffix in _OTHER_MODELS or suffix in (".json", ".txt", ".zip", ".jpg", ".png"):
        what = "a model in another format" if suffix in _OTHER_MODELS else f"a {suffix} file"
        raise InputError(
            f"expected the weights of a model, found {what}",
            path=path,
            field=field,
            hint="Give a checkpoint of PyTorch (.pth) or a file of Detectron2's model zoo (.pkl).",
        )


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
