"""Models to pass on: one file with weights, config, names, metrics and provenance.

A bundle is a safetensors file: tensors, and texts beside them, so that nothing in it can run. It
has the model card of a checkpoint (:mod:`choi_d2.engine.model_card`), and a record of how good the
model is and where it comes from. Whatever takes a checkpoint takes a bundle too.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
import yaml

from choi_d2 import __version__
from choi_d2.engine.digest import ABOUT, tensors_sha256
from choi_d2.engine.model_card import CARD, read_card, read_metadata
from choi_d2.engine.packed_weights import BITS, pack
from choi_d2.engine.weight_files import read_weights
from choi_d2.utils import InputError, atomic_path

SHIPPED = Path(__file__).resolve().parent.parent / "models"
SUFFIX = ".safetensors"

# What a config says of the machine of its training alone.
_PLACES = {"OUTPUT_DIR": "./output", "MODEL.WEIGHTS": "", "MODEL.LOCALIZATION_CACHE": ""}


@dataclass(frozen=True)
class About:
    """What a bundle says of its model for people.

    Attributes:
        name: of the model.
        metrics: "data set/metric" -> number.
        provenance: what it was made of: data, first weights, licences, seed, commit, hours, ...
        sha256: of the tensors: names, types, shapes, numbers.
        version: of choi_d2, when it was written.
    """

    name: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    sha256: str = ""
    version: str = __version__


def write_bundle(
    checkpoint: str | os.PathLike,
    output: str | os.PathLike,
    *,
    name: str | None = None,
    bits: int = 16,
    metrics: Mapping[str, float] | None = None,
    provenance: Mapping[str, Any] | None = None,
) -> About:
    """Make a bundle of a training's checkpoint: without optimizer, written whole or not at all.

    Args:
        checkpoint: ``model_final.pth`` or another one that knows its config and names.
        output: the file, ``NAME.safetensors``.
        name: of the model; by default the file's.
        bits: of a weight in the file: 32, 16 or 8, see :func:`choi_d2.engine.packed_weights.pack`.
            They are computed with in 32 bits all the same.
        metrics, provenance: see :class:`About`.

    Returns:
        what the bundle says of its model.

    Raises:
        InputError: no checkpoint, or one that does not know its config; other ``bits``.
    """
    from safetensors.torch import save_file

    output = Path(output)
    if output.suffix != SUFFIX:
        raise InputError(f"expected a file name that ends in {SUFFIX}", path=output)
    if not Path(checkpoint).is_file():
        raise InputError("no such checkpoint", path=checkpoint)
    card = read_card(checkpoint)
    if card is None or card.vocabulary is None or not card.config:
        raise InputError(
            "does not know its config and its names, so nobody could use the bundle",
            path=checkpoint,
            hint="Train, or resume, with this version of choi_d2: its checkpoints do.",
        )
    if bits not in BITS:
        raise InputError(f"expected one of {BITS}, found {bits}", field="bits")
    weights = read_weights(checkpoint)["model"]
    state = pack({key: torch.as_tensor(value) for key, value in weights.items()}, bits)
    about = About(
        name or output.stem, dict(metrics or {}), dict(provenance or {}), tensors_sha256(state)
    )
    card = replace(card, config=_without_places(card.config))
    texts = {CARD: json.dumps(card.to_dict()), ABOUT: json.dumps(asdict(about))}
    with atomic_path(output) as temporary:
        save_file(state, temporary, metadata=texts)
    return about


def read_about(path: str | os.PathLike) -> About:
    """What a bundle says of its model, without reading the weights.

    Raises:
        InputError: it is no bundle.
    """
    texts = read_metadata(path)
    if texts is None or ABOUT not in texts or CARD not in texts:
        raise InputError(
            "expected a bundle (weights with their model card)",
            path=path,
            hint="`choi export-bundle` makes one of a checkpoint.",
        )
    try:
        return About(**json.loads(texts[ABOUT]))
    except (ValueError, TypeError) as error:
        raise InputError(
            f"what it says of its model is broken ({error})", path=path, field=ABOUT
        ) from None


def check_bundle(path: str | os.PathLike) -> About:
    """Read all of a bundle and compare its tensors with the hash that it carries.

    Raises:
        InputError: it is no bundle, or its tensors are others.
    """
    about = read_about(path)
    read_weights(path)
    return about


def _without_places(config: str) -> str:
    """A config without the folders of the machine that it was trained on."""
    content = yaml.safe_load(config)
    for key, value in _PLACES.items():
        *parents, leaf = key.split(".")
        node = content
        for parent in parents:
            node = node.get(parent, {})
        if leaf in node:
            node[leaf] = value
    return yaml.safe_dump(content)


def shipped_models() -> dict[str, Path]:
    """Name -> bundle of every model that comes with the package."""
    return {path.stem: path for path in sorted(SHIPPED.glob(f"*{SUFFIX}"))}


def find_model(model: str | os.PathLike) -> Path:
    """The file that a user names.

    Args:
        model: the name of a shipped model, a bundle, a checkpoint, or a folder with one bundle. A
            file or folder that is called as a shipped model: with ``./`` before it.

    Raises:
        InputError: there is no such model.
    """
    shipped = shipped_models()
    # Before a folder of that name: people keep their photos in "photos".
    if os.fspath(model) in shipped:
        return shipped[os.fspath(model)]
    path = Path(model).expanduser()
    if path.is_dir():
        bundles = sorted(path.glob(f"*{SUFFIX}"))
        if len(bundles) == 1:
            return bundles[0]
        # A training's folder, or nothing: loading says which.
        final = path / "model_final.pth"
        return final if final.is_file() else path
    if path.exists():
        return path
    raise InputError(
        "no such model",
        path=model,
        hint=f"{shipped_words()} Or give a bundle or a checkpoint, such as a training's "
        "model_final.pth.",
    )


def shipped_words() -> str:
    """Which models come with the package, in words."""
    names = ", ".join(shipped_models())
    return f"Shipped with the package: {names or 'none'}."
