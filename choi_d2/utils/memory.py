"""How much memory a process has had."""

from __future__ import annotations

import re
import resource
import sys
from pathlib import Path

import torch

_STATUS = Path("/proc/self/status")


def peak_memory_here(device: str | torch.device) -> int:
    """The most memory that this process has had so far, in bytes.

    Args:
        device: a GPU: the memory that PyTorch allocated there; else resident memory, of which
            Python, libraries and models are part.
    """
    if torch.device(device).type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    # Of a process that was started by another, getrusage tells no less than that one has had.
    if _STATUS.exists():
        found = re.search(r"VmHWM:\s*(\d+) kB", _STATUS.read_text())
        if found:
            return int(found[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
