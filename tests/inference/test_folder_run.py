"""Runs over folders: they go on, share, name what is broken, and leave nothing half-written."""

import errno
import json
import os
import resource
import sys
from collections import Counter
from dataclasses import replace

import cv2
import numpy as np
import pytest
from one_triplet import one_triplet
from PIL import Image

from choi_d2.inference import folder_run
from choi_d2.inference.folder_run import FolderRun
from choi_d2.inference.result_store import find_written
from choi_d2.inference.run_items import list_items
from choi_d2.inference.run_options import RunOptions
from choi_d2.inference.tracking import track_results
from choi_d2.utils import InputError

FILES = RunOptions()
LINES = RunOptions(json_lines=True)


class Predictor:
    """One triplet in every picture; ``on_picture(number)`` may stop it."""

    def __init__(self, on_picture=lambda number: None):
        self.seen, self._on_picture = [], on_picture

    def predict(self, pictures, *, batch_size, keep_image, **thresholds):
        for picture in pictures:
            self.seen.append(picture.name)
            self._on_picture(len(self.seen))
            yield one_triplet(picture, keep_image)


@pytest.fixture
def photos(tmp_path):
    """Eight photos, some of one name."""
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    for name in ("a.jpg", "a.png", "A.bmp", "a_2.png", "b.jpg", "c.png", "sub/a.jpg", "sub/d.png"):
        Image.new("RGB", (64, 48), (90, 90, 90)).save(folder / name)
    return folder


def run(photos, output, options=FILES, predictor=None, model=None):
    written = {} if options.overwrite else find_written(output)
    items, _ = list_items([str(photos)], output, written=written)
    folder = FolderRun(items, output, options, written=written, model=model)
    predictor = predictor or Predictor()
    try:
        return folder.run(lambda: predictor), predictor
    finally:
        run.summary = folder.summary


def lines_of(output):
    return [
        json.loads(line)
        for path in sorted(output.glob("results*.jsonl"))
        for line in path.read_text().splitlines()
    ]


def drawings(output):
    return sorted(
        str(path.relative_to(output))
        for path in output.rglob("*")
        if path.suffix in (".jpg", ".png", ".mp4")
    )


def in_child(work):
    """The exit status of another process that does this."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = work() or 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("options", [FILES, LINES], ids=["files", "lines"])
def test_names_are_each_there_once(photos, tmp_path, options):
    summary, _ = run(photos, tmp_path / "out", options)
    assert (summary.done, summary.triplets, summary.failed) == (8, 8, [])
    expected = ["A.png", "a_2.jpg", "a_2_2.png", "a_3.png", "b.jpg", "c.png"]
    assert drawings(tmp_path / "out") == [*expected, "sub/a.jpg", "sub/d.png"]
    written = find_written(tmp_path / "out")
    assert len(written) == 8
    assert sorted(written.values()) == sorted(x[:-4] for x in drawings(tmp_path / "out"))
    for key, name in written.items():
        assert key.endswith((".png", ".bmp")) == (tmp_path / "out" / f"{name}.png").exists()
    assert not list((tmp_path / "out").glob(".partial*"))


@pytest.mark.parametrize("count", [1, 3, 8, 20])
@pytest.mark.parametrize("options", [FILES, LINES], ids=["files", "lines"])
def test_shards_do_each_photo_once(photos, tmp_path, options, count):
    seen = []
    for number in range(count, 0, -1):
        _, predictor = run(photos, tmp_path / "out", replace(options, shard=(number, count)))
        seen += predictor.seen
    assert len(seen) == len(set(seen)) == 8
    assert len(drawings(tmp_path / "out")) == 8
    if options.json_lines:
        assert max(Counter(x["file_name"] for x in lines_of(tmp_path / "out")).values()) == 1
    # Another number of shards does nothing again.
    _, predictor = run(photos, tmp_path / "out", replace(options, shard=(1, 1)))
    assert predictor.seen == []


@pytest.mark.parametrize("options", [FILES, LINES], ids=["files", "lines"])
def test_a_killed_run_goes_on(photos, tmp_path, options):
    output = tmp_path / "out"

    def killed():
        run(photos, output, options, Predictor(lambda number: os._exit(9) if number == 4 else None))

    assert in_child(killed) == 9
    assert len(find_written(output)) == 3 and len(drawings(output)) == 3
    summary, predictor = run(photos, output, options)
    assert (summary.before, summary.done) == (3, 5) and len(predictor.seen) == 5
    assert len(drawings(output)) == len(set(find_written(output).values())) == 8
    assert not list(output.glob(".partial*"))
    before = {path: path.stat().st_mtime_ns for path in output.rglob("*")}
    summary, predictor = run(photos, output, options)
    assert summary.before == 8 and predictor.seen == []
    assert {path: path.stat().st_mtime_ns for path in output.rglob("*")} == before


def test_a_line_that_was_cut_is_written_anew(photos, tmp_path):
    output = tmp_path / "out"
    run(photos, output, LINES)
    file = output / "results.jsonl"
    whole = file.read_bytes()
    file.write_bytes(whole[:-40])
    summary, predictor = run(photos, output, LINES)
    assert (summary.before, len(predictor.seen)) == (7, 1)
    assert file.read_bytes() == whole


def test_ctrl_c_leaves_what_is_whole(photos, tmp_path):
    def interrupt(number):
        if number == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(photos, tmp_path / "out", LINES, Predictor(interrupt))
    assert run.summary.done == 2 == len(lines_of(tmp_path / "out"))
    assert not list((tmp_path / "out").glob(".partial*"))


@pytest.mark.skipif(sys.platform == "win32", reason="has no limits of a process")
def test_a_line_that_does_not_fit_is_taken_back(photos, tmp_path):
    """A file that must not grow is as good as a full disk: the write stops in mid-line."""
    output = tmp_path / "out"
    options = replace(LINES, draw=False)
    run(photos, tmp_path / "measured", options)
    size = (tmp_path / "measured" / "results.jsonl").stat().st_size

    def limited():
        resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, size // 2))
        try:
            run(photos, output, options)
        except OSError as error:
            return 7 if error.errno == errno.EFBIG else 8

    assert in_child(limited) == 7
    done = lines_of(output)
    assert 2 <= len(done) <= 4
    assert (output / "results.jsonl").read_bytes().endswith(b"\n")
    run(photos, output, options)
    assert len(lines_of(output)) == 8


def test_a_full_disk_while_drawing(photos, tmp_path, monkeypatch):
    saved = []

    def save(path, image):
        if len(saved) == 2:
            path.write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        saved.append(path)
        save_picture(path, image)

    save_picture = folder_run.save_picture
    monkeypatch.setattr(folder_run, "save_picture", save)
    output = tmp_path / "out"
    with pytest.raises(OSError, match="No space left"):
        run(photos, output)
    assert len(drawings(output)) == len(find_written(output)) == 2
    assert not [path for path in output.rglob("*") if path.read_bytes() == b"half"]


@pytest.mark.parametrize("batch_size", [1, 3, 20])
def test_broken_files_are_named_and_the_rest_is_done(photos, tmp_path, batch_size, caplog):
    (photos / "empty.jpg").touch()
    (photos / "text.png").write_text("no picture")
    (photos / "cut.jpg").write_bytes((photos / "b.jpg").read_bytes()[:200])
    (photos / "notes.txt").write_text("of another kind")
    summary, _ = run(photos, tmp_path / "out", RunOptions(batch_size=batch_size))
    assert summary.done == 8
    assert sorted(os.path.basename(file) for file, _ in summary.failed) == [
        "cut.jpg", "empty.jpg", "text.png"
    ]  # fmt: skip
    assert all(file in error for file, error in summary.failed)
    assert "3 failed" in str(summary) and "text.png" in str(summary)
    assert "text.png" in caplog.text
    assert summary.to_dict()["failed"][0].keys() == {"file", "error"}


def test_a_batch_that_fails_is_done_one_by_one(photos, tmp_path):
    class Picky(Predictor):
        def predict(self, pictures, **options):
            pictures = list(pictures)
            if any(picture.name == "b" for picture in pictures):
                raise InputError("no faces for it", path="b.jpg")
            yield from super().predict(pictures, **options)

    summary, _ = run(photos, tmp_path / "out", RunOptions(batch_size=4), Picky())
    assert summary.done == 7 and len(summary.failed) == 1


def test_other_settings_are_refused_and_overwritten(photos, tmp_path):
    output = tmp_path / "out"
    run(photos, output, RunOptions(), model={"weights": "one"})
    for options, weights, word in (
        (RunOptions(score_thresh=0.5), "one", "score_thresh was None, now 0.5"),
        (LINES, "one", "json_lines"),
        (RunOptions(), "two", "model was"),
    ):
        with pytest.raises(InputError, match=word):
            run(photos, output, options, model={"weights": weights})
    # How the work is shared out changes no result.
    run(photos, output, RunOptions(batch_size=5, shard=(1, 2)), model={"weights": "one"})
    options = RunOptions(score_thresh=0.5, overwrite=True)
    _, predictor = run(photos, output, options, model={"weights": "two"})
    assert len(predictor.seen) == 8 and len(drawings(output)) == 8


def test_results_of_other_folders_stay(photos, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    Image.new("RGB", (64, 48)).save(other / "b.jpg")
    for options, output in ((RunOptions(), tmp_path / "files"), (LINES, tmp_path / "lines")):
        run(other, output, options)
        run(photos, output, options)
        assert len(find_written(output)) == 9 == len(drawings(output))
        assert find_written(output)[str(other / "b.jpg")] == "b"
        assert find_written(output)[str(photos / "b.jpg")] == "b_2"


def test_photos_that_came_later(photos, tmp_path):
    output = tmp_path / "out"
    run(photos, output)
    before = find_written(output)
    Image.new("RGB", (64, 48)).save(photos / "a.gif")
    _, predictor = run(photos, output)
    assert len(predictor.seen) == 1
    assert find_written(output).items() > before.items()


@pytest.mark.parametrize("options", [FILES, LINES], ids=["files", "lines"])
def test_a_table_of_all_triplets(photos, tmp_path, options):
    summary, _ = run(photos, tmp_path / "out", replace(options, csv=True, draw=False))
    rows = (tmp_path / "out" / "results.csv").read_text().splitlines()
    assert rows[0].startswith("file_name,") and len(rows) == 9
    assert drawings(tmp_path / "out") == []


def write_video(path, frames, size=(64, 48)):
    path.parent.mkdir(exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10, size)
    for number in range(frames):
        writer.write(np.full((*size[::-1], 3), 4 * number, np.uint8))
    writer.release()
    return path


@pytest.mark.parametrize("stride", [1, 3])
@pytest.mark.parametrize("options", [FILES, LINES], ids=["files", "lines"])
def test_a_video(tmp_path, options, stride):
    write_video(tmp_path / "in" / "clip.avi", 10)
    output = tmp_path / "out"
    options = replace(options, vid_stride=stride)
    summary, _ = run(tmp_path / "in", output, options)
    frames = len(range(0, 10, stride))
    assert (summary.done, summary.frames, summary.failed) == (1, frames, [])
    file = output / ("results.jsonl" if options.json_lines else "clip.jsonl")
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert [row["frame"] for row in rows] == list(range(0, 10, stride))
    assert rows[1]["time"] == pytest.approx(stride / 10)
    assert [row.get("frames") for row in rows] == [None] * (frames - 1) + [frames]
    capture = cv2.VideoCapture(str(output / "clip.mp4"))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == frames
    assert capture.get(cv2.CAP_PROP_FPS) == pytest.approx(10 / stride, rel=0.01)
    assert capture.read()[1].shape[:2] > (48, 64), "small frames are enlarged for the words"
    _, predictor = run(tmp_path / "in", output, options)
    assert predictor.seen == []


def test_half_of_a_video_is_cut_off(tmp_path):
    write_video(tmp_path / "in" / "clip.avi", 5)
    write_video(tmp_path / "in" / "other.avi", 5)
    output = tmp_path / "out"
    run(tmp_path / "in", output, LINES)
    whole = (output / "results.jsonl").read_bytes().splitlines(keepends=True)
    (output / "results.jsonl").write_bytes(b"".join(whole[:8]))
    _, predictor = run(tmp_path / "in", output, LINES)
    assert len(predictor.seen) == 5
    assert (output / "results.jsonl").read_bytes() == b"".join(whole)


def test_a_killed_video_is_tracked_from_its_beginning(tmp_path):
    """Numbers of a half are no numbers of the whole."""
    pytest.importorskip("trackers")
    write_video(tmp_path / "in" / "clip.avi", 6)
    output, options = tmp_path / "out", replace(LINES, track=True)

    class Tracking(Predictor):
        def predict(self, pictures, *, track, keep_image, **thresholds):
            pictures = list(pictures)
            assert track or not pictures
            found = ((x, one_triplet(x, keep_image)) for x in pictures)
            for result in track_results(found, 0.3):
                self.seen.append(result.frame)
                self._on_picture(len(self.seen))
                yield result

    def killed():
        run(
            tmp_path / "in",
            output,
            options,
            Tracking(lambda number: os._exit(9) if number == 4 else None),
        )

    assert in_child(killed) == 9
    assert lines_of(output) == []
    _, predictor = run(tmp_path / "in", output, options, Tracking())
    assert predictor.seen == list(range(6))
    rows = lines_of(output)
    assert [[x["track"] for x in row["instances"]] for row in rows] == [[1, 2]] * 6
    assert rows[-1]["frames"] == 6


def test_broken_videos(tmp_path):
    video = write_video(tmp_path / "in" / "clip.avi", 60)
    (tmp_path / "in" / "empty.mp4").touch()
    (tmp_path / "in" / "text.mp4").write_text("no video")
    write_video(tmp_path / "in" / "none.avi", 0)
    cut = video.read_bytes()
    (tmp_path / "in" / "cut.avi").write_bytes(cut[: len(cut) // 2])
    summary, _ = run(tmp_path / "in", tmp_path / "out")
    failed = {os.path.basename(file) for file, _ in summary.failed}
    assert failed >= {"cut.avi", "empty.mp4", "text.mp4"} and "clip.avi" not in failed
    assert (tmp_path / "out" / "clip.mp4").exists()
    assert not (tmp_path / "out" / "text.mp4").exists()


class Camera:
    """OpenCV's camera 0, which goes on and on."""

    def __init__(self, address):
        self.frames = 0

    def isOpened(self):  # noqa: N802
        return True

    def read(self):
        self.frames += 1
        return True, np.full((48, 64, 3), self.frames, np.uint8)

    def release(self):
        pass


def test_a_camera_is_ended_by_ctrl_c(tmp_path, monkeypatch):
    real = cv2.VideoCapture
    monkeypatch.setattr(cv2, "VideoCapture", lambda x: Camera(x) if x == 0 else real(x))

    def interrupt(number):
        if number == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(0, tmp_path / "out", LINES, Predictor(interrupt))
    assert run.summary.frames == 3 and len(lines_of(tmp_path / "out")) == 3
    assert real(str(tmp_path / "out" / "camera_0.mp4")).get(cv2.CAP_PROP_FRAME_COUNT) == 3


def test_a_foreign_file_is_left_alone(photos, tmp_path):
    (tmp_path / "out").mkdir()
    foreign = tmp_path / "out" / "results.jsonl"
    foreign.write_text('{"something": "else"}\n')
    with pytest.raises(InputError, match="is no result"):
        run(photos, tmp_path / "out", LINES)
    assert foreign.read_text() == '{"something": "else"}\n'
