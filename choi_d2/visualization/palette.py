"""Colours (RGB, 0..255) that keep a triplet together."""

from __future__ import annotations

import colorsys

import numpy as np

Color = tuple[int, int, int]

OBJECT: Color = (64, 190, 255)
FACE: Color = (245, 245, 245)
BYSTANDER: Color = (205, 205, 210)
OTHER_PAIR: Color = (150, 150, 156)
HALO: Color = (16, 16, 20)
CHIP: Color = (20, 20, 26)
TEXT: Color = (255, 255, 255)
SCORE: Color = (196, 196, 204)

# No blue: it belongs to objects. Neighbours in the list differ in hue and in lightness.
HUMANS: tuple[Color, ...] = (
    (255, 145, 30),
    (240, 70, 120),
    (120, 215, 80),
    (190, 120, 255),
    (255, 225, 70),
    (255, 150, 190),
    (30, 205, 160),
    (215, 110, 60),
    (200, 220, 150),
    (225, 80, 225),
)


def human_colors(centers_x: dict[int, float]) -> dict[int, Color]:
    """A colour for each human, so that its box, lines and labels can be told from a neighbour's.

    Colours go from left to right: where a prediction finds the people of the ground truth, they
    have the same colours in both drawings.

    Args:
        centers_x: instance index -> horizontal centre of its box.
    """
    order = sorted(centers_x, key=lambda index: (centers_x[index], index))
    colors = {}
    for place, index in enumerate(order):
        lap, position = divmod(place, len(HUMANS))
        colors[index] = _shaded(HUMANS[position], 0.75**lap)
    return colors


def tracked_colors(numbers: dict[int, int | None]) -> dict[int, Color]:
    """The colours of humans that are followed over a video's frames, the same in all of them.

    Args:
        numbers: instance index -> its number from 1, None for one that has none (yet).
    """
    colors = {}
    for index, number in numbers.items():
        if number is None:
            colors[index] = BYSTANDER
            continue
        lap, position = divmod(number - 1, len(HUMANS))
        # The third lap's are as dark as is good for them.
        colors[index] = _shaded(HUMANS[position], 0.75 ** (lap % 3))
    return colors


def readable(color: Color) -> Color:
    """``color`` light enough for text on a dark label."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*(channel / 255 for channel in color))
    rgb = colorsys.hls_to_rgb(hue, max(lightness, 0.68), saturation)
    return tuple(int(channel) for channel in np.round(np.array(rgb) * 255))


def _shaded(color: Color, factor: float) -> Color:
    return tuple(int(round(channel * factor)) for channel in color)
