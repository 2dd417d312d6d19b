"""Reading a file of weights, whatever its suffix, without running code from it."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import pickle
import re
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from choi_d2.utils import InputError
from choi_d2.utils.file_kinds import other_kind
from choi_d2.utils.safe_pickle import read_pickle

from .digest import ABOUT, check_digest
from .packed_weights import unpack

_PICKLE = tuple(bytes([0x80, protocol]) for protocol in range(2, 6))
# How a file that torch.save wrote before PyTorch 1.6 begins.
_LEGACY = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
_WEIGHTS_ALONE = (
    "Where it comes from, save the weights alone: "
    "torch.save({'model': model.state_dict()}, 'weights.pth')."
)
_CUT = "It may have been copied or downloaded in part: get it again."


def read_weights(path: str | os.PathLike) -> dict[str, Any]:
    """Read what ``torch.save`` wrote, a pickle of the model zoos, or safetensors.

    What it is follows from its content. A pickle may hold plain data and NumPy's arrays; what
    ``torch.save`` wrote is read with ``weights_only=True``.

    Args:
        path: the file.

    Returns:
        ``"model"``: the tensors or arrays by name; ``"matching_heuristics"`` and ``"__author__"``
        as Detectron2's checkpointer takes them; and what else the file holds.

    Raises:
        InputError: it holds no weights, or more than weights, or half of them; says what it is.
            Or the weights are not those whose digest a bundle carries.
    """
    path = Path(path)
    with path.open("rb") as file:
        head = file.read(16)
    if _is_safetensors(head, path.stat().st_size):
        texts, state = _json_texts(path), _read_safetensors(path)
        check_digest(state, texts.get(ABOUT), path)
        return {**texts, "model": unpack(state)}
    kind = other_kind(path)
    if kind is not None:
        problem = f"expected the weights of a model, found {kind.name}"
        raise InputError(problem, path=path, hint=kind.hint)
    if head.startswith((b"PK", _LEGACY)):
        return _of_torch(read_torch(path), path)
    if head[8:9] == b"{" and not head.startswith(_PICKLE):
        length, size = struct.unpack("<Q", head[:8])[0], path.stat().st_size
        problem = f"its safetensors header is of {length} bytes, the whole file of {size}"
        raise InputError(problem, path=path, hint=_CUT)
    return _of_zoo(read_pickle(path, hint=_WEIGHTS_ALONE), path)


def read_torch(path: str | os.PathLike, *, mmap: bool = False) -> Any:
    """What ``torch.save`` wrote, on the CPU.

    Args:
        path: the file.
        mmap: read the tensors' numbers when they are asked for.

    Raises:
        InputError: it holds more than weights and plain data, or cannot be read.
    """
    try:
        if mmap:
            return torch.load(path, map_location="cpu", mmap=True, weights_only=True)
        with open(path, "rb") as file:  # a path's suffix would count
            return torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        # The first of these lines would have people switch the safety off.
        named = re.search(r"(?:GLOBAL |<class '|unrecognized function )([^\s']+)", str(error))
        if named is None:
            raise InputError("its content cannot be read", path=path, hint=_CUT) from None
        raise InputError(
            f"expected weights alone, found a pickled object ({named[1]}), which could run code",
            path=path,
            hint=f"Nothing was run. {_WEIGHTS_ALONE}",
        ) from None
    except Exception as error:  # half a file can fail in any way
        reason = str(error).split("\n")[0] or type(error).__name__
        raise InputError(f"its content cannot be read ({reason})", path=path, hint=_CUT) from None


def _of_torch(content: Any, path: Path) -> dict[str, Any]:
    _check_mapping(content, path)
    if isinstance(content.get("model_state"), Mapping):
        # pycls; its names are fitted by heuristics, as Detectron2 does.
        state = content["model_state"]
        state = {k: x for k, x in state.items() if not k.endswith("num_batches_tracked")}
        return {"model": state, "__author__": "pycls", "matching_heuristics": True}
    for key in ("model", "state_dict"):
        if isinstance(content.get(key), Mapping):
            rest = {name: value for name, value in content.items() if name != key}
            return {"model": content[key], **rest}
    return {"model": content}


def _of_zoo(content: Any, path: Path) -> dict[str, Any]:
    _check_mapping(content, path)
    if isinstance(content.get("model"), Mapping):
        return {**content, "model": _arrays(content["model"], path)}
    blobs = content.get("blobs", content)
    _check_mapping(blobs, path)
    state = _arrays({k: x for k, x in blobs.items() if not str(k).endswith("_momentum")}, path)
    if any("." in name for name in state):
        return {"model": state}  # a state_dict; Caffe2's names have underscores
    return {"model": state, "__author__": "Caffe2", "matching_heuristics": True}


def _check_mapping(content: Any, path: Path) -> None:
    if not isinstance(content, Mapping):
        problem = f"expected tensors by their names, found {type(content).__name__}"
        raise InputError(problem, path=path, hint=_WEIGHTS_ALONE)


def _arrays(state: Mapping, path: Path) -> dict[str, torch.Tensor]:
    tensors = {}
    for name, value in state.items():
        try:
            # Copied: what a pickle holds may not be written to, or have its bytes the other way.
            array = np.array(value)
            tensors[str(name)] = torch.from_numpy(array.astype(array.dtype.newbyteorder("=")))
        except (TypeError, ValueError):
            problem = f"expected {name!r} to be an array of numbers, found {type(value).__name__}"
            raise InputError(problem, path=path) from None
    return tensors


def _is_safetensors(head: bytes, size: int) -> bool:
    return len(head) > 8 and head[8:9] == b"{" and struct.unpack("<Q", head[:8])[0] <= size - 8


def read_metadata(path: str | os.PathLike) -> dict[str, str] | None:
    """The texts beside the tensors of a safetensors file.

    Returns:
        None where the file is of another kind, or damaged.
    """
    path = Path(path)
    with path.open("rb") as file:
        head = file.read(16)
        if not _is_safetensors(head, path.stat().st_size):
            return None
        file.seek(8)
        header = file.read(struct.unpack("<Q", head[:8])[0])
    try:
        texts = json.loads(header).get("__metadata__", {})
    except (ValueError, AttributeError, RecursionError):
        return None
    is_texts = isinstance(texts, dict) and all(isinstance(x, str) for x in texts.values())
    return texts if is_texts else None


def _json_texts(path: Path) -> dict[str, Any]:
    """Those of the texts that are JSON objects, such as a bundle's model card."""
    found = {}
    for key, text in (read_metadata(path) or {}).items():
        with contextlib.suppress(ValueError, RecursionError):
            content = json.loads(text)
            if isinstance(content, dict):
                found[key] = content
    return found


def _read_safetensors(path: Path) -> dict[str, torch.Tensor]:
    if importlib.util.find_spec("safetensors") is None:
        raise InputError(
            "this is a safetensors file, and the package that reads it is not installed",
            path=path,
            hint="pip install safetensors",
        )
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except SafetensorError as error:
        raise InputError(f"its content cannot be read ({error})", path=path, hint=_CUT) from None
