"""One run at a time in a folder, each in a process of its own."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

POLL_SECONDS = 1.0
KILL_AFTER_SECONDS = 60.0


class Stopped(Exception):
    """The user wants no further runs."""


class Processes:
    """Starts commands and ends them when the user stops.

    Args:
        environment: variables for all of them.
    """

    def __init__(self, environment: dict[str, str]):
        self.environment = environment
        self._stop = threading.Event()
        self._running: set[subprocess.Popen] = set()
        self._guard = threading.Lock()

    def run(
        self, command: Sequence[str], console: Path, lock: int, watch: Callable[[], None]
    ) -> int:
        """Run a command to its end.

        Args:
            command: what to run.
            console: where its output is added.
            lock: a file descriptor that the process inherits, and with it the lock on a folder:
                should this process be killed, the folder stays locked as long as the other lives.
            watch: called about once a second.

        Returns:
            its exit code.

        Raises:
            Stopped: `stop` was called.
        """
        with open(console, "ab") as output:
            with self._guard:
                if self._stop.is_set():
                    raise Stopped
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env=self.environment,
                    pass_fds=(lock,),
                    # A terminal's Ctrl-C is for us; what we start is told once, by `stop`.
                    start_new_session=True,
                )
                self._running.add(process)
            try:
                while True:
                    try:
                        return process.wait(POLL_SECONDS)
                    except subprocess.TimeoutExpired:
                        watch()
            finally:
                self._running.discard(process)
                if self._stop.is_set():
                    raise Stopped

    @contextlib.contextmanager
    def locked(self, folder: Path, waiting: Callable[[], None]) -> Iterator[int]:
        """Have a folder for oneself, among all processes; gives what :meth:`run` takes.

        Args:
            folder: is made if need be.
            waiting: called once if somebody else has it.

        Raises:
            Stopped: `stop` was called meanwhile.
        """
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / ".lock", os.O_CREAT | os.O_RDWR)
        told = False
        try:
            while True:
                if self._stop.is_set():
                    raise Stopped
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if not told:
                        waiting()
                    told = True
                    time.sleep(POLL_SECONDS)
            yield descriptor
        finally:
            os.close(descriptor)

    def stop(self) -> None:
        """End what runs, with all its processes, and start nothing any more.

        Waits for the ends: a training saves a checkpoint.
        """
        self._stop.set()
        with self._guard:
            running = list(self._running)
        for process in running:
            _signal(process, signal.SIGTERM)
        deadline = time.monotonic() + KILL_AFTER_SECONDS
        for process in running:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                _signal(process, signal.SIGKILL)


def _signal(process: subprocess.Popen, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
