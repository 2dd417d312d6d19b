import json

import pytest

from choi_d2.utils import InputError, atomic_path, read_json, write_json


@pytest.mark.parametrize(
    "content, message",
    [
        (None, "no such file"),
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"\xff\xfe\x00\x01", "binary"),
        (b"hello", "expected JSON"),
        (b'[{"a": 1}, {"a"', "ends too early"),
        (b'{"a": 1}', "expected a JSON list"),
        (b"[" * 100_000, "expected JSON"),
    ],
)
def test_broken_files_are_told_apart(tmp_path, content, message):
    path = tmp_path / "a.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=message) as error:
        read_json(path, list)
    assert str(path) in str(error.value)


def test_round_trip_makes_folders(tmp_path):
    path = tmp_path / "new" / "folder" / "a.json"
    write_json(path, {"x": [1.5, None]}, indent=1)
    assert read_json(path, dict) == {"x": [1.5, None]}


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, [1])
    with pytest.raises(RuntimeError), atomic_path(path) as temporary:
        temporary.write_text("[1, 2")
        raise RuntimeError("disk full")
    with pytest.raises(ValueError):
        write_json(path, float("nan"))
    assert json.loads(path.read_text()) == [1]
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]
