"""Numbers that people and things keep over the frames of a video.

Detections are followed by BoT-SORT without appearance (Aharon et al., 2022) of the package
``trackers``, which allows for a camera that moves. People are followed apart from things, so that
nobody swaps numbers with what they sit on. Every shot has trackers of its own: behind a cut
everybody is new, unless the video soon cuts back.
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from detectron2.utils.logger import log_first_n
from scipy.optimize import linear_sum_assignment

from choi_d2.utils import InputError

from .results import HOIResult
from .scene_cuts import Look
from .sources import Picture

MEMORY = 2.0
"""Seconds after which somebody who was not seen, or a shot that was left, is forgotten."""
_FRAME_RATE = 30.0
"""Of frames whose times nobody says."""
_LEAST_OVERLAP = 0.3
"""IoU of boxes that can be of one person."""
_LEAST_MATCH = 0.1
"""IoU times score of a detection that can go on with a track. Lower than the package's, which are
for every frame of a video and for scores near 1."""


def check_tracker() -> None:
    """Is the package that tracks installed?

    Raises:
        InputError: no; the message says how to get it.
    """
    if importlib.util.find_spec("trackers") is None:
        raise InputError(
            "following people over frames needs the package trackers, which is not installed",
            field="track",
            hint="pip install 'choi_d2[track]', in the folder of choi_d2 pip install '.[track]', "
            "or pip install trackers",
        )


def track_results(
    found: Generator[tuple[Picture, HOIResult]], threshold: float
) -> Iterator[HOIResult]:
    """The results with ``track_ids``, each when the next one is known.

    Photos are passed on as they are. Pictures of no file count as frames of one video.

    Args:
        found: pictures in their order; it is closed with this.
        threshold: detections of at least this score can get a number; those below it only keep one.
    """
    video = None
    with contextlib.closing(found):
        for picture, result in found:
            if video is not None and not video.goes_on_with(picture):
                yield from video.rest()
                video = None
            if picture.file_name is not None and picture.frame is None:
                say_that_photos_are_not_tracked()
                yield result
                continue
            video = video or _Video(picture, threshold)
            yield from video.add(picture, result)
        if video is not None:
            yield from video.rest()


class _Video:
    """The frames of one video, of which the last waits for the one behind it."""

    def __init__(self, first: Picture, threshold: float):
        self._name, self._threshold = first.file_name, threshold
        self._held: tuple[Picture, HOIResult] | None = None
        self._numbers: _Numbers | None = None

    def goes_on_with(self, picture: Picture) -> bool:
        before = self._held[0]
        if picture.file_name != self._name or (picture.frame is None) != (before.frame is None):
            return False
        return picture.frame is None or picture.frame > before.frame

    def add(self, picture: Picture, result: HOIResult) -> Iterator[HOIResult]:
        if self._held is None:
            self._held = picture, result
            return
        before, earlier = self._held
        if self._numbers is None:
            # The second frame says how far frames are apart.
            self._numbers = _Numbers(self._threshold, _rate(before, picture))
            earlier = self._numbers.of(earlier, before.image)
        result, known = self._numbers.of(result, picture.image), self._numbers.first_seen
        yield _with_first_sight(earlier, result, known)
        self._held = picture, result

    def rest(self) -> Iterator[HOIResult]:
        picture, result = self._held
        if self._numbers is None:
            result = _Numbers(self._threshold, _FRAME_RATE).of(result, picture.image)
        yield result


@dataclass
class _Shot:
    """People and things of a shot.

    Attributes:
        trackers: of people and of things.
        look: of its last frame.
        last: that frame's place among the frames of the video.
        numbers: (tracker, its id) -> number in the video.
    """

    trackers: tuple
    look: Look
    last: int = 0
    numbers: dict[tuple[int, int], int] = field(default_factory=dict)


class _Numbers:
    """Numbers of a video from 1, in the order of appearance.

    Attributes:
        first_seen: the numbers that the last frame gave to whom the frame before it may show, too.
    """

    def __init__(self, threshold: float, frame_rate: float):
        self._threshold, self._frame_rate = threshold, frame_rate
        self._shot: _Shot | None = None
        self._before: _Shot | None = None
        self._frames = self._given = 0
        self.first_seen: set[int] = set()

    def of(self, result: HOIResult, image_bgr: np.ndarray) -> HOIResult:
        """The result with the numbers of those who were seen before."""
        self._frames += 1
        given = self._given
        before, shot = self._shot, self._shot_of(Look.of(image_bgr))
        ids = np.full(len(result.boxes), -1, np.int64)
        people = result.classes == result.vocabulary.human_class
        for which, (tracker, rows) in enumerate(
            zip(shot.trackers, (np.flatnonzero(people), np.flatnonzero(~people)), strict=True)
        ):
            for row, own in _update(tracker, result, rows, image_bgr):
                key = which, own
                if key not in shot.numbers:
                    self._given += 1
                    shot.numbers[key] = self._given
                ids[row] = shot.numbers[key]
        # In its first frame a shot's people have their numbers at once.
        self.first_seen = set(range(given + 1, self._given + 1)) if shot is before else set()
        return replace(result, track_ids=ids)

    def _shot_of(self, look: Look) -> _Shot:
        shot, before = self._shot, self._before
        if shot is None:
            shot = self._new_shot(look)
        elif look.is_cut_from(shot.look):
            soon = before is not None and self._frames - before.last <= MEMORY * self._frame_rate
            # A flash, or a cut back to whom was seen before.
            returns = soon and not look.is_cut_from(before.look)
            self._before, shot = shot, before if returns else self._new_shot(look)
        shot.look, shot.last = look, self._frames
        self._shot = shot
        return shot

    def _new_shot(self, look: Look) -> _Shot:
        from trackers import BoTSORTTracker

        trackers = tuple(
            BoTSORTTracker(
                lost_track_buffer=round(30 * MEMORY),
                frame_rate=self._frame_rate,
                track_activation_threshold=self._threshold,
                high_conf_det_threshold=self._threshold,
                minimum_iou_threshold_first_assoc=_LEAST_MATCH,
                minimum_iou_threshold_second_assoc=_LEAST_OVERLAP,
                minimum_iou_threshold_unconfirmed_assoc=_LEAST_MATCH,
            )
            for _ in range(2)
        )
        return _Shot(trackers, look)


def _update(
    tracker, result: HOIResult, rows: np.ndarray, image_bgr: np.ndarray
) -> list[tuple[int, int]]:
    """(row of the result, the tracker's id) of those with one, best detection first."""
    import supervision

    found = supervision.Detections(
        xyxy=result.boxes[rows], confidence=result.scores[rows], data={"row": rows}
    )
    found = tracker.update(found, frame=image_bgr)
    if not len(found):
        return []
    own = found.tracker_id
    return sorted(zip(found.data["row"][own >= 0].tolist(), own[own >= 0].tolist(), strict=True))


def _with_first_sight(earlier: HOIResult, later: HOIResult, new: set[int]) -> HOIResult:
    """Give the numbers that the later frame has given out to where they were seen first.

    A tracker waits for the second sight, because one detection may be an error.
    """
    ids = earlier.track_ids.copy()
    waiting = np.flatnonzero(ids < 0)
    rows = np.flatnonzero(np.isin(later.track_ids, list(new)))
    if not len(waiting) or not len(rows):
        return earlier
    overlap = _iou(earlier.boxes[waiting], later.boxes[rows])
    human = earlier.vocabulary.human_class
    are_people = earlier.classes[waiting] == human, later.classes[rows] == human
    overlap[are_people[0][:, None] != are_people[1][None]] = 0
    for a, b in zip(*linear_sum_assignment(overlap, maximize=True), strict=True):
        if overlap[a, b] >= _LEAST_OVERLAP:
            ids[waiting[a]] = later.track_ids[rows[b]]
    return replace(earlier, track_ids=ids)


def _iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    import supervision

    return supervision.box_iou_batch(a, b)


def _rate(first: Picture, second: Picture) -> float:
    """Frames a second, of those that are looked at."""
    if first.time is None or second.time is None or second.time <= first.time:
        return _FRAME_RATE
    return 1 / (second.time - first.time)


def say_that_photos_are_not_tracked() -> None:
    """A warning, once."""
    words = "track: photos are no frames of a video, nobody in them gets a number"
    log_first_n(logging.WARNING, words, name=__name__)
