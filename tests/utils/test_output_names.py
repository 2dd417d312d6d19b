import os

import pytest

from choi_d2.utils import InputError
from choi_d2.utils.output_names import OutputNames, path_below, plain_name

ORDINARY = ["a", "train/0001", "a b", ".hidden", "größe", "人", "a.b.c", "-a", "'a' & (b) [1]", "~"]
HOSTILE = [
    "",
    ".",
    "..",
    "...",
    "../../x",
    "a/../../../x",
    "/etc/passwd",
    "//server/share/x",
    "C:\\Windows\\x",
    "c:x",
    "..\\..\\x",
    "\\\\server\\x",
    "a/./../..",
    "nul\0byte",
    "new\nline",
    "con",
    "a/NUL.b",
    "a:stream",
    "a" * 5000,
    "漢" * 5000,
    "a/" * 5000,
    "../" * 5000 + "x",
    "a /b. /c",
    "\udcff\ud800",
    " ",
    "$(touch x)`;|&",
]


@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_names_stay(name):
    assert OutputNames().take(name) == name


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_every_name_can_be_written_and_stays_below_the_folder(tmp_path, name):
    folder = tmp_path / "deep" / "out"
    names = OutputNames()
    for _ in range(2):
        path = path_below(folder, f"{names.take(name)}.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    written = [x for x in tmp_path.rglob("*") if x.is_file()]
    assert len(written) == 2
    assert all(x.is_relative_to(folder) for x in written)
    for part in plain_name(name).split("/"):
        assert part not in ("", ".", "..") and not set(part) & set('<>:"|?*\\\0\n')
        assert len(part.encode()) < 200 and part == part.rstrip(". ")


def test_no_two_images_share_a_file():
    names = OutputNames()
    given = ["x", "../x", "/x", "X", "x_2", "a/x", "a\\x", "é", "e\u0301", "b" * 300, "b" * 301]
    taken = [names.take(name) for name in given]
    assert taken[:4] == ["x", "x_2", "x_3", "X_4"]
    assert len({name.casefold() for name in taken}) == len(given)


def test_a_link_out_of_the_folder(tmp_path):
    (tmp_path / "out").mkdir()
    os.symlink("/", tmp_path / "out" / "away")
    os.symlink(tmp_path / "out" / "real", tmp_path / "out" / "within")
    with pytest.raises(InputError, match="a link leads out of the output folder"):
        path_below(tmp_path / "out", "away/tmp/x.png")
    assert path_below(tmp_path / "out", "within/x.png").name == "x.png"
    os.symlink(tmp_path / "out", tmp_path / "link")
    assert path_below(tmp_path / "link", "a/x.png").name == "x.png"
