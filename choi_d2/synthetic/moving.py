"""Drawn videos: the people of a scene go their ways, and everyone keeps a number."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from .backgrounds import draw_background, weather
from .canvas import paint
from .layout import Placed, choose_units, place
from .scene import Scene, SceneStyle
from .scenes import read_off, shapes_of

_FAST = {"riding": (0.16, 0.3), "walking": (0.08, 0.16)}
"""Of those who move, the part of the picture's width that they cover in a second."""
_SEEN = 0.35
"""The part of an instance that must show for it to be in the ground truth."""
_RIDES = 0.6
"""How often somebody is sure to ride, which crosses the picture."""
_ATTEMPTS = 50


@dataclass
class Moment:
    """A frame of a drawn video.

    Attributes:
        scene: the picture and what is in it; R instances.
        numbers: int64 (R,), which of the video's people and things each instance is.
        time: seconds from the beginning.
        shot: from 0; another one after each cut.
    """

    scene: Scene
    numbers: np.ndarray
    time: float
    shot: int


@dataclass(frozen=True)
class ClipStyle:
    """What a drawn video is like.

    Attributes:
        shots: frames of each shot; between two of them is a cut.
        empty: shots (by number) with nobody in them.
        fps: frames a second.
        pan: how far the camera turns in a second, in widths of the picture.
        scenes: what the scenes are like.
    """

    shots: tuple[int, ...] = (75, 50)
    empty: tuple[int, ...] = ()
    fps: float = 25.0
    pan: float = 0.0
    scenes: SceneStyle = field(
        default_factory=lambda: SceneStyle(people=(0.2, 0.4, 0.4), verb=0.7, hold=0.15, close_up=0)
    )


def draw_clip(
    seed: int, image_size: tuple[int, int] = (320, 240), style: ClipStyle | None = None
) -> Iterator[Moment]:
    """The frames of a video.

    Riders and walkers cross the picture, one before the other; who stands sways a little.

    Args:
        seed: everything random follows from it.
        image_size: width, height.
        style: cuts, empty shots, the camera.
    """
    style = style or ClipStyle()
    count, first = 0, 0
    for shot, frames in enumerate(style.shots):
        rng = np.random.default_rng([seed, shot])
        moving = _Shot(rng, image_size, style, frames, shot in style.empty)
        for frame in range(frames):
            scene, members = moving.at(frame)
            yield Moment(scene, members + first, count / style.fps, shot)
            count += 1
        first += moving.count


class _Shot:
    def __init__(self, rng, size: tuple[int, int], style: ClipStyle, frames: int, empty: bool):
        self._size, self._style, self._middle = size, style, frames / 2
        # As wide as the camera sees in the end.
        turn = abs(style.pan) * frames / style.fps
        width, height = round(size[0] * (1 + turn)), size[1]
        self._background, self._shadow, _ = draw_background(rng, width, height)
        self._placed = [] if empty else _placed(rng, size, style.scenes)
        self._ways = [_Way(rng, item, size, style.fps) for item in self._placed]
        self.count = sum(len(item.unit.categories) for item in self._placed)
        self._light = int(rng.integers(1 << 31))

    def at(self, frame: int) -> tuple[Scene, np.ndarray]:
        """The scene in a frame, and the numbers within the shot of those that are in it."""
        width = self._size[0]
        pixels = self._style.pan * width / self._style.fps
        room = self._background.shape[1] - width
        left = int(np.clip(round(pixels * frame + (room if pixels < 0 else 0)), 0, room))
        # In the middle of the shot the units are where they were placed.
        camera = np.array((pixels * (frame - self._middle), 0.0))
        here = [
            Placed(item.unit, item.scale, item.mirror, way.at(frame - self._middle) - camera)
            for item, way in zip(self._placed, self._ways, strict=True)
        ]
        shapes, _ = shapes_of(here, self._shadow)
        painting = paint(np.ascontiguousarray(self._background[:, left : left + width]), shapes)
        seen = np.bincount(painting.owners.ravel(), minlength=self.count + 1)
        keep = []
        for owner in range(1, self.count + 1):
            drawn = painting.full.get(owner)
            area = 0 if drawn is None else int(drawn.sum())
            keep.append(bool(area >= 30 and seen[owner] >= _SEEN * area))
        light = np.random.default_rng(self._light)
        image = weather(light, painting.image, self._style.scenes.noise)
        return read_off(painting, here, keep, image), np.flatnonzero(keep)


class _Way:
    """Where a unit is, by frames from the middle of its shot."""

    def __init__(self, rng, item: Placed, size: tuple[int, int], fps: float):
        self._start, self._fps = item.offset, fps
        poses = {person.pose for person in item.unit.people.values()}
        pose = next((pose for pose in _FAST if pose in poses), None)
        low, high = _FAST.get(pose, (0.0, 0.0))
        # Units face to the right unless they are mirrored.
        self._speed = (-1 if item.mirror else 1) * rng.uniform(low, high) * size[0]
        self._bob = 0.06 * item.scale if pose == "walking" else 0.0
        self._sway = 0.25 * item.scale if poses and pose is None else 0.0
        self._phase = rng.uniform(0, 2 * math.pi)

    def at(self, frame: float) -> np.ndarray:
        time = frame / self._fps
        swing = 2 * math.pi * time / 2.4 + self._phase
        x = self._speed * time + self._sway * math.sin(swing)
        return self._start + (x, self._bob * abs(math.sin(3 * swing)))


def _placed(rng, size: tuple[int, int], style: SceneStyle) -> list[Placed]:
    for _ in range(_ATTEMPTS):
        verb = "ride" if rng.random() < _RIDES else None
        placed = place(rng, choose_units(rng, style, verb), size, style)
        if placed is not None:
            return sorted(placed, key=lambda item: item.offset[1])
    raise RuntimeError(f"no valid scene in {_ATTEMPTS} attempts for style {style}")
