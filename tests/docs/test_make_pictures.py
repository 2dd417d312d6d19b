"""The script that draws the pictures of docs/photo_model.md."""

import importlib.util
import re
import shutil

import pytest
from PIL import Image


@pytest.fixture
def script(repository):
    file = repository / "docs" / "photo_model" / "make_pictures.py"
    spec = importlib.util.spec_from_file_location("make_pictures", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_each_source_and_the_scene_are_drawn_and_told(script, tmp_path, capsys):
    (tmp_path / "sources").mkdir()
    shutil.copy(script.HERE / "sources" / "dog.jpg", tmp_path / "sources")
    options = ["--sources", tmp_path / "sources", "--output", tmp_path, "--model", "synthetic"]
    script.main([*map(str, options), "--count", "2", "--score-thresh", "0.05"])
    told = dict(re.findall(r"^\| !\[(\w+)\]\(photo_model/\w+\.jpg\) \| (.+) \|$",
                           capsys.readouterr().out, re.MULTILINE))  # fmt: skip
    assert set(told) == {"dog", "drawn_scene"}
    assert told["drawn_scene"].count("human") == 2
    for name in told:
        with Image.open(tmp_path / f"{name}.jpg") as picture:
            assert min(picture.size) >= 256


def test_every_source_has_its_licence_in_the_page(script, repository):
    page = (repository / "docs" / "photo_model.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \|.*\| ([^|]+) \|$", page, re.MULTILINE))
    sources = {path.stem for path in (script.HERE / "sources").iterdir()}
    assert sources | {"drawn_scene"} == set(rows)
    assert set(rows.values()) == {"CC0", "public domain", "Apache-2.0"}
    for path in (script.HERE / "sources").iterdir():
        with Image.open(path) as picture:
            assert max(picture.size) <= 512 and path.stat().st_size < 60_000
