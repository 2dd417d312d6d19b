"""What several parts of a run find out, each by itself, is said once."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_said: ContextVar[set[tuple[str, str]] | None] = ContextVar("said", default=None)
_silent: ContextVar[bool] = ContextVar("silent", default=False)


@contextmanager
def saying_once() -> Iterator[None]:
    """A run: within it, :func:`say` says the same thing once. Runs within it belong to it."""
    if _said.get() is not None:
        yield
        return
    token = _said.set(set())
    try:
        yield
    finally:
        _said.reset(token)


@contextmanager
def saying_nothing() -> Iterator[None]:
    """What is found out in here will be found out again, where a log is there to say it."""
    token = _silent.set(True)
    try:
        yield
    finally:
        _silent.reset(token)


def say(logger: logging.Logger, level: int, message: str, *args: object) -> None:
    """Log what this run has not yet said; without :func:`saying_once`, always.

    Args:
        logger: of the module that says it.
        level: of :mod:`logging`.
        message, args: as loggers take them.
    """
    if _silent.get():
        return
    said = _said.get()
    if said is not None:
        words = (logger.name, message % args if args else message)
        if words in said:
            return
        said.add(words)
    logger.log(level, message, *args, stacklevel=2)
