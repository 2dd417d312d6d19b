"""The stream of training images: entered anywhere, by any number of workers and processes."""

import random
from itertools import islice

import numpy as np
import pytest
import torch
from detectron2.data.samplers import RepeatFactorTrainingSampler, TrainingSampler
from detectron2.utils import comm

from choi_d2.data import TrainingStream
from choi_d2.data.build import ReplaceBroken
from choi_d2.data.stream import stream_loader

RECORDS = [{"name": name} for name in "abcdefg"]
# Three of the seven are high.
GROUPS = [0, 1, 0, 0, 1, 1, 0]


def random_mapper(record):
    """Draws from everything that an augmentation may draw from."""
    drawn = (random.random(), np.random.rand(), torch.rand(()).item())
    return {"name": record["name"], "drawn": drawn}


def batches(count, *, start=0, workers=0, groups=None, seed=4, batch_size=2, mapper=random_mapper):
    stream = TrainingStream(
        RECORDS,
        TrainingSampler(len(RECORDS), seed=9),
        mapper,
        batch_size=batch_size,
        seed=seed,
        groups=groups,
    )
    stream.start = start
    return list(islice(stream_loader(stream, workers), count))


@pytest.mark.parametrize("groups", [None, GROUPS])
@pytest.mark.parametrize("workers", [0, 1, 2])
def test_it_can_be_entered_anywhere(groups, workers):
    expected = batches(12, groups=groups)
    random.seed(3)  # what was drawn elsewhere does not matter
    assert batches(5, start=7, workers=workers, groups=groups) == expected[7:]


def test_the_loader_draws_nothing_from_the_main_process():
    state = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()
    batches(2)
    assert torch.equal(torch.get_rng_state(), state[0]) and random.getstate() == state[1]
    assert np.random.get_state()[1].tolist() == state[2]


def test_every_image_has_random_numbers_of_its_own():
    drawn = [each["drawn"] for batch in batches(12) for each in batch]
    assert len({numbers for each in drawn for numbers in each}) == 3 * len(drawn)
    assert batches(1, seed=5)[0][0]["drawn"] != drawn[0]
    names = [each["name"] for batch in batches(7) for each in batch]
    assert sorted(names[:7]) == sorted(names[7:]) == list("abcdefg")


def test_batches_are_of_one_group():
    kinds = dict(zip("abcdefg", GROUPS, strict=True))
    found = batches(30, groups=GROUPS)
    assert all(len({kinds[each["name"]] for each in batch}) == 1 for batch in found)
    # Nobody is left out: of 60 images 6/7 at most wait.
    names = [each["name"] for batch in found for each in batch]
    assert all(7 <= names.count(name) <= 10 for name in "abcdefg")


def test_processes_share_a_stream(monkeypatch):
    """Two processes see together what one sees with the batch of both."""
    alone = batches(6, batch_size=4)
    monkeypatch.setattr(comm, "get_world_size", lambda: 2)
    shares = []
    for rank in (0, 1):
        monkeypatch.setattr(comm, "get_rank", lambda rank=rank: rank)
        shares.append(batches(6, batch_size=2))
    for batch, first, second in zip(alone, *shares, strict=True):
        assert [first[0], second[0], first[1], second[1]] == batch


def test_other_samplers_go_on_as_well():
    def stream(start):
        factors = torch.tensor([1.0, 2.5, 1.0, 1.3, 1.0, 1.0, 1.0])
        sampler = RepeatFactorTrainingSampler(factors, seed=1)
        stream = TrainingStream(RECORDS, sampler, random_mapper, batch_size=2, seed=0)
        stream.start = start
        return iter(stream)

    assert list(islice(stream(5), 3)) == list(islice(stream(0), 8))[5:]


def test_what_replaces_a_broken_image_is_repeated():
    def half_broken(record):
        return None if record["name"] in "aceg" else random_mapper(record)

    mapper = ReplaceBroken(half_broken, RECORDS)
    expected = batches(9, mapper=mapper)
    assert {each["name"] for batch in expected for each in batch} == set("bdf")
    assert batches(2, mapper=mapper, start=7) == expected[7:]
