"""Where the time of a training step goes, by part of the model."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from torch import nn
from torch.profiler import ProfilerActivity, profile, record_function

from .models import ModelCase
from .setting import Setting

PARTS = {
    "backbone": "backbone",
    "proposal_generator": "RPN",
    "roi_heads.box_pooler": "L^t: pooling",
    "roi_heads.box_head.*": "L^t: FC layers",
    "roi_heads.box_predictor.*": "L^t: FC layers",
    "roi_heads.interaction_heads.*": "R^t: IHSM, attentions, losses' layers",
    "roi_heads.interaction_heads.*.pair_pooler": "R^t: pooling",
    "roi_heads.interaction_heads.*.visual": "R^t: Eq. 11",
    "roi_heads.interaction_heads.*.geometric": "R^t: X_g",
}
"""Names of modules, * for any number, and what is said of them; the innermost counts."""

OTHERS = "matching, sampling, losses, logging"
COLUMNS = ("forward", "backward", "optimizer")


def profile_step(
    case: ModelCase, setting: Setting, *, steps: int = 3
) -> dict[str, dict[str, float]]:
    """Profile training steps on a CPU.

    Args:
        case: one that trains.
        setting: of all cases.
        steps: how many are profiled, after one that is not.

    Returns:
        part of the model -> ``forward``, ``backward``, ``optimizer``, in ms a step. Backward is
        that of the operators that the part's forward used; what puts gradients into parameters,
        and adds those of several uses up, is a part of its own.
    """
    step = case.prepare(setting)
    _mark(step.model)
    step()
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        for _ in range(steps):
            step()
    parts: dict[str, dict[str, float]] = defaultdict(lambda: dict.fromkeys(COLUMNS, 0.0))
    for (part, column), microseconds in _shares(profiler.events()).items():
        parts[part][column] += microseconds / 1000 / steps
    return dict(parts)


def _mark(model: nn.Module) -> None:
    """Let the forward of every module in ``PARTS`` be a range of the profile."""
    for name, module in model.named_modules():
        pattern = ".".join("*" if word.isdigit() else word for word in name.split("."))
        if pattern in PARTS:
            module.forward = _in_range(f"part: {PARTS[pattern]}", module.forward)


def _in_range(label: str, forward):
    def marked(*args, **kwargs):
        with record_function(label):
            return forward(*args, **kwargs)

    return marked


def _shares(events: Iterable) -> dict[tuple[str, str], float]:
    """Microseconds by part and column. An event's own time is that without its children's."""
    events = list(events)
    part_of_forward = {}
    for event in events:
        if event.sequence_nr >= 0 and "evaluate_function" not in event.name:
            above = [x.name for x in _ancestors(event)]
            if not any("evaluate_function" in name for name in above):
                part_of_forward.setdefault(event.sequence_nr, _part(above))
    shares: dict[tuple[str, str], float] = defaultdict(float)
    for event in events:
        own = event.self_cpu_time_total
        above = [event, *_ancestors(event)]
        backward = [x for x in above if "evaluate_function" in x.name]
        if any(x.name.startswith("Optimizer.") for x in above):
            shares["SGD, forgetting gradients", "optimizer"] += own
        elif backward:
            part = part_of_forward.get(backward[-1].sequence_nr, "gradients of parameters")
            shares[part, "backward"] += own
        else:
            shares[_part([x.name for x in above]), "forward"] += own
    return shares


def _ancestors(event) -> list:
    found = []
    while event.cpu_parent is not None:
        event = event.cpu_parent
        found.append(event)
    return found


def _part(names: Iterable[str]) -> str:
    """The innermost part among the names of ranges, innermost first."""
    for name in names:
        if name.startswith("part: "):
            return name.removeprefix("part: ")
    return OTHERS


def profile_table(parts: dict[str, dict[str, float]]) -> str:
    """Lines of text: milliseconds, the largest part first."""
    lines = ["".join(f"{name:>10}" for name in (*COLUMNS, "ms a step"))]
    totals = {name: sum(times.values()) for name, times in parts.items()}
    for name in sorted(parts, key=totals.get, reverse=True):
        row = [*(parts[name][column] for column in COLUMNS), totals[name]]
        lines.append("".join(f"{x:10.0f}" for x in row) + f"  {name}")
    sums = [sum(x[column] for x in parts.values()) for column in COLUMNS]
    lines.append("".join(f"{x:10.0f}" for x in (*sums, sum(sums))) + "  together")
    return "\n".join(lines)
