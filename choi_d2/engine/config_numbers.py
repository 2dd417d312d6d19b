"""Numbers of a config that nothing can be computed with: NaN, infinity, zero where one divides."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from typing import Any

from detectron2.config import CfgNode

from choi_d2.utils import InputError

# What something is only compared with: at infinity all of it is on one side. A norm and a clip
# value may be infinite, too (L-infinity, and no clipping).
_MAY_BE_INFINITE = (
    "SOLVER.CLIP_GRADIENTS.CLIP_VALUE",
    "SOLVER.CLIP_GRADIENTS.NORM_TYPE",
    "MODEL.IGNORED.IOU",
    "MODEL.IGNORED.CROWD_COVERAGE",
    ".IGNORE_IOU",
    ".IOUS",
    ".IOU_THRESHOLDS",
    "_THRESH",
    "_THRESH_TEST",
)
# What is divided by; sizes of anchors also have a logarithm.
_ABOVE_ZERO = (
    "MODEL.PIXEL_STD",
    "MODEL.ANCHOR_GENERATOR.SIZES",
    "MODEL.ANCHOR_GENERATOR.ASPECT_RATIOS",
    ".BBOX_REG_WEIGHTS",
)


def check_numbers(
    cfg: CfgNode,
    source: str | os.PathLike | None = None,
    origin: Callable[[str], tuple[str | os.PathLike, str]] | None = None,
) -> None:
    """Can be computed with every number of a config, Detectron2's keys and ours?

    Infinity is fine where something is only compared with it, as with thresholds.

    Args:
        cfg: the config.
        source: where its values are from, for the message.
        origin: in its place, key -> (where it is from, what goes before the message).

    Raises:
        InputError: names the first key with NaN, with infinity, or with a divisor that is not
            above zero.
    """
    for key, value in _keys(cfg):
        for number in _numbers(value):
            expected = None
            if math.isnan(number) or (math.isinf(number) and not key.endswith(_MAY_BE_INFINITE)):
                expected = "a finite number"
            elif number <= 0 and key.endswith(_ABOVE_ZERO):
                expected = "a number above 0"
            if expected is None:
                continue
            path, place = origin(key) if origin else (source, "")
            raise InputError(f"{place}expected {expected}, found {number}", path=path, field=key)


def _keys(node: CfgNode, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in node.items():
        if isinstance(value, CfgNode):
            yield from _keys(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _numbers(value: Any) -> Iterator[float]:
    """The numbers in a value, which may be lists of lists."""
    if isinstance(value, (list, tuple)):
        for part in value:
            yield from _numbers(part)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield value
