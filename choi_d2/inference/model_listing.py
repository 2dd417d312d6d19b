"""What `choi models` tells of a bundle."""

from __future__ import annotations

import hashlib
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from choi_d2.engine.model_card import read_card
from choi_d2.utils import InputError, read_text

from . import bundles

SUMS = "SHA256SUMS"
"""Beside the shipped models, one line each, as ``sha256sum`` writes and checks it."""


def describe(path: Path) -> dict[str, Any]:
    """All that a bundle says, and its file.

    Returns:
        ``name``, ``metrics``, ``provenance`` and ``version`` as :class:`bundles.About` has them;
        ``classes`` and ``verbs``, the model's words; ``file``, ``bytes``, and ``sha256`` of the
        file, ``tensors_sha256`` of the tensors alone.

    Raises:
        InputError: it is no bundle.
    """
    about = asdict(bundles.read_about(path))
    words = read_card(path).vocabulary
    return {
        "name": about["name"],
        "file": str(path),
        "bytes": path.stat().st_size,
        "sha256": file_sha256(path),
        "tensors_sha256": about["sha256"],
        "version": about["version"],
        "classes": list(words.classes) if words else [],
        "verbs": list(words.verbs) if words else [],
        "metrics": about["metrics"],
        "provenance": about["provenance"],
    }


def check_file(path: Path) -> None:
    """Is a bundle as it was written, and a shipped one the one that was shipped?

    Raises:
        InputError: it is no bundle, its tensors are others, or the file is.
    """
    bundles.check_bundle(path)
    expected = shipped_sha256().get(path.name) if path.parent == bundles.SHIPPED else None
    if expected is not None and file_sha256(path) != expected:
        raise InputError(
            f"expected a file of SHA-256 {expected}, found {file_sha256(path)}",
            path=path,
            hint="It is not the one that was shipped: install choi_d2 again.",
        )


def shipped_sha256() -> dict[str, str]:
    """File name -> SHA-256 of every model that is shipped."""
    sums = bundles.SHIPPED / SUMS
    lines = read_text(sums).splitlines() if sums.is_file() else []
    return {name.lstrip(" *"): digest for digest, _, name in (x.partition(" ") for x in lines)}


def file_sha256(path: str | os.PathLike) -> str:
    """Of a file's bytes."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def in_words(model: dict[str, Any], *, everything: bool) -> list[str]:
    """Lines for people.

    Args:
        model: what :func:`describe` gave.
        everything: also the metrics of single classes and verbs.
    """
    lines = [f"{model['name']}: {model['file']}, {model['bytes'] / 1e6:.1f} MB"]
    lines.append(f"  sha256: {model['sha256']}")
    for kind in ("classes", "verbs"):
        lines.append(f"  {len(model[kind])} {kind}: {', '.join(model[kind])}")
    for key, value in model["metrics"].items():
        # Metrics of single classes are "AP-bike".
        if everything or "-" not in key.partition("/")[2]:
            lines.append(f"  {key}: {value:.4g}")
    lines += [f"  {key}: {value}" for key, value in model["provenance"].items()]
    return lines
