"""``choi predict``: what it prints and writes, its exit codes, and what it refuses."""

import importlib.util
import io
import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from PIL import Image

# The stub model is shared with tests/engine; tests/ is no package (importlib mode).
sys.path.insert(0, str(Path(__file__).parents[1] / "engine"))

from stub_model import OPTIONS, stub_dataset  # noqa: E402, F401 (a fixture)

from choi_d2.cli.main import main  # noqa: E402


@pytest.fixture
def predict(tmp_path, stub_dataset):  # noqa: F811
    """Run the command with the stub model; returns the exit code."""
    content: dict = {}
    for key, value in OPTIONS.items():
        node = content
        *parents, leaf = key.split(".")
        for parent in parents:
            node = node.setdefault(parent, {})
        node[leaf] = list(value) if isinstance(value, tuple) else value
    config = tmp_path / "stub.yaml"
    config.write_text(yaml.safe_dump(content))
    return lambda *words: main(["predict", "--config-file", str(config), *map(str, words)])


@pytest.fixture
def photos(tmp_path):
    for name in ("a.jpg", "b.png", "sub/a.jpg"):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((48, 64, 3), 90, np.uint8)).save(path)
    return tmp_path / "photos"


def files_in(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_words_without_an_output(predict, photos, capsys):
    assert predict(photos / "a.jpg") == 0
    line = f"{photos / 'a.jpg'}: human 0 ride bike (0.90); human 0 walk (0.50)\n"
    assert capsys.readouterr().out == line
    assert predict(photos, "--max-triplets", "1", "--json") == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [len(line["triplets"]) for line in lines] == [1, 1, 1]
    assert predict(photos, "--score-thresh", "0.95", "--batch-size", "2", "--shard", "1/2") == 0
    assert capsys.readouterr().out.count("no triplet") == 2


def test_an_output_folder(predict, photos, tmp_path, capsys):
    out = tmp_path / "out"
    assert predict(photos, "--output", out) == 0
    names = ["a.jpg", "a.json", "b.json", "b.png", "run.json", "sub/a.jpg", "sub/a.json"]
    assert files_in(out) == names
    assert "3 done" in capsys.readouterr().out
    report = json.loads((out / "a.json").read_text())
    assert report["file_name"] == str(photos / "a.jpg") and "faces" not in report
    assert [triplet["verb"] for triplet in report["triplets"]] == ["ride", "walk"]
    assert predict(photos, "--output", out, "--json") == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["done"], summary["before"], summary["failed"]) == (0, 3, [])


def test_lines_and_a_table_without_drawings(predict, photos, tmp_path):
    out = tmp_path / "out"
    options = ["--json-lines", "--csv", "--no-draw", "--masks", "--device", "cpu"]
    assert predict(photos, "--output", out, *options) == 0
    assert files_in(out) == ["results.csv", "results.jsonl", "run.json"]
    lines = [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]
    assert len(lines) == 3
    assert lines[0]["instances"][0]["segmentation"]["size"] == [48, 64]
    assert len((out / "results.csv").read_text().splitlines()) == 1 + 3 * 2


def test_faces_are_looked_for_where_asked_for(predict, photos, tmp_path):
    options = ["--faces", "--output", tmp_path / "out", "--opts", "INPUT.FACES.DETECTOR", "haar"]
    assert predict(photos / "a.jpg", *options) == 0
    assert json.loads((tmp_path / "out" / "a.json").read_text())["faces"] == []


@pytest.mark.parametrize("output", [True, False])
def test_broken_files_are_exit_code_1(predict, photos, tmp_path, capsys, output):
    (photos / "broken.jpg").write_bytes(b"no photo")
    options = ["--output", tmp_path / "out"] if output else []
    assert predict(photos, *options) == 1
    out, error = capsys.readouterr()
    assert "broken.jpg" in (out if output else error)
    assert (tmp_path / "out" / "b.png").exists() == output


def test_a_list_on_stdin(predict, photos, tmp_path, monkeypatch, capsys):
    text = f"{photos / 'a.jpg'}\n\n{photos / 'gone.jpg'}\n{photos / 'sub' / 'a.jpg'}\n"
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    assert predict("-", "--output", tmp_path / "out", "--no-draw") == 1
    assert files_in(tmp_path / "out") == ["a.json", "a_2.json", "run.json"]
    assert "gone.jpg: no such file" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words, message",
    [
        (["nowhere"], "no such file or folder"),
        (["photos", "--no-draw"], "--no-draw"),
        (["photos", "--csv"], "--csv"),
        (["photos", "--output", "photos"], "must not be overwritten"),
        (["photos", "--model", "nowhere.pth"], "no such model"),
        (["photos", "--output", "out", "--opts", "MODEL.NONSENSE", "1"], "MODEL.NONSENSE"),
        (["photos", "--output", "photos/a.jpg/out"], "photos"),
        (["photos", "--track"], "no SOURCE is one"),
        (["photos", "--track", "--output", "out"], "no SOURCE is one"),
    ],
)
def test_what_is_refused(predict, photos, monkeypatch, capsys, words, message):
    monkeypatch.chdir(photos.parent)
    before = files_in(photos)
    assert predict(*words) == 2
    assert message in capsys.readouterr().err and files_in(photos) == before
    assert not Path("out").exists()


@pytest.fixture
def video(photos):
    """Five frames of nothing, among the photos."""
    writer = cv2.VideoWriter(
        str(photos / "clip.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 10, (64, 48)
    )
    for _ in range(5):
        writer.write(np.full((48, 64, 3), 90, np.uint8))
    writer.release()
    return photos / "clip.avi"


def test_numbers_over_a_videos_frames(predict, video, tmp_path, capsys):
    pytest.importorskip("trackers")
    assert predict(video, "--track", "--vid-stride", "2") == 0
    out = capsys.readouterr().out.splitlines()
    words = "human #1 ride bike #2 (0.90); human #1 walk (0.50)"
    assert out == [f"{video}, frame {frame}: {words}" for frame in (0, 2, 4)]
    # Also among photos, and in what is written.
    assert predict(video.parent, "--track", "--output", tmp_path / "out") == 0
    frames = [json.loads(x) for x in (tmp_path / "out" / "clip.jsonl").read_text().splitlines()]
    assert [[x["track"] for x in frame["instances"]] for frame in frames] == [[1, 2]] * 5
    photo = json.loads((tmp_path / "out" / "a.json").read_text())
    assert "track" not in photo["instances"][0]
    capsys.readouterr()
    assert predict(video.parent, "--output", tmp_path / "out") == 2
    assert "track was True, now False" in capsys.readouterr().err


def test_tracking_needs_its_package(predict, video, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "trackers", None)
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "trackers" else find_spec(name)
    )
    assert predict(video, "--track") == 2
    assert "pip install" in capsys.readouterr().err


@pytest.mark.parametrize("shard", ["0/2", "3/2", "2", "a/b", "1/0"])
def test_a_shard_is_one_of_several(predict, capsys, shard):
    with pytest.raises(SystemExit) as end:
        predict("photos", "--shard", shard)
    assert end.value.code == 2 and "such as 2/8" in capsys.readouterr().err


def test_ctrl_c_says_how_far_it_got(predict, photos, tmp_path, monkeypatch, capsys):
    folder_run = importlib.import_module("choi_d2.inference.folder_run")
    read, paths = folder_run.read_picture, []

    def interrupted(path):
        paths.append(path)
        if len(paths) == 2:
            raise KeyboardInterrupt
        return read(path)

    monkeypatch.setattr(folder_run, "read_picture", interrupted)
    assert predict(photos, "--output", tmp_path / "out") == 130
    assert files_in(tmp_path / "out") == ["a.jpg", "a.json", "run.json"]
    error = capsys.readouterr().err
    assert "1 done" in error and "The same command goes on" in error
    assert predict(photos, "--output", tmp_path / "out") == 0
    assert len(paths) == 4
