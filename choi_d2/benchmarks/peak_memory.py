"""The peak memory of a case, in a process of its own."""

from __future__ import annotations

import multiprocessing

import torch

from choi_d2.utils.memory import peak_memory_here

from .setting import Case, Setting


def peak_memory(case: Case, setting: Setting, threads: int) -> dict[str, int] | None:
    """Prepare the case in a new process, call it once, and see how far its memory rose.

    Returns:
        bytes: ``prepared``, before the call (Python, libraries, model and input), and ``peak``.
        Resident memory on the CPU, allocated memory on a GPU. None where the process was ended, as
        systems do that run out of memory.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_measure, args=(case, setting, threads, sender))
    process.start()
    sender.close()
    try:
        return receiver.recv()
    except EOFError:
        return None
    finally:
        process.join()


def _measure(case: Case, setting: Setting, threads: int, sender) -> None:
    torch.set_num_threads(threads)
    action = case.prepare(setting)
    prepared = peak_memory_here(setting.device)
    action()
    sender.send({"prepared": prepared, "peak": peak_memory_here(setting.device)})
