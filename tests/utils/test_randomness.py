import random

import numpy as np
import torch

from choi_d2.utils.randomness import derive_seed, seed_randomness, seeded_randomness


def draw():
    return random.random(), np.random.rand(), torch.rand(()).item()


def test_each_place_has_a_seed_of_its_own():
    places = [(), (0,), (0, 0), (1,), (1, 0), (0, 1), (1, 0, 0), (2**31, 7, 10**9)]
    assert len({derive_seed(*place) for place in places}) == len(places)
    assert all(0 <= derive_seed(*place) < 2**64 for place in places)


def test_a_place_always_draws_the_same():
    seed_randomness(1, 2)
    first = draw()
    assert draw() != first
    seed_randomness(1, 2)
    assert draw() == first
    seed_randomness(2, 1)
    assert all(a != b for a, b in zip(draw(), first, strict=True))


def test_a_block_disturbs_nothing():
    seed_randomness(0)
    expected = [draw(), draw()]
    seed_randomness(0)
    found = [draw()]
    for _ in range(2):
        with seeded_randomness(3, 4):
            inside = draw()
    try:
        with seeded_randomness(5):
            raise ValueError
    except ValueError:
        found.append(draw())
    assert found == expected
    seed_randomness(3, 4)
    assert inside == draw()
