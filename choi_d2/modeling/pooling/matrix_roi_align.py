"""RoIAlign as matrix products: torchvision's numbers, in less time on a CPU.

torchvision's operator for the CPU walks over bins, samples and channels on one core. As two matrix
products a region costs a fraction of that, most where it has many samples.

Shape shorthand:
    B: images; C: channels; H, W: a map's cells; R: regions; S: bins along a side.
"""

from __future__ import annotations

import torch
from detectron2.layers import ROIAlign
from detectron2.modeling.poolers import ROIPooler
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from .sampling_matrix import SamplingMatrix, sampling_matrix


def matrix_roi_align(
    features: Tensor,
    regions: Tensor,
    output_size: tuple[int, int],
    spatial_scale: float,
    sampling_ratio: int,
    aligned: bool = True,
) -> Tensor:
    """RoIAlign, exact to rounding.

    Args:
        features: Tensor[B, C, H, W], float; fastest in ``torch.channels_last``.
        regions: Tensor[R, 5]: index of the image, then x1, y1, x2, y2 in the frame of the images.
        output_size: bins along y and x.
        spatial_scale: cells of the map for a pixel.
        sampling_ratio: samples of a bin along each side; 0 for as many as a bin has cells.
        aligned: pixel centres at half pixels, as ``ROIAlignV2``.

    Returns:
        Tensor[R, C, S_y, S_x], differentiable by ``features``.
    """
    boxes = regions[:, 1:] * spatial_scale
    if aligned:
        boxes = boxes - 0.5
    start, end = boxes[:, :2], boxes[:, 2:]
    if not aligned:
        end = torch.maximum(end, start + 1)
    rows, columns = (
        sampling_matrix(
            start[:, axis],
            end[:, axis],
            output_size[1 - axis],
            sampling_ratio,
            features.shape[size],
        )
        for axis, size in ((1, 2), (0, 3))
    )
    images = regions[:, 0].long()
    return _MatrixROIAlign.apply(features, images, *rows, *columns)


class _Crops:
    """The part of a map that each region reads, as a matrix over the memory of that map.

    Args:
        maps: Tensor[B, H, W, C], contiguous.
        images: Tensor[R] int64.
        rows, columns: what is read along y and x.
    """

    def __init__(self, maps: Tensor, images: Tensor, rows: SamplingMatrix, columns: SamplingMatrix):
        self.maps = maps
        _, height, width, channels = maps.shape
        self.row_stride, self.channels = width * channels, channels
        corner = (images * height + rows.first) * width + columns.first
        self.offsets = (corner * channels + maps.storage_offset()).tolist()
        self.sizes = list(zip(rows.count.tolist(), columns.count.tolist()))

    def __getitem__(self, region: int) -> Tensor:
        """Tensor[h, w * C], a view."""
        height, width = self.sizes[region]
        size = (height, width * self.channels)
        return self.maps.as_strided(size, (self.row_stride, 1), self.offsets[region])


class _MatrixROIAlign(torch.autograd.Function):
    # A function of its own, because the gradient of a slice is a whole map, and there is a slice
    # for each region.

    @staticmethod
    def forward(ctx, features, images, *matrices):
        rows, columns = SamplingMatrix(*matrices[:3]), SamplingMatrix(*matrices[3:])
        ctx.save_for_backward(images, *matrices)
        ctx.features_shape, ctx.features_dtype = features.shape, features.dtype
        maps = features.permute(0, 2, 3, 1).contiguous()
        y_weights, x_weights = rows.weights.to(maps.dtype), columns.weights.to(maps.dtype)
        num_regions, bins_y, _ = y_weights.shape
        channels = features.shape[1]
        pooled = maps.new_empty(num_regions, bins_y, x_weights.shape[1], channels)
        crops = _Crops(maps, images, rows, columns)
        # Views of all regions at once: one by one they would take a third of the time.
        x_weights = x_weights[:, None].expand(-1, bins_y, -1, -1)
        regions = zip(crops.sizes, y_weights.unbind(), x_weights.unbind(), pooled.unbind())
        for i, ((height, width), y_weight, x_weight, out) in enumerate(regions):
            across = torch.mm(y_weight[:, :height], crops[i]).view(bins_y, width, channels)
            torch.bmm(x_weight[:, :, :width], across, out=out)
        return pooled.permute(0, 3, 1, 2)

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):
        images, *matrices = ctx.saved_tensors
        rows, columns = SamplingMatrix(*matrices[:3]), SamplingMatrix(*matrices[3:])
        batch, channels, height, width = ctx.features_shape
        gradient = gradient.permute(0, 2, 3, 1).contiguous()
        y_weights = rows.weights.to(gradient.dtype).transpose(1, 2)
        x_weights = columns.weights.to(gradient.dtype).transpose(1, 2)
        maps = gradient.new_zeros(batch, height, width, channels)
        crops = _Crops(maps, images, rows, columns)
        for i, (crop_height, crop_width) in enumerate(crops.sizes):
            across = torch.matmul(x_weights[i, :crop_width], gradient[i])
            crops[i].addmm_(y_weights[i, :crop_height], across.flatten(1))
        return maps.permute(0, 3, 1, 2).to(ctx.features_dtype), *([None] * 7)


class MatrixROIAlign(ROIAlign):
    """Detectron2's ``ROIAlign``, by matrix products where the feature maps are on a CPU."""

    def forward(self, input: Tensor, rois: Tensor) -> Tensor:
        """Pool.

        Args:
            input: Tensor[B, C, H, W].
            rois: Tensor[R, 5].

        Returns:
            Tensor[R, C, *output_size]
        """
        if input.device.type != "cpu" or torch.jit.is_tracing():
            return super().forward(input, rois)
        # The products have the maps' precision, not autocast's.
        with torch.autocast("cpu", enabled=False):
            return matrix_roi_align(
                input, rois, self.output_size, self.spatial_scale, self.sampling_ratio, self.aligned
            )


def use_matrix_pooling(module: nn.Module) -> None:
    """Let every ``ROIPooler`` in a module pool by matrix products, in place.

    Poolers of another kind than ``ROIAlign`` and ``ROIAlignV2`` stay as they are.
    """
    for pooler in module.modules():
        if isinstance(pooler, ROIPooler):
            pooler.level_poolers = nn.ModuleList(map(_as_matrix, pooler.level_poolers))


def _as_matrix(pooler: nn.Module) -> nn.Module:
    if type(pooler) is not ROIAlign:
        return pooler
    return MatrixROIAlign(
        pooler.output_size, pooler.spatial_scale, pooler.sampling_ratio, pooler.aligned
    )
