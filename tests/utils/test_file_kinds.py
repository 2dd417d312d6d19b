import pickle

import numpy as np
import pytest
import torch

from choi_d2.utils.file_kinds import other_kind


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    "content",
    [{}, [], "a" * 9000, 1, 1.5, None, {"a": [1, 2]}, np.arange(3000.0), [np.float32(1), "ü"]],
    ids=str,
)
def test_a_pickle_may_be_one(tmp_path, protocol, content):
    (tmp_path / "a").write_bytes(pickle.dumps(content, protocol=protocol))
    assert other_kind(tmp_path / "a") is None


@pytest.mark.parametrize("zipped", [False, True])
def test_what_torch_saves_may_be_one(tmp_path, zipped):
    torch.save({"a": torch.ones(3)}, tmp_path / "a", _use_new_zipfile_serialization=zipped)
    assert other_kind(tmp_path / "a") is None


@pytest.mark.parametrize("letter", ["a", "ä", "中"])
def test_long_text(tmp_path, letter):
    """The part that is looked at may end within a letter."""
    for start in ("", "b", "bb", "bbb"):
        (tmp_path / "a").write_text("<p>" + start + letter * 5000, encoding="utf-8")
        assert other_kind(tmp_path / "a").name.startswith("text that begins with '<p>")


def test_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        other_kind(tmp_path / "a")
