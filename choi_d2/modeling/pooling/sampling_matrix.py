"""One axis of RoIAlign as a matrix.

RoIAlign takes the mean of bilinear samples in every bin. Bilinear weights are products of a weight
along y and one along x, the samples of a bin are a grid, and a sample counts where both of its
coordinates lie on the map: so a region's output is ``rows @ crop @ columns.T``, with one matrix for
each axis.

Shape shorthand:
    R: regions; S: bins along the axis; M: the largest number of samples in a bin; L: the largest
    number of cells that a region reads along the axis.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class SamplingMatrix(NamedTuple):
    """What every region reads along one axis of a map.

    Attributes:
        weights: Tensor[R, S, L]: of the cells ``first`` ... ``first + L - 1`` in each bin's mean.
        first: Tensor[R] int64: the first cell that is read.
        count: Tensor[R] int64 >= 1: how many cells are read; the weights of the others are 0.
    """

    weights: Tensor
    first: Tensor
    count: Tensor


def sampling_matrix(
    start: Tensor, end: Tensor, bins: int, sampling_ratio: int, cells: int
) -> SamplingMatrix:
    """The weights with which RoIAlign reads the cells along one axis.

    Args:
        start, end: Tensor[R], the regions' borders in cells; cell i has its centre at i. Regions
            with a border that is no number read nothing.
        bins: S.
        sampling_ratio: samples of a bin; 0 for as many as a bin has cells, rounded up.
        cells: of the map along this axis.

    Returns:
        the matrices; a region that reads nothing has weights 0.
    """
    finite = start.isfinite() & end.isfinite()
    start, end = torch.where(finite, start, 0), torch.where(finite, end, 0)
    length = end - start
    bin_length = length / bins
    if sampling_ratio > 0:
        samples = torch.full_like(length, sampling_ratio).long()
    else:
        samples = bin_length.ceil().clamp(min=0).long()
    most = int(samples.max().clamp(min=1)) if len(samples) else 1
    number = torch.arange(most, device=start.device)
    step = bin_length / samples.clamp(min=1)
    place = (
        start[:, None, None]
        + torch.arange(bins, device=start.device)[:, None] * bin_length[:, None, None]
        + (number + 0.5) * step[:, None, None]
    )
    # As torchvision: a sample more than one cell outside counts as 0, a nearer one is moved in.
    counts = (number < samples[:, None, None]) & (place >= -1) & (place <= cells)
    weight = counts.to(place) / samples.clamp(min=1)[:, None, None]
    place = torch.where(counts, place, 0).clamp(0, cells - 1)
    low = place.floor().long()
    high = (low + 1).clamp(max=cells - 1)

    first = torch.where(counts, low, cells - 1).flatten(1).amin(dim=1)
    last = torch.where(counts, high, 0).flatten(1).amax(dim=1)
    count = (last - first + 1).clamp(min=1)
    widest = int(count.max()) if len(count) else 1
    weights = start.new_zeros(len(start), bins, widest)
    for cell, share in ((low, 1 - (place - low)), (high, place - low)):
        column = (cell - first[:, None, None]).clamp(0, widest - 1)
        weights.scatter_add_(2, column, weight * share)
    return SamplingMatrix(weights, first, count)
