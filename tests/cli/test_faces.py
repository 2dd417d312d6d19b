"""``choi faces``: what it writes, how it goes on, what it refuses."""

import importlib.util
import json

import cv2
import numpy as np
import pytest
from detectron2.data import DatasetCatalog, MetadataCatalog

import choi_d2.data.faces
from choi_d2.cli.main import main
from choi_d2.data.faces import Faces, load_face_cache, many


def run(*words):
    """``choi faces`` in this process."""
    return main(["faces", *map(str, words)])


class GrayLevelDetector:
    """As many faces as the image's gray level says."""

    name = "fake"

    def __init__(self, cfg):
        threshold = cfg.INPUT.FACES.SCORE_THRESH
        self.description = f"fake, score >= {threshold if threshold >= 0 else 0.5:g}"
        self.seen = []

    def __call__(self, image, *, file_name=None):
        self.seen.append(file_name)
        if image[0, 0, 0] == 255:
            raise KeyboardInterrupt
        count = int(image[0, 0, 0])
        boxes = np.arange(4.0) + np.arange(count)[:, None]
        return Faces.from_raw(boxes, np.full(count, 0.5), image.shape[:2], 0.0)


@pytest.fixture
def detectors(monkeypatch):
    """The detectors that the tool built; the last is of the last run."""
    built = []

    def build(cfg):
        built.append(GrayLevelDetector(cfg))
        return built[-1]

    monkeypatch.setattr(choi_d2.data.faces, "build_face_detector", build)
    return built


@pytest.fixture
def photos(tmp_path):
    """Images with 0, 2 and 5 faces, one that is no image, and a file of another kind."""
    folder = tmp_path / "photos"
    (folder / "deep").mkdir(parents=True)
    for name, gray in (("a.png", 0), ("b.PNG", 2), ("deep/c.png", 5)):
        cv2.imwrite(str(folder / name), np.full((30, 40, 3), gray, np.uint8))
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno more")
    (folder / "notes.txt").write_text("not an image")
    return folder


def test_a_folder(detectors, photos, tmp_path, capsys):
    output = tmp_path / "out" / "faces.json"
    assert run("--images", str(photos), "--output", str(output)) == 1
    faces = load_face_cache(output)
    assert {name: len(found) for name, found in faces.items()} == {
        "a.png": 0,
        "b.PNG": 2,
        "deep/c.png": 5,
    }
    assert faces["b.PNG"][1] == {"bbox": [1, 2, 3, 4], "score": 0.5}
    assert json.loads(output.read_text())["detector"] == "fake, score >= 0.5"
    summary = capsys.readouterr().out
    assert "3 images (3 of them now), 7 faces, 2.33 per image" in summary
    assert "0: 1, 1: 0, 2: 1, 3: 0, 4+: 1" in summary
    assert "skipped as unreadable: 1 (broken.png)" in summary


def test_a_second_run_goes_on(detectors, photos, tmp_path, capsys):
    command = ["--images", str(photos), "--output", str(tmp_path / "faces.json")]
    assert run(*command) == 1
    first = load_face_cache(tmp_path / "faces.json")
    cv2.imwrite(str(photos / "d.png"), np.full((30, 40, 3), 1, np.uint8))
    assert run(*command) == 1
    assert detectors[-1].seen == ["d.png"]
    assert load_face_cache(tmp_path / "faces.json") == {**first, "d.png": first["b.PNG"][:1]}
    assert "4 images (1 of them now), 8 faces" in capsys.readouterr().out


def test_what_was_found_survives_an_interruption(detectors, photos, tmp_path, capsys):
    command = ["--images", str(photos), "--output", str(tmp_path / "faces.json")]
    cv2.imwrite(str(photos / "c.png"), np.full((30, 40, 3), 255, np.uint8))
    assert run(*command) == 130
    assert sorted(load_face_cache(tmp_path / "faces.json")) == ["a.png", "b.PNG"]
    assert "goes on from" in capsys.readouterr().err
    cv2.imwrite(str(photos / "c.png"), np.full((30, 40, 3), 1, np.uint8))
    assert run(*command) == 1
    assert detectors[-1].seen == ["c.png", "deep/c.png"]


def test_partial_results_are_written_on_the_way(detectors, photos, tmp_path, monkeypatch):
    sizes = []
    save = many.save_face_cache

    def spy(path, faces, detector):
        sizes.append(len(faces))
        save(path, faces, detector)

    monkeypatch.setattr(many, "save_face_cache", spy)
    command = ["--images", f"{photos}/**/[abc].*", "--output", str(tmp_path / "faces.json")]
    assert run(*command, "--flush-every", "2") == 0
    assert sizes == [2, 3]


def test_another_detectors_file_is_left_alone(detectors, photos, tmp_path, capsys):
    output = tmp_path / "faces.json"
    command = ["--images", str(photos), "--output", str(output)]
    assert run(*command) == 1
    before = output.read_text()
    assert run(*command, "--score-thresh", "0.3") == 2
    error = capsys.readouterr().err
    assert "written by 'fake, score >= 0.5', and this is 'fake, score >= 0.3'" in error
    assert "--overwrite" in error
    assert output.read_text() == before
    assert run(*command, "--score-thresh", "0.3", "--overwrite") == 1
    assert json.loads(output.read_text())["detector"] == "fake, score >= 0.3"
    assert len(detectors[-1].seen) == 3


def test_a_glob_and_an_image_root(detectors, photos, tmp_path):
    output = tmp_path / "faces.json"
    assert run("--images", f"{photos}/de*/*.png", "--output", str(output)) == 0
    assert list(load_face_cache(output)) == ["deep/c.png"]
    command = ["--images", str(photos / "a.png"), "--output", str(output), "--overwrite"]
    assert run(*command) == 0
    assert list(load_face_cache(output)) == ["a.png"]
    assert run(*command, "--image-root", str(tmp_path / "x" / "..")) == 0
    assert list(load_face_cache(output)) == ["photos/a.png"]


@pytest.fixture
def dataset(photos):
    name = "choi_test_detect_faces"
    records = [{"file_name": str(photos / n)} for n in ("deep/c.png", "b.PNG", "gone.png")]
    DatasetCatalog.register(name, lambda: records)
    MetadataCatalog.get(name).image_root = str(photos)
    yield name
    DatasetCatalog.remove(name)
    MetadataCatalog.remove(name)


def test_a_registered_data_set(detectors, dataset, tmp_path, capsys):
    output = tmp_path / "faces.json"
    assert run("--dataset", dataset, "--output", str(output)) == 1
    assert detectors[-1].seen == ["deep/c.png", "b.PNG"]
    assert sorted(load_face_cache(output)) == ["b.PNG", "deep/c.png"]
    assert "skipped as unreadable: 1 (gone.png)" in capsys.readouterr().out


def test_refusals(detectors, dataset, photos, tmp_path, capsys):
    output = ["--output", str(tmp_path / "faces.json")]
    for command, message in (
        (["--images", str(tmp_path / "nowhere")], "no images in"),
        (["--images", f"{photos}/*.txt"], "none of the 1 images can be read"),
        (["--dataset", "choi_no_such_set"], "unknown data set 'choi_no_such_set'. Registered are"),
        (["--dataset", dataset, "--image-root", f"{photos}/deep"], "expected images below"),
    ):
        assert run(*command, *output) == 2
        assert message in capsys.readouterr().err
    for command in (["--score-thresh", "2"], ["--flush-every", "0"], ["--dataset", dataset]):
        with pytest.raises(SystemExit):
            run("--images", str(photos), *command, *output)


def test_no_detector_at_all(photos, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.delattr(cv2, "CascadeClassifier", raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "empty"))
    monkeypatch.delenv("OPENCV_SAMPLES_DATA_PATH", raising=False)
    assert run("--images", str(photos), "--output", str(tmp_path / "faces.json")) == 2
    assert "no face detector is installed" in capsys.readouterr().err
    assert not (tmp_path / "faces.json").exists()


@pytest.mark.skipif(not hasattr(cv2, "CascadeClassifier"), reason="OpenCV 5 has no cascades")
def test_with_a_real_detector(photos, tmp_path):
    output = tmp_path / "faces.json"
    command = ["--images", str(photos), "--output", str(output), "--detector", "haar"]
    assert run(*command) == 1
    assert load_face_cache(output) == {"a.png": [], "b.PNG": [], "deep/c.png": []}
