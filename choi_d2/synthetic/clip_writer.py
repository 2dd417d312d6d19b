"""Drawn videos on disk, with what is in them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from choi_d2.categories.hoiw import OBJECTS, VERBS
from choi_d2.inference.results import HOIResult
from choi_d2.inference.video_writer import VideoWriter
from choi_d2.structures import Vocabulary
from choi_d2.utils import InputError, atomic_path

from .formats import check_image_size
from .moving import ClipStyle, Moment, draw_clip

WORDS = Vocabulary(OBJECTS, VERBS)


@dataclass(frozen=True)
class MadeClip:
    """What was drawn.

    Attributes:
        video: the MP4.
        truth: JSON lines of what is in its frames.
        frames, shots: how many.
        numbers: how many people and things there are.
    """

    video: Path
    truth: Path
    frames: int
    shots: int
    numbers: int

    def to_dict(self) -> dict[str, Any]:
        """Strings and numbers alone."""
        return {**vars(self), "video": str(self.video), "truth": str(self.truth)}

    def __str__(self) -> str:
        return (
            f"{self.video}: {self.frames} frames, {self.shots} shots, {self.numbers} people and "
            f"things; {self.truth} says what is in it"
        )


def write_clip(path: Path, seed: int, image_size: tuple[int, int], style: ClipStyle) -> MadeClip:
    """Draw a video, and write the truth beside it as ``choi predict`` writes what it finds.

    Args:
        path: the MP4; ``clip.jsonl`` goes beside ``clip.mp4``.
        seed, image_size, style: see :func:`draw_clip`.

    Raises:
        InputError: another ending, or a size that is too small.
        OSError: it cannot be written.
    """
    if path.suffix.lower() != ".mp4":
        raise InputError("expected a name that ends in .mp4", path=path, field="--video")
    check_image_size(image_size)
    results, numbers = [], set()
    with atomic_path(path) as temporary, VideoWriter(temporary, style.fps) as video:
        for frame, moment in enumerate(draw_clip(seed, image_size, style)):
            video.write(np.ascontiguousarray(moment.scene.image[:, :, ::-1]))
            results.append(truth(moment, frame, str(path)))
            numbers.update(results[-1].track_ids.tolist())
    lines = path.with_suffix(".jsonl")
    with atomic_path(lines) as temporary:
        temporary.write_text("".join(f"{result.to_json()}\n" for result in results), "utf-8")
    return MadeClip(path, lines, len(results), len(style.shots), len(numbers))


def truth(moment: Moment, frame: int, file_name: str | None = None) -> HOIResult:
    """What is in a frame, as a result that is sure of everything; numbers count from 1."""
    scene = moment.scene
    rows = [(pair, VERBS.index(verb)) for pair, verbs in scene.pairs.items() for verb in verbs]
    return HOIResult(
        boxes=scene.boxes.astype(np.float32),
        classes=scene.classes,
        scores=np.ones(len(scene.boxes), np.float32),
        pairs=np.array([pair for pair, _ in rows], np.int64).reshape(-1, 2),
        verbs=np.array([verb for _, verb in rows], np.int64),
        triplet_scores=np.ones(len(rows), np.float32),
        image_size=scene.image.shape[:2],
        vocabulary=WORDS,
        track_ids=moment.numbers.astype(np.int64) + 1,
        file_name=file_name,
        frame=frame,
        time=moment.time,
        image=np.ascontiguousarray(scene.image[:, :, ::-1]),
    )
