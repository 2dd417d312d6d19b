import json
import os

from choi_d2.data.image_sizes import cache_path, read_image_sizes
from choi_d2.utils import InputError


def test_sizes_are_remembered_until_a_file_changes(write_image, tmp_path):
    path, cache = write_image(tmp_path / "a.png", 40, 60), tmp_path / "sizes.json"
    assert read_image_sizes(tmp_path, ["a.png"], cache) == {"a.png": (40, 60)}
    remembered = json.loads(cache.read_text())
    remembered["a.png"][2:] = [1, 2]
    cache.write_text(json.dumps(remembered))
    assert read_image_sizes(tmp_path, ["a.png"], cache) == {"a.png": (1, 2)}

    os.utime(path, ns=(5, 5))
    assert read_image_sizes(tmp_path, ["a.png"], cache) == {"a.png": (40, 60)}
    cache.write_text("{")
    assert read_image_sizes(tmp_path, ["a.png"], cache) == {"a.png": (40, 60)}


def test_errors_come_back_in_place(write_image, tmp_path):
    write_image(tmp_path / "a.png", 40, 60)
    sizes = read_image_sizes(tmp_path, ["gone.png", "a.png"])
    assert sizes["a.png"] == (40, 60)
    assert isinstance(sizes["gone.png"], InputError)


def test_cache_folder(tmp_path, monkeypatch):
    monkeypatch.delenv("CHOI_D2_CACHE", raising=False)
    assert cache_path(tmp_path / "a.json", ".x").parent.parent == tmp_path
    monkeypatch.setenv("CHOI_D2_CACHE", "off")
    assert cache_path(tmp_path / "a.json", ".x") is None
    monkeypatch.setenv("CHOI_D2_CACHE", str(tmp_path / "cache"))
    one, two = cache_path("/data/one/a.json", ".x"), cache_path("/data/two/a.json", ".x")
    assert one.parent == two.parent == tmp_path / "cache" and one != two


def test_a_disk_that_cannot_be_written_is_no_error(write_image, tmp_path, caplog):
    write_image(tmp_path / "a.png", 40, 60)
    (tmp_path / "file").write_text("")
    assert read_image_sizes(tmp_path, ["a.png"], tmp_path / "file" / "cache.json")
    assert "CHOI_D2_CACHE" in caplog.text
