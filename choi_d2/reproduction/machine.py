"""Where and with what something was run, for reports."""

from __future__ import annotations

import datetime
import os
import platform
from pathlib import Path
from typing import Any

import torch


def describe_machine() -> dict[str, Any]:
    """``cpu`` (its model), ``cores`` that this process may use, ``gpu`` (a name, or None),
    ``gpus``, ``torch`` and ``python`` (versions).
    """
    gpus = torch.cuda.device_count()
    return {
        "cpu": _cpu_model(),
        "cores": cores(),
        "gpu": torch.cuda.get_device_name(0) if gpus else None,
        "gpus": gpus,
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def machine_line(machine: dict[str, Any]) -> str:
    """What :func:`describe_machine` gave, for people."""
    gpus = f"{machine['gpus']} x {machine['gpu']}, " if machine["gpu"] else ""
    return f"{gpus}{machine['cores']} cores of {machine['cpu']}, PyTorch {machine['torch']}"


def cores() -> int:
    """CPU cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def now() -> str:
    """Date and time, UTC, to the second."""
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")


def _cpu_model() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
