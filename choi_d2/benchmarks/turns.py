"""Several things timed in turns, so that what else the machine does meets all of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import torch

Action = Callable[[], object]


def seconds_of(action: Action, device: str) -> float:
    """How long a call takes; on a GPU by CUDA's events."""
    if not device.startswith("cuda"):
        started = time.perf_counter()
        action()
        return time.perf_counter() - started
    started, ended = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    started.record()
    action()
    ended.record()
    torch.cuda.synchronize()
    return started.elapsed_time(ended) / 1000


def take_turns(actions: Mapping[str, Action], rounds: int, device: str) -> dict[str, list[float]]:
    """Seconds of every action in every round; a round before the first is not counted.

    Args:
        actions: what is called, by name.
        rounds: how often each is called. Every second round goes backwards.
        device: where they run.
    """
    times: dict[str, list[float]] = {name: [] for name in actions}
    for round_ in range(rounds + 1):
        for name in list(actions) if round_ % 2 else reversed(list(actions)):
            seconds = seconds_of(actions[name], device)
            if round_ > 0:
                times[name].append(seconds)
    return times


def summarise(times: list[float], base: list[float]) -> dict[str, Any]:
    """What is said of an action, the ratio first.

    Args:
        times: seconds, by round.
        base: those of what it is compared with.

    Returns:
        ``ratio``: the median over rounds of both's quotient, and ``ratio_range``, its smallest and
        largest; ``median_ms``, ``lowest_ms`` and ``all_ms``, by round.
    """
    milliseconds = [round(1000 * x, 3) for x in times]
    ratios = [x / y for x, y in zip(times, base, strict=True)]
    return {
        "ratio": round(statistics.median(ratios), 4),
        "ratio_range": [round(min(ratios), 4), round(max(ratios), 4)],
        "median_ms": round(statistics.median(milliseconds), 3),
        "lowest_ms": min(milliseconds),
        "all_ms": milliseconds,
    }
