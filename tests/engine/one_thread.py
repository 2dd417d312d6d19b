"""What is promised bit for bit is so with one thread: several may add in another order."""

from contextlib import contextmanager

import torch


@contextmanager
def one_thread():
    """Run with one thread in here, as processes do that get OMP_NUM_THREADS=1."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
