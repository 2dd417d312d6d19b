"""The geometric feature X_g (Sec. 3.3.1)."""

from __future__ import annotations

import torch
from detectron2.layers import Conv2d
from fvcore.nn import weight_init
from torch import Tensor, nn

from .box_maps import BoxMaps, convolve_box_maps

MAPS_IN_CACHE = 8
"""Maps that a core encodes at a time: 1 MB of each is between the first two layers."""


def as_maps(humans: Tensor, objects: Tensor) -> Tensor:
    """The two channels as one map.

    Args:
        humans, objects: Tensor[P, resolution, resolution].

    Returns:
        Tensor[P, 2, resolution, resolution], ``torch.channels_last``: a CPU convolves and pools
        that in half the time.
    """
    return torch.stack([humans, objects], dim=3).permute(0, 3, 1, 2)


class GeometricEncoder(nn.Module):
    """Two convolutions with pooling and one FC layer: (2, 64, 64) to X_g in R^256.

    Args:
        resolution: side of the maps.
        conv_dims: channels of the two convolutions.
        dim: length of X_g.
    """

    def __init__(self, resolution: int, conv_dims: tuple[int, int], dim: int):
        super().__init__()
        self.resolution = resolution
        layers, channels = [], 2
        for width in conv_dims:
            conv = Conv2d(channels, width, kernel_size=5, padding=2)
            weight_init.c2_msra_fill(conv)
            # The largest of four, then ReLU: the same as ReLU first, on a quarter of the numbers.
            layers += [conv, nn.Sequential(nn.MaxPool2d(2), nn.ReLU())]
            channels = width
        self.convs = nn.Sequential(*layers)
        side = resolution // 2 ** len(conv_dims)
        self.fc = nn.Linear(channels * side * side, dim)
        weight_init.c2_xavier_fill(self.fc)

    def forward(self, maps: BoxMaps | Tensor) -> Tensor:
        """Encode.

        On a CPU maps of boxes are never made whole, see :func:`convolve_box_maps`, and a few are
        encoded at a time, so that what lies between the layers stays in its cache.

        Args:
            maps: of boxes, or Tensor[P, 2, resolution, resolution].

        Returns:
            Tensor[P, dim], not negative.
        """
        of_boxes = isinstance(maps, BoxMaps)
        device = maps.rows.device if of_boxes else maps.device
        if device.type != "cpu":
            maps = maps.whole() if of_boxes else maps
            return self.fc(self.convs(maps).flatten(1)).relu()
        few = MAPS_IN_CACHE * torch.get_num_threads()
        if of_boxes:
            parts = map(BoxMaps, maps.rows.split(few), maps.columns.split(few))
            encoded = [convolve_box_maps(part, self.convs[0], self.convs[2]) for part in parts]
        else:
            encoded = [self.convs(part) for part in maps.split(few)]
        return self.fc(torch.cat([x.flatten(1) for x in encoded])).relu()
