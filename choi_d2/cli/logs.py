"""What is logged goes to stderr: stdout is for results."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Iterator

_NAMES = ("choi_d2", "detectron2", "fvcore")


@contextlib.contextmanager
def logging_to_stderr(level: int = logging.INFO) -> Iterator[None]:
    """Within this block the package's loggers, and those that it stands on, write to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
    before = {}
    for name in _NAMES:
        logger = logging.getLogger(name)
        before[name] = logger.level
        logger.setLevel(level)
        logger.addHandler(handler)
    try:
        yield
    finally:
        for name, old in before.items():
            logging.getLogger(name).setLevel(old)
            logging.getLogger(name).removeHandler(handler)
