"""A run over as many pictures as there are: it goes on where it stopped, and names what is broken.

Whatever ends a run (Ctrl-C, a kill, a full disk), what is in its folder is whole: files are written
in a hidden folder and moved to their places, a drawing before its result. The same run, started
again, does the rest.
"""

from __future__ import annotations

import contextlib
import csv
import json
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from tqdm import tqdm

from choi_d2.pictures import read_picture
from choi_d2.utils import InputError, atomic_path, write_json
from choi_d2.visualization import save_picture

from .predictor import HOIPredictor
from .result_files import CSV_COLUMNS, csv_rows
from .result_store import LINES, JSONFiles, JSONLines
from .results import HOIResult
from .run_items import Item
from .run_options import SETTINGS, RunOptions, RunSummary, check_settings
from .sources import Picture, open_source
from .video_writer import VideoWriter, frame_count, frame_rate

logger = logging.getLogger(__name__)


class FolderRun:
    """Predicts items and writes their results and drawings.

    Args:
        items: all of them, whatever the shard is.
        output: the folder.
        options: how.
        written: :attr:`Item.key` -> name of the results that are there.
        model: tells the model from others, for ``run.json``; None writes no ``run.json``.

    Raises:
        InputError: the folder holds results that were made with other settings.
    """

    def __init__(
        self,
        items: Sequence[Item],
        output: Path,
        options: RunOptions,
        *,
        written: Mapping[str, str] | None = None,
        model: Mapping[str, Any] | None = None,
    ):
        number, count = options.shard
        self.items = list(items)[number - 1 :: count]
        self.output, self.options = output, options
        self.summary = RunSummary(str(output))
        written = {} if options.overwrite else written or {}
        self.todo = [item for item in self.items if item.key not in written]
        self.summary.before = len(self.items) - len(self.todo)
        self._settings = None if model is None else {"model": dict(model), **options.settings()}
        if self._settings is not None and not options.overwrite:
            check_settings(output, self._settings)

    def run(self, build_predictor: Callable[[], HOIPredictor]) -> RunSummary:
        """Do what is not done.

        Args:
            build_predictor: is called if anything is to be done.

        Raises:
            InputError: the model cannot be loaded, or the folder cannot be used.
            OSError: a result cannot be written, as where the disk is full.
            KeyboardInterrupt: Ctrl-C. :attr:`summary` says in every case how far it got.
        """
        start = time.perf_counter()
        try:
            if self.todo:
                self._run(build_predictor())
            if self.options.csv:
                self._write_csv()
        finally:
            self.summary.seconds = time.perf_counter() - start
        return self.summary

    # ------------------------------------------------------------------------------- the work

    def _run(self, predictor: HOIPredictor) -> None:
        self._predictor = predictor
        bar = tqdm(
            total=len(self.items),
            initial=self.summary.before,
            unit="file",
            dynamic_ncols=True,
            desc="predict",
        )
        photos: list[Item] = []
        with self._staging() as self._folder, bar:
            if self._settings is not None:
                write_json(self.output / SETTINGS, self._settings, indent=1)
            for item in self.todo:
                if item.is_video:
                    self._video(item)
                    bar.update()
                    continue
                photos.append(item)
                if len(photos) == self.options.batch_size:
                    self._photos(photos)
                    bar.update(len(photos))
                    photos = []
            self._photos(photos)
            bar.update(len(photos))

    def _photos(self, items: Sequence[Item]) -> None:
        batch = []
        for item in items:
            try:
                picture = Picture(read_picture(item.source), str(item.source), item.name)
            except InputError as error:
                self._failed(item, error)
                continue
            batch.append((item, picture))
        for item, result in self._results(batch):
            self._write_photo(item, result)

    def _results(self, batch: Sequence[tuple[Item, Picture]]) -> Iterator[tuple[Item, HOIResult]]:
        """The results of a batch; where it fails, those of its photos one by one."""
        try:
            results = list(self._predict(picture for _, picture in batch))
        except (InputError, torch.cuda.OutOfMemoryError) as error:
            if len(batch) > 1:
                for each in batch:
                    yield from self._results([each])
                return
            item = batch[0][0]
            if isinstance(error, torch.cuda.OutOfMemoryError):
                error = InputError("is too large for the GPU's memory", path=item.source)
            self._failed(item, error)
            return
        yield from zip((item for item, _ in batch), results, strict=True)

    def _predict(self, pictures: Iterable[Picture], *, track: bool = False) -> Iterator[HOIResult]:
        options = self.options
        results = self._predictor.predict(
            pictures,
            batch_size=options.batch_size,
            score_thresh=options.score_thresh,
            max_triplets=options.max_triplets,
            track=track,
            keep_image=options.draw,
        )
        for result in results:
            # A model may look at faces that nobody has asked for.
            yield result if options.faces else replace(result, faces=None, face_scores=None)

    def _write_photo(self, item: Item, result: HOIResult) -> None:
        if self.options.draw:
            staged = self._folder / f"drawing{Path(item.drawing).suffix}"
            save_picture(staged, self.draw(result))
            self._move(staged, item.drawing)
        with self._staged_lines() as lines:
            lines.write(self.line(item, result))
            lines.flush()
            self.store.write(item, lines)
        self.summary.done += 1
        self.summary.triplets += len(result)

    def _video(self, item: Item) -> None:
        """All frames of a video; its results and its MP4 are moved to their places at its end."""
        camera = isinstance(item.source, int)
        mp4, stride = self._folder / "drawing.mp4", self.options.vid_stride
        fps = None if camera else frame_rate(item.source)
        stopped = None
        try:
            with self._staged_lines() as lines:
                with VideoWriter(mp4, fps and fps / stride) as video:
                    frames = _Frames(self, item, lines, video)
                    try:
                        source = item.source if camera else str(item.source)
                        pictures = open_source(source, vid_stride=stride)
                        frames.add(self._predict(pictures, track=self.options.track))
                    except KeyboardInterrupt as error:
                        # A camera has no other end; of a video nothing would be kept.
                        if not camera or not frames.count:
                            raise
                        stopped = error
                frames.finish()
                if self.options.draw:
                    self._move(mp4, item.drawing)
                self.store.write(item, lines)
        except InputError as error:
            self._failed(item, error)
            return
        self.summary.done += 1
        self.summary.frames += frames.count
        self.summary.triplets += frames.triplets
        if stopped is not None:
            raise stopped
        self._check_length(item, frames.last.frame)

    def _check_length(self, item: Item, last_frame: int) -> None:
        expected = None if isinstance(item.source, int) else frame_count(item.source)
        # What a container says of its frames may be off by a few.
        slack = 2 + self.options.vid_stride
        if expected is not None and last_frame + 1 < 0.98 * expected - slack:
            problem = f"ends after frame {last_frame}, and says that it has {expected}: cut short?"
            self._failed(item, InputError(problem, path=item.source))

    def _failed(self, item: Item, error: InputError) -> None:
        logger.warning("Failed: %s", error)
        self.summary.failed.append((str(item), str(error)))

    # ------------------------------------------------------------------------------- the folder

    @cached_property
    def store(self) -> JSONFiles | JSONLines:
        """Where results go."""
        if not self.options.json_lines:
            return JSONFiles(self.output, self.items)
        path = self.output / f"{LINES}{self.options.shard_name}.jsonl"
        return JSONLines(path, overwrite=self.options.overwrite)

    def draw(self, result: HOIResult) -> np.ndarray:
        """uint8 (H', W', 3), RGB: the drawing of a result."""
        options = self.options
        return result.draw(
            masks=options.masks, faces=options.faces, all_instances=options.all_instances
        )

    def line(self, item: Item, result: HOIResult, **more: Any) -> bytes:
        """The line of JSON that is written of a result."""
        content = result.to_dict(masks=self.options.masks)
        if self.options.json_lines:
            content["name"] = item.name
        content |= more
        try:
            text = json.dumps(content, allow_nan=False, ensure_ascii=False).encode()
        except UnicodeEncodeError:  # a file name of bytes that are no text
            text = json.dumps(content, allow_nan=False).encode()
        return text + b"\n"

    @contextlib.contextmanager
    def _staging(self) -> Iterator[Path]:
        """A hidden folder beside the results, for files that are being written."""
        folder = self.output / f".partial{self.options.shard_name}"
        # What a killed run has left.
        shutil.rmtree(folder, ignore_errors=True)
        existed = self.output.is_dir()
        folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            if not existed:
                # Only if nothing was written, by this shard or by another.
                with contextlib.suppress(OSError):
                    self.output.rmdir()

    @contextlib.contextmanager
    def _staged_lines(self) -> Iterator[IO[bytes]]:
        path = self._folder / "result.jsonl"
        with open(path, "w+b") as file:
            yield file
        path.unlink(missing_ok=True)

    def _move(self, staged: Path, name: str) -> None:
        target = self.output / name
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(staged, target)

    def _write_csv(self) -> None:
        path = self.output / f"{LINES}{self.options.shard_name}.csv"
        with atomic_path(path) as temporary:
            with open(temporary, "w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(CSV_COLUMNS)
                for result in self.store.results():
                    writer.writerows(csv_rows(result))


class _Frames:
    """Writes the frames of a video, one behind: the last line says how many there are."""

    def __init__(self, run: FolderRun, item: Item, lines: IO[bytes], video: VideoWriter):
        self._run, self._item, self._lines, self._video = run, item, lines, video
        self.count = self.triplets = 0
        self.last: HOIResult | None = None

    def add(self, results: Iterator[HOIResult]) -> None:
        for result in tqdm(results, desc=str(self._item), unit="frame", leave=False):
            if self.last is not None:
                self._lines.write(self._run.line(self._item, self.last))
            if self._run.options.draw:
                self._video.write(self._run.draw(result))
            self.count, self.triplets = self.count + 1, self.triplets + len(result)
            self.last = replace(result, image=None)

    def finish(self) -> None:
        if self.last is None:
            raise InputError("gave no frame", field=str(self._item))
        self._lines.write(self._run.line(self._item, self.last, frames=self.count))
        self._lines.flush()
