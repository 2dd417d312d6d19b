"""What ``--fast`` and ``--augment`` stand for, over any config."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .config_files import read_config_file

FAST = Path(__file__).resolve().parents[1] / "configs" / "variants" / "fast.yaml"
"""``--fast``."""

AUGMENT = ("TEST.AUG.ENABLED", "True")
"""``--augment``."""


def profile_opts(*, fast: bool = False, augment: bool = False) -> list[str]:
    """KEY VALUE pairs of the profiles that are wanted, to go before those that a user gives."""
    return [*(fast_opts() if fast else ()), *(AUGMENT if augment else ())]


def fast_opts() -> list[str]:
    """KEY VALUE pairs of ``configs/variants/fast.yaml``."""
    return [str(word) for pair in _flat(read_config_file(FAST).content) for word in pair]


def _flat(content: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in content.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
