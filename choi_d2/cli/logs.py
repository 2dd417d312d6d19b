"""What is logged goes to stderr: stdout is for results."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import warnings
from collections.abc import Iterator

_LEVELS = {
    "choi_d2": logging.INFO,
    "detectron2": logging.INFO,
    "fvcore": logging.INFO,
    "torch.fx._symbolic_trace": logging.ERROR,
}


@contextlib.contextmanager
def logging_to_stderr() -> Iterator[None]:
    """Within this block the package's loggers, and those that it stands on, write to stderr.

    What PyTorch has to tell Detectron2's developers is left out.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
    before = {}
    for name, level in _LEVELS.items():
        logger = logging.getLogger(name)
        before[name] = logger.level
        logger.setLevel(level)
        logger.addHandler(handler)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*torch.jit.script.*", FutureWarning)
            warnings.filterwarnings("ignore", ".*torch.meshgrid.*", UserWarning)
            warnings.filterwarnings("ignore", ".*pkg_resources.*", UserWarning)
            yield
    finally:
        for name, old in before.items():
            logging.getLogger(name).setLevel(old)
            logging.getLogger(name).removeHandler(handler)


@contextlib.contextmanager
def stdout_kept_for_json(wanted: bool) -> Iterator[None]:
    """Within this block what is written to stdout goes to stderr, also by processes started here.

    Detectron2 logs on stdout, which is for the result where a program reads it.

    Args:
        wanted: ``--json`` was given; otherwise nothing changes.
    """
    if not wanted:
        yield
        return
    sys.stdout.flush()
    stdout = os.dup(1)
    os.dup2(2, 1)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(stdout, 1)
        os.close(stdout)
