"""The benchmark: sections one after another, their rows in turns."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Sequence
from typing import Any

import detectron2
import torch
import torchvision

from choi_d2.reproduction.machine import describe_machine, now
from choi_d2.utils import InputError

from .peak_memory import peak_memory
from .sections import SECTIONS, Section
from .setting import Setting
from .turns import summarise, take_turns


def run_benchmark(
    setting: Setting,
    *,
    only: Sequence[str] = (),
    crowds: Sequence[int] = (5, 15, 30, 60),
    rounds: int = 5,
    memory: bool = True,
    report: Callable[[dict[str, Any]], None] = lambda section: None,
) -> dict[str, Any]:
    """Measure.

    Args:
        setting: model, image size, device.
        only: names of ``SECTIONS``; none for all.
        crowds: sides of the crowds of the sections about pairs: N humans and N objects.
        rounds: how often each row is timed.
        memory: measure the peak memory of each row as well, in a process of its own?
        report: is given each section when it is done.

    Returns:
        ``sections`` by name, each with ``title`` and ``rows``: name -> ``ratio``,
        ``ratio_range``, ``base``, ``median_ms``, ``ms_per_image``, ``images_per_second``,
        ``ms_per_pair`` (None without pairs), ``lowest_ms``, ``all_ms``, ``images``, ``pairs``,
        ``peak_memory_bytes`` (see :func:`peak_memory`; None if it was not asked for). Then how it
        was measured: ``rounds``,
        ``threads``, ``dtype``, ``size``, ``machine``, ``versions``, ``load_average`` before and
        after, ``started``.

    Raises:
        InputError: there is no such section, config or device.
    """
    unknown = [name for name in only if name not in SECTIONS]
    if unknown:
        raise InputError(
            f"expected some of {', '.join(SECTIONS)}, found {', '.join(unknown)}", field="only"
        )
    if setting.device.startswith("cuda") and not torch.cuda.is_available():
        raise InputError("there is no GPU that PyTorch can use", field="device")
    setting.config()  # complain here, not in a section
    started, load = now(), _load_average()
    sections = {}
    for name in only or SECTIONS:
        sections[name] = _measure(SECTIONS[name], setting, crowds, rounds, memory)
        report(sections[name])
    return {
        "sections": sections,
        "rounds": rounds,
        "threads": torch.get_num_threads(),
        "dtype": str(torch.get_default_dtype()).removeprefix("torch."),
        "size": list(setting.size),
        "proposals": setting.proposals,
        "device": setting.device,
        "config_file": os.path.basename(setting.config_file),
        "seed": setting.seed,
        "machine": describe_machine(),
        "versions": {
            "torch": torch.__version__,
            "torchvision": torchvision.__version__,
            "detectron2": detectron2.__version__,
        },
        "load_average": {"before": load, "after": _load_average()},
        "started": started,
    }


def _measure(
    section: Section, setting: Setting, crowds: Sequence[int], rounds: int, memory: bool
) -> dict[str, Any]:
    rows = section.rows(crowds)
    actions = {row.name: row.case.prepare(setting) for row in rows}
    times = take_turns(actions, rounds, setting.device)
    actions.clear()
    gc.collect()  # a section's models are gone before the next one's come
    results = {}
    for row in rows:
        summary = summarise(times[row.name], times[row.base])
        median = summary["median_ms"]
        peak = peak_memory(row.case, setting, torch.get_num_threads()) if memory else None
        results[row.name] = {
            "ratio": summary.pop("ratio"),
            "ratio_range": summary.pop("ratio_range"),
            "base": row.base,
            "median_ms": summary.pop("median_ms"),
            "ms_per_image": round(median / row.case.images, 3),
            "images_per_second": round(1000 * row.case.images / median, 3),
            "ms_per_pair": round(median / row.case.pairs, 4) if row.case.pairs else None,
            **summary,
            "images": row.case.images,
            "pairs": row.case.pairs,
            "peak_memory_bytes": peak,
        }
    return {"title": section.title, "rows": results}


def _load_average() -> list[float] | None:
    """Of 1, 5 and 15 minutes: what else the machine did."""
    try:
        return [round(x, 2) for x in os.getloadavg()]
    except (AttributeError, OSError):
        return None
