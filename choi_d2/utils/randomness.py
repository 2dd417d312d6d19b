"""Random numbers that are a function of where they are drawn, not of what was drawn before."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator

import numpy as np
import torch


def derive_seed(*place: int) -> int:
    """A seed of 64 bits.

    Args:
        place: non-negative numbers, e.g. seed of the run, rank, iteration; a seed for each.
    """
    # Zeros at the end would not count by themselves.
    sequence = np.random.SeedSequence((len(place), *place))
    return int(sequence.generate_state(1, np.uint64)[0])


def seed_randomness(*place: int) -> None:
    """Seed Python's, NumPy's and torch's random numbers, on all devices.

    Args:
        place: see :func:`derive_seed`.
    """
    seed = derive_seed(*place)
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


@contextlib.contextmanager
def seeded_randomness(*place: int) -> Iterator[None]:
    """Seed the random numbers of a block; afterwards they go on as if it had not been.

    Python's, NumPy's and torch's on the CPU; those of other devices are left alone.

    Args:
        place: see :func:`derive_seed`.
    """
    seed = derive_seed(*place)
    python, numpy = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=[]):
        random.seed(seed)
        np.random.seed(seed % 2**32)
        torch.default_generator.manual_seed(seed)
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)
