import json

import pytest

from choi_d2.utils import InputError, atomic_path, read_json, read_text, write_json


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


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le"]
)
def test_encodings_that_their_first_bytes_tell(tmp_path, encoding):
    path = tmp_path / "a.json"
    path.write_bytes(json.dumps({"name": "Fußball"}, ensure_ascii=False).encode(encoding))
    assert read_json(path, dict) == {"name": "Fußball"}
    path.write_bytes("5\n9\n".encode(encoding))
    assert read_text(path) == "5\n9\n"


@pytest.mark.parametrize("text", ["Fußball", "Ball_→", "мяч"])
def test_other_encodings_are_called_so(tmp_path, text):
    encoding = {"Fußball": "latin-1", "Ball_→": "euc_jp", "мяч": "cp1251"}[text]
    (tmp_path / "a.json").write_bytes(json.dumps([text], ensure_ascii=False).encode(encoding))
    with pytest.raises(InputError, match=r"in UTF-8, found another encoding: byte 0x.*iconv"):
        read_json(tmp_path / "a.json")


@pytest.mark.parametrize(
    "content, message",
    [
        (b"\x1f\x8b\x08\0\xff", "gzip's compressed data.*Unpack it"),
        (b"PK\x03\x04\xff\xff", "binary data: a file that was cut short"),
        (b"version https://git-lfs.github.com/spec/v1", "git lfs pull"),
        (b"<!DOCTYPE html><html></html>", r"a web page \(HTML\).*download the file"),
        (b'{"a": 1}\n{"a": 2}\n', "one JSON on each line"),
        (b'{"a": "b', "ends too early"),
    ],
)
def test_what_is_no_json_is_called_by_its_name(tmp_path, content, message):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_json(tmp_path / "a.json")


def test_a_key_that_is_there_twice(tmp_path):
    (tmp_path / "a.json").write_text('[{"a": 1, "b": {"c": 1, "d": 2, "c": 3}}]')
    assert read_json(tmp_path / "a.json")[0]["b"] == {"c": 3, "d": 2}
    with pytest.raises(InputError, match=r"field 'c': the key is there twice"):
        read_json(tmp_path / "a.json", unique_keys=True)


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
