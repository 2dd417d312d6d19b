"""How a run over many pictures works, and what became of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from choi_d2.utils import InputError, read_json

SETTINGS = "run.json"
"""What the results in a folder were made with."""


@dataclass(frozen=True)
class RunOptions:
    """How a run predicts, draws and writes.

    Attributes:
        score_thresh: the least score of a triplet; None: the model's own.
        max_triplets: at most so many of a picture, the best ones.
        masks: masks in place of boxes, and in the results.
        faces: also faces.
        all_instances: also outline the instances that are in no triplet.
        draw: write drawings.
        json_lines: one file of all results, in place of one for each picture.
        csv: also a table of all triplets, when the run has come to its end.
        vid_stride: of a video or camera, every so many frames are taken.
        track: give people and things numbers that they keep over the frames.
        batch_size: pictures that are looked at together.
        shard: (i, n): of n runs that share the pictures this is the i-th, from 1.
        overwrite: do everything again.
    """

    score_thresh: float | None = None
    max_triplets: int | None = 20
    masks: bool = False
    faces: bool = False
    all_instances: bool = False
    draw: bool = True
    json_lines: bool = False
    csv: bool = False
    vid_stride: int = 1
    track: bool = False
    batch_size: int = 1
    shard: tuple[int, int] = (1, 1)
    overwrite: bool = False

    @property
    def shard_name(self) -> str:
        """What the shard's own files end with: "-2-of-8", "" for a run of its own."""
        number, count = self.shard
        return "" if count == 1 else f"-{number}-of-{count}"

    def settings(self) -> dict[str, Any]:
        """What results depend on."""
        others = ("csv", "batch_size", "shard", "overwrite")
        return {key: value for key, value in asdict(self).items() if key not in others}


@dataclass
class RunSummary:
    """What became of a run.

    Attributes:
        output: the folder.
        done: photos, videos and cameras that this run has done.
        before: those that were done already.
        frames: of videos and cameras, of this run.
        triplets: of this run.
        failed: (file, what is wrong with it).
        seconds: of this run.
    """

    output: str
    done: int = 0
    before: int = 0
    frames: int = 0
    triplets: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """For JSON; ``failed`` is a list of dicts with ``file`` and ``error``."""
        failed = [{"file": file, "error": error} for file, error in self.failed]
        return {**asdict(self), "failed": failed, "seconds": round(self.seconds, 2)}

    def __str__(self) -> str:
        frames = f", {self.frames} video frame(s)" if self.frames else ""
        before = f"; {self.before} were there already" if self.before else ""
        lines = [
            f"{self.done} done in {self.output} in {self.seconds:.1f} s: {self.triplets} "
            f"triplet(s){frames}{before}; {len(self.failed)} failed"
        ]
        lines += [f"  failed: {error}" for _, error in self.failed[:20]]
        if len(self.failed) > 20:
            lines.append(f"  ... and {len(self.failed) - 20} more")
        return "\n".join(lines)


def check_settings(output: Path, settings: Mapping[str, Any]) -> None:
    """Refuse to add to results of other settings: all in a folder would be taken for one.

    Raises:
        InputError: the folder's :data:`SETTINGS` differ; the message says which, and how.
    """
    path = output / SETTINGS
    if not path.is_file():
        return
    # What an earlier version did not know was not in use.
    before = {**RunOptions().settings(), **read_json(path, dict)}
    now = json.loads(json.dumps(settings))
    others = [key for key in now if key in before and before[key] != now[key]]
    if others:
        told = "; ".join(f"{key} was {before[key]!r}, now {now[key]!r}" for key in others)
        raise InputError(
            f"the results in it were made with other settings: {told}",
            path=output,
            field="--output",
            hint="Give another folder, or --overwrite.",
        )
