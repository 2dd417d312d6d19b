"""Where weights that were downloaded are kept."""

from __future__ import annotations

from pathlib import Path

import torch


def cache_folder() -> Path:
    """torch.hub's cache; the environment variable ``TORCH_HOME`` moves it."""
    return Path(torch.hub.get_dir()) / "checkpoints"
