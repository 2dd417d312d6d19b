"""Ctrl-C and a scheduler's SIGTERM leave a training that can be resumed."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
import time
from collections.abc import Iterator

from detectron2.engine import HookBase
from detectron2.utils import comm

from .checkpoint import HOICheckpointer

logger = logging.getLogger(__name__)

SIGNALS = (signal.SIGINT, signal.SIGTERM)
REPEATED = 2.0
"""Seconds within which a second signal is the first one, passed on by a launcher."""


class StopOnSignal(HookBase):
    """Finishes the iteration, saves a checkpoint of it, and ends the process.

    The exit status is 128 + signal, as shells have it: 130 for SIGINT, 143 for SIGTERM. A signal
    during evaluation does not wait for its end. A second signal ends the process at once; the last
    checkpoint stays. If one of several processes gets a signal, all of them stop after the same
    iteration; but one that gets it during evaluation stops alone, and its launcher ends the others.

    Belongs behind the hook that saves checkpoints and before the one that evaluates.

    Args:
        checkpointer: saves.
    """

    def __init__(self, checkpointer: HOICheckpointer):
        self._checkpointer = checkpointer
        self._in_step = False
        self._finished: int | None = None
        self._signal: int | None = None
        self._when = 0.0

    @contextlib.contextmanager
    def handling(self) -> Iterator[None]:
        """Within this block training stops on signals; outside the main thread it cannot."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._handler()) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def before_step(self) -> None:
        """From now on the weights are between two iterations."""
        self._in_step = True

    def after_step(self) -> None:
        """Stop here, if any process got a signal."""
        self._finished, self._in_step = self.trainer.iter, False
        number = next((each for each in comm.all_gather(self._signal) if each is not None), None)
        if number is not None:
            self._save(number)
            # A launcher ends the others when one is gone: that has to wait for the main process.
            comm.synchronize()
            raise SystemExit(128 + number)

    def _handler(self):
        process = os.getpid()

        def handle(number: int, frame) -> None:
            if os.getpid() != process:  # one of the loader's workers, which has just been forked
                return
            now = time.monotonic()
            if self._signal is None:
                self._signal, self._when = number, now
                if not self._in_step:
                    self._save(number)
                    raise SystemExit(128 + number)
                logger.warning(
                    "%s: stopping after this iteration; once more stops at once", _name(number)
                )
            elif now - self._when > REPEATED:
                raise SystemExit(128 + number)

        return handle

    def _save(self, number: int) -> None:
        """Save what is done, unless that has been saved."""
        self._signal, self._when = number, time.monotonic()
        if self._finished is None:
            logger.warning("Stopped by %s before the first iteration was done", _name(number))
            return
        # The next one may have been counted already.
        self.trainer.iter = self._finished
        if self._checkpointer.saved_iteration != self._finished:
            self._checkpointer.save(f"model_{self._finished:07d}", iteration=self._finished)
        logger.warning(
            "Stopped by %s after iteration %d, which is saved; go on with --resume",
            _name(number),
            self._finished,
        )


def _name(number: int) -> str:
    return signal.Signals(number).name
