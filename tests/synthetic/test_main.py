import json

import cv2
import pytest

from choi_d2.synthetic.__main__ import main, parse_arguments


def run(tmp_path, *more):
    sizes = ("--train", "2", "--val", "1", "--test", "0", "--workers", "1")
    return main(["--root", str(tmp_path / "set"), *sizes, *map(str, more)])


def test_writes_the_set_and_a_contact_sheet(tmp_path, capsys):
    sheet = tmp_path / "sheet.png"
    assert run(tmp_path, "--contact-sheet", sheet) == 0
    height, width, _ = cv2.imread(str(sheet)).shape
    assert width > 2 * 640 and height > 480
    out = capsys.readouterr().out
    assert "train: 2 images" in out and "val: 1 images" in out and str(sheet) in out
    assert len(list(tmp_path.rglob("*.jpg"))) == 3


def test_json_for_programs(tmp_path, capsys):
    sheet = tmp_path / "sheet.png"
    assert run(tmp_path, "--json", "--contact-sheet", sheet) == 0
    made = json.loads(capsys.readouterr().out)
    assert (made["root"], made["contact_sheet"]) == (str(tmp_path / "set"), str(sheet))
    assert {name: split["images"] for name, split in made["splits"].items()}["train"] == 2


@pytest.mark.parametrize(
    "more,words",
    (
        (("--contact-sheet", "sheet.jpg"), "ends in .png"),
        (("--contact-sheet", "s.png", "--contact-split", "test"), "is empty"),
        (("--size", "40x30"), "image_size"),
    ),
)
def test_says_what_is_wrong(tmp_path, capsys, more, words):
    assert run(tmp_path, *more) == 1
    assert words in capsys.readouterr().err


def test_size_is_width_times_height():
    assert parse_arguments(["--size", "640x480"]).size == (640, 480)
    with pytest.raises(SystemExit):
        parse_arguments(["--size", "640"])


def test_the_root_follows_the_environment(monkeypatch):
    monkeypatch.setenv("DETECTRON2_DATASETS", "/somewhere")
    assert str(parse_arguments([]).root) == "/somewhere/synthetic_hoiw"
