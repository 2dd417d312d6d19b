import json
import logging
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from choi_d2.engine import HOICheckpointer, load_config
from choi_d2.engine.model_card import ModelCard
from choi_d2.inference.photos import Photo
from choi_d2.inference.run_items import plan_outputs
from choi_d2.structures import Vocabulary
from choi_d2.utils import InputError


def save_photo(path, width=64, height=48):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((height, width, 3), 90, np.uint8)).save(path)
    return path


@pytest.fixture
def photos(tmp_path):
    for name in ("a.jpg", "a.png", "sub/a.jpg"):
        save_photo(tmp_path / "photos" / name)
    return tmp_path / "photos"


@pytest.fixture
def run(demo, config_file, tmp_path, caplog):
    """Run the demo on some inputs; returns its exit status."""
    caplog.set_level(logging.INFO)

    def run(*inputs, options=(), output=tmp_path / "out", opts=()):
        arguments = ["--config-file", config_file, "--input", *inputs, "--output", output, *options]
        return demo.main([str(each) for each in [*arguments, *(("--opts", *opts) if opts else ())]])

    return run


def files_in(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_folder_of_photos(run, photos, tmp_path):
    assert run(photos) == 0
    assert files_in(tmp_path / "out") == [
        "a.jpg", "a.json", "a_2.json", "a_2.png", "sub/a.jpg", "sub/a.json"
    ]  # fmt: skip
    report = json.loads((tmp_path / "out" / "a.json").read_text())
    assert report["file_name"] == str(photos / "a.jpg")
    assert (report["height"], report["width"]) == (48, 64)
    assert report["instances"][0]["box"] == pytest.approx([6.4, 4.8, 32, 43.2], abs=0.01)
    assert [(t["human"], t["verb"], t["object"]) for t in report["triplets"]] == [
        (0, "ride", 1),
        (0, "walk", None),
    ]
    with Image.open(tmp_path / "out" / "a_2.png") as drawing:
        assert len(drawing.getcolors(1 << 20)) > 10


def test_weights_are_enough(demo, config_file, photos, tmp_path, caplog):
    """Of a model whose data set is not registered here; its words are its own."""
    cfg = load_config(config_file)
    words = Vocabulary(("Mensch", "Rad"), ("hält", "fährt", "geht"))
    model = torch.nn.Module()
    model.weight = torch.nn.Parameter(torch.zeros(2))
    (tmp_path / "empty").mkdir()
    HOICheckpointer(model, str(tmp_path / "empty"), card=ModelCard.of(cfg, words)).save("alone")
    command = ["--weights", tmp_path / "empty" / "alone.pth", "--input", photos / "a.png"]
    assert demo.main([str(each) for each in [*command, "--output", tmp_path / "out"]]) == 0
    report = json.loads((tmp_path / "out" / "a.json").read_text())
    assert [triplet["verb"] for triplet in report["triplets"]] == ["fährt", "geht"]
    assert [instance["category"] for instance in report["instances"]] == ["Mensch", "Rad"]


def test_without_a_model_the_shipped_one_is_taken(demo, photos, tmp_path):
    out = tmp_path / "out"
    assert demo.main(["--input", str(photos / "a.png"), "--output", str(out)]) == 0
    assert "instances" in json.loads((out / "a.json").read_text())


def test_real_photos(run, shared, tmp_path):
    photos = shared / "pic_demo" / "images"
    assert run(photos) == 0
    stems = {path.stem for path in photos.iterdir()}
    assert files_in(tmp_path / "out") == sorted(
        f"{stem}.{kind}" for stem in stems for kind in ("jpg", "json")
    )


def test_running_again_gives_the_same_files(run, photos):
    inside = photos / "out"
    assert run(photos, output=inside) == 0
    first = {name: (inside / name).read_bytes() for name in files_in(inside)}
    assert run(photos, output=inside) == 0
    assert {name: (inside / name).read_bytes() for name in files_in(inside)} == first


def test_thresholds_masks_and_faces(run, photos, tmp_path):
    options = ["--score-thresh", "0.6", "--masks", "--faces", "--all-instances"]
    assert run(photos / "a.png", options=options, opts=["INPUT.FACES.DETECTOR", "haar"]) == 0
    report = json.loads((tmp_path / "out" / "a.json").read_text())
    assert [triplet["verb"] for triplet in report["triplets"]] == ["ride"]
    assert report["instances"][0]["segmentation"]["size"] == [48, 64]
    assert report["faces"] == []
    assert run(photos / "a.png", options=["--max-triplets", "1"]) == 0
    assert len(json.loads((tmp_path / "out" / "a.json").read_text())["triplets"]) == 1


def test_unreadable_files_are_skipped_and_counted(run, photos, tmp_path, caplog):
    (photos / "broken.jpg").write_bytes(b"no photo")
    assert run(photos) == 0
    assert "1 skipped" in caplog.text
    assert "broken.jpg" not in files_in(tmp_path / "out")


def test_nothing_readable_is_a_failure(run, tmp_path, caplog):
    (tmp_path / "broken.jpg").write_bytes(b"no photo")
    assert run(tmp_path / "broken.jpg") == 1
    assert "None of the 1 file(s)" in caplog.text
    assert not (tmp_path / "out").exists()


def test_photos_are_never_overwritten(run, photos):
    before = {name: (photos / name).read_bytes() for name in files_in(photos)}
    with pytest.raises(InputError, match="must not be overwritten"):
        run(photos, output=photos)
    with pytest.raises(InputError, match="must not be overwritten"):
        run(photos / "a.jpg", output=photos / "sub" / "..")
    assert {name: (photos / name).read_bytes() for name in files_in(photos)} == before


def test_no_two_photos_share_a_name():
    given = ["one/a.jpg", "two/a.jpg", "A.png", "a_2.png", "sub/a.jpg", "a.b.jpg", "noending"]
    photos = [
        Photo(Path("/in") / str(i) / name, Path(name.removeprefix("one/").removeprefix("two/")))
        for i, name in enumerate(given)
    ]
    targets = [str(path) for path in plan_outputs(photos, Path("/out"))]
    assert targets == [
        "/out/a.jpg",
        "/out/a_2.jpg",
        "/out/A_3.png",
        "/out/a_2_2.png",
        "/out/sub/a.jpg",
        "/out/a.b.jpg",
        "/out/noending.png",
    ]


def test_no_drawing_leaves_the_output_folder(tmp_path):
    given = ["a\\..\\..\\b.jpg", "C:c.jpg", "d\x01.jpg", "e" * 250 + ".jpg", "..\\f.jpg"]
    photos = [Photo(Path("/in", name), Path(name)) for name in given]
    for target in plan_outputs(photos, tmp_path / "out"):
        assert target.is_relative_to(tmp_path / "out") and ".." not in target.parts
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    (tmp_path / "out" / "away").symlink_to(tmp_path)
    with pytest.raises(InputError, match="a link leads out of the output folder"):
        plan_outputs([Photo(Path("/in/g.jpg"), Path("away/g.jpg"))], tmp_path / "out")


def test_bad_command_lines_are_one_line(repository, config_file, tmp_path):
    script = [sys.executable, str(repository / "demo" / "demo.py")]
    common = ["--config-file", str(config_file), "--output", str(tmp_path / "out")]
    done = subprocess.run(
        [*script, *common, "--input", str(tmp_path / "nowhere")],
        capture_output=True,
        text=True,
        cwd=repository,
        env={"PYTHONPATH": str(repository), "PATH": "", "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 2
    assert "nowhere" in done.stderr and "Traceback" not in done.stderr


def test_help_explains_the_output(demo, capsys):
    with pytest.raises(SystemExit) as stopped:
        demo.main(["--help"])
    assert stopped.value.code == 0
    text = capsys.readouterr().out
    assert all(word in text for word in ("--score-thresh", "triplets", "--weights"))


@pytest.mark.parametrize("words", ["--max-triplets 0", "--max-triplets -1", "--score-thresh 2"])
def test_numbers_out_of_range(demo, capsys, words):
    required = ["--config-file", "c", "--input", "i", "--output", "o"]
    with pytest.raises(SystemExit) as stopped:
        demo.main([*required, *words.split()])
    assert stopped.value.code == 2
    assert words.split()[0] in capsys.readouterr().err
