"""A section for people."""

from __future__ import annotations

from typing import Any

GIB = 2**30


def section_table(section: dict[str, Any]) -> str:
    """Lines of text: ratios first.

    Args:
        section: of :func:`run_benchmark`'s result.
    """
    lines = [
        section["title"],
        f"{'ratio':>7} {'from':>6} {'to':>6} {'ms/image':>10} {'images/s':>9} "
        f"{'ms/pair':>8} {'GiB':>6}",
    ]
    for name, row in section["rows"].items():
        per_pair = "-" if row["ms_per_pair"] is None else f"{row['ms_per_pair']:.3f}"
        memory = row["peak_memory_bytes"]
        peak = "-" if memory is None else f"{memory['peak'] / GIB:.2f}"
        low, high = row["ratio_range"]
        lines.append(
            f"{row['ratio']:7.3f} {low:6.3f} {high:6.3f} {row['ms_per_image']:10.1f} "
            f"{row['images_per_second']:9.2f} "
            f"{per_pair:>8} {peak:>6}  {name}"
        )
    return "\n".join(lines)
