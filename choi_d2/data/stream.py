"""Training images as a stream that can be entered anywhere, and gives the same from there on."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

import torch
from detectron2.data.samplers import TrainingSampler
from detectron2.utils import comm
from detectron2.utils.serialize import PicklableWrapper
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from choi_d2.utils.randomness import seeded_randomness


class TrainingStream(IterableDataset):
    """The batches of one process, for ever.

    All processes share a stream of images, which ``sampler`` draws; this one takes every
    ``comm.get_world_size()``-th. An image is mapped with random numbers that are a function of the
    seed and its position in that stream. So batch number i depends on the seed and the sampler
    alone: not on the batches before it, not on the number of workers.

    Attributes:
        start: number of the first batch that is given.

    Args:
        records: the data set.
        sampler: gives indices into ``records``, for ever; the same ones each time it is iterated.
        mapper: record -> model input; may draw from Python's, NumPy's and torch's random numbers.
        batch_size: images in a batch of this process.
        seed: of the mapper's random numbers.
        groups: for each record 0 or 1; a batch is of one group. None: all are of one.
    """

    def __init__(
        self,
        records: Sequence[dict],
        sampler: TrainingSampler,
        mapper: Callable[[dict], dict],
        *,
        batch_size: int,
        seed: int,
        groups: Sequence[int] | None = None,
    ):
        self.start = 0
        self._records, self._sampler, self._groups = records, sampler, groups
        self._mapper = PicklableWrapper(mapper)
        self._batch_size, self._seed = batch_size, seed
        self._rank, self._processes = comm.get_rank(), comm.get_world_size()

    def __iter__(self) -> Iterator[list[dict]]:
        worker = get_worker_info()
        number, workers = (0, 1) if worker is None else (worker.id, worker.num_workers)
        # The loader asks its workers in turn: the order is that of a single one.
        for batch in islice(self._batches(), self.start + number, None, workers):
            yield [self._map(index, position) for index, position in batch]

    def _batches(self) -> Iterator[list[tuple[int, int]]]:
        """Batches of (index of a record, its position in the stream of all processes).

        Those before ``start`` are gone through as well: it costs no image, and what waits for more
        of its group is found again.
        """
        waiting: tuple[list, list] = ([], [])
        for place, index in enumerate(self._sampler):
            group = waiting[self._groups[index] if self._groups else 0]
            group.append((index, self._rank + self._processes * place))
            if len(group) == self._batch_size:
                yield list(group)
                group.clear()

    def _map(self, index: int, position: int) -> dict:
        with seeded_randomness(self._seed, position):
            return self._mapper(self._records[index])


def stream_loader(stream: TrainingStream, num_workers: int) -> DataLoader:
    """A loader of the stream's batches; ``loader.dataset`` is the stream."""
    return DataLoader(
        stream,
        batch_size=None,
        num_workers=num_workers,
        collate_fn=_as_it_is,
        worker_init_fn=_leave_signals_to_the_main_process,
        # Of its own: starting the loader draws a number.
        generator=torch.Generator(),
    )


def _as_it_is(batch: list[dict]) -> list[dict]:
    return batch


def _leave_signals_to_the_main_process(worker: int) -> None:
    """Ctrl-C and schedulers signal all processes: the main one may still need its batch."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
