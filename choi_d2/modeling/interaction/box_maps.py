"""X_g's convolutions on maps of boxes, computed once for what is there many times.

A box covers whole rows and columns of the cells of a frame, so each channel of its map is an outer
product, and equal over long runs of rows and of columns: of the 32 rows that the first convolution
and its pooling leave, at most 11 differ for two boxes in their union. The first convolution is
applied to one of each run; the second one's products with each of its taps are computed there,
and a place of the whole map adds up those of the runs around it. The numbers are those of the
convolutions on whole maps, for less than a seventh of the multiply-adds.

Shape shorthand:
    P: pairs; G: side of a map; N: G // 2, side after one pooling; R: runs along an axis; C, D:
    channels of the first and second convolution; K: side of their kernels.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .geometry import bin_coverage, union_boxes


class BoxMaps(NamedTuple):
    """Where human and object are in the frame of their union box, as products of both axes.

    Attributes:
        rows, columns: Tensor[P, 2, G] in [0, 1]: the covered part of each row and column of cells;
            channel 0 is the human, channel 1 the object.
    """

    rows: Tensor
    columns: Tensor

    def whole(self) -> Tensor:
        """Tensor[P, 2, G, G] in [0, 1]: the covered part of each cell, ``torch.channels_last``."""
        maps = self.rows.mT[:, :, None] * self.columns.mT[:, None]
        return maps.permute(0, 3, 1, 2)


def box_maps(humans: Tensor, objects: Tensor, resolution: int) -> BoxMaps:
    """The maps of pairs of boxes.

    Args:
        humans, objects: Tensor[P, 4], XYXY.
        resolution: G.
    """
    frames = union_boxes(humans, objects)
    coverages = [bin_coverage(boxes, frames, resolution, (1, 1)) for boxes in (humans, objects)]
    rows, columns = (torch.cat(axis, dim=2).mT for axis in zip(*coverages))
    return BoxMaps(rows, columns)


class Runs(NamedTuple):
    """Places along one axis that see the same of their maps.

    Attributes:
        windows: Tensor[P, R, 2, K + 1]: what the first convolution sees of the axis at the two
            places that are pooled to one; of one place of each run. Meaningless beyond a pair's
            last run.
        run: Tensor[P, N] int64: the run of each place.
    """

    windows: Tensor
    run: Tensor


def find_runs(profile: Tensor, kernel: int) -> Runs:
    """The runs along an axis.

    Args:
        profile: Tensor[P, 2, G], rows or columns of :class:`BoxMaps`.
        kernel: K, odd.
    """
    margin = kernel // 2
    windows = F.pad(profile, (margin, margin)).unfold(2, kernel + 1, 2).transpose(1, 2)
    differs = (windows[:, 1:] != windows[:, :-1]).flatten(2).any(dim=2)
    run = F.pad(differs.long().cumsum(dim=1), (1, 0))
    count = int(run.max()) + 1 if run.numel() else 1
    places = torch.arange(run.shape[1], device=run.device).expand_as(run)
    place = run.new_zeros(len(run), count).scatter_(1, run, places)
    pairs = torch.arange(len(run), device=run.device)[:, None]
    return Runs(windows[pairs, place], run)


def convolve_box_maps(maps: BoxMaps, first: nn.Conv2d, second: nn.Conv2d) -> Tensor:
    """Twice a convolution, the largest of four, ReLU.

    In the maps' precision under autocast, too: taps rounded before they are added up would be less
    than a convolution's.

    Args:
        maps: of P pairs.
        first, second: convolutions of 2 to C and of C to D channels, K x K, padded by K // 2.

    Returns:
        Tensor[P, D, N // 2, N // 2], ``torch.channels_last``.
    """
    (weight, bias), (second_weight, second_bias) = (
        (conv.weight.to(maps.rows), conv.bias.to(maps.rows)) for conv in (first, second)
    )
    rows, columns = (find_runs(profile, weight.shape[-1]) for profile in maps)
    with torch.autocast(maps.rows.device.type, enabled=False):
        pooled = (_first(rows.windows, columns.windows, weight) + bias).relu()
        pooled = F.max_pool2d(_second(pooled, rows.run, columns.run, second_weight), 2)
    return (pooled + second_bias[:, None, None]).relu()


def _first(rows: Tensor, columns: Tensor, weight: Tensor) -> Tensor:
    """Convolution and pooling at one place of every run of rows and of columns.

    Args:
        rows, columns: Tensor[P, R, 2, K + 1], see :class:`Runs`; R may differ.
        weight: Tensor[C, 2, K, K].

    Returns:
        Tensor[P, R, R, C]
    """
    channels, _, kernel, _ = weight.shape
    num_pairs, num_rows, num_columns = *rows.shape[:2], columns.shape[1]
    # Along x: the products with the kernel, for each of its rows, at both places of a window.
    taps = weight.permute(1, 3, 2, 0)  # (2, K, K, C): channel, dx, dy, filter
    taps = torch.stack([F.pad(taps, (0, 0, 0, 0, b, 1 - b)) for b in (0, 1)], dim=3)
    across = torch.einsum("pjcx,cxybo->pcyjbo", columns, taps)
    across = across.reshape(num_pairs, 2 * kernel, num_columns * 2 * channels)
    # Along y: the sum over channels and rows of the kernel.
    down = rows.unfold(3, kernel, 1).permute(0, 1, 3, 2, 4)
    down = down.reshape(num_pairs, num_rows * 2, 2 * kernel)
    out = torch.bmm(down, across).view(num_pairs, num_rows, 2, num_columns, 2, channels)
    out = torch.maximum(*out.unbind(2))
    return torch.maximum(*out.unbind(3))


def _second(inputs: Tensor, rows: Tensor, columns: Tensor, weight: Tensor) -> Tensor:
    """A convolution at every place of the whole maps.

    Args:
        inputs: Tensor[P, R, R, C], by runs of rows and of columns; R may differ.
        rows, columns: Tensor[P, N] int64, the run of each place.
        weight: Tensor[D, C, K, K].

    Returns:
        Tensor[P, D, N, N], ``torch.channels_last``.
    """
    num_pairs, row_runs, column_runs, channels = inputs.shape
    filters, kernel = weight.shape[0], weight.shape[-1]
    size = columns.shape[1]
    # The products of every run with every tap; those of a last row, zeros, are outside of the maps.
    inputs = torch.cat([inputs.reshape(-1, channels), inputs.new_zeros(1, channels)])
    products = inputs @ weight.permute(1, 3, 2, 0).reshape(channels, -1)
    # Sums along x, for each row of the kernel, of all places in each run of rows, and outside.
    lines = torch.arange(num_pairs * row_runs, device=inputs.device).view(num_pairs, row_runs, 1, 1)
    outside = len(inputs) - 1
    around = _neighbours(columns, kernel)[:, None]
    index = torch.where(around >= 0, lines * column_runs + around, outside).reshape(-1, kernel)
    index = torch.cat([index, index.new_full((size, kernel), outside)])
    sums = _sum_taps(products.view(-1, kernel * filters), index)
    sums = sums.view(-1, size, kernel, filters).transpose(1, 2)
    # Sums of these along y.
    around = _neighbours(rows, kernel)
    index = torch.where(around >= 0, lines[:, :1, 0] + around, num_pairs * row_runs)
    sums = _sum_taps(sums.reshape(-1, size * filters), index.reshape(-1, kernel))
    return sums.view(num_pairs, size, size, filters).permute(0, 3, 1, 2)


def _neighbours(run: Tensor, kernel: int) -> Tensor:
    """Tensor[P, N, K]: the runs of the places around each place; -1 outside."""
    margin = kernel // 2
    return F.pad(run, (margin, margin), value=-1).unfold(1, kernel, 1)


def _sum_taps(table: Tensor, index: Tensor) -> Tensor:
    """Sums of rows of a table.

    Args:
        table: Tensor[M * K, L].
        index: Tensor[Q, K] int64; k at [q, i] stands for row k * K + i.

    Returns:
        Tensor[Q, L]
    """
    taps = torch.arange(index.shape[1], device=index.device)
    return F.embedding_bag((index * len(taps) + taps).int(), table, mode="sum")
