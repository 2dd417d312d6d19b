"""``make test-matrix``: six runs, each on a machine of its own kind, and a table."""

import importlib.util

import pytest

PASSING = "import os\n\ndef test_it():\n    assert os.getenv('OMP_NUM_THREADS') in '12'\n"
FAILING = """
import os

import pytest


def test_it():
    assert os.getenv("ATEN_CPU_CAPABILITY") != "avx2" or os.environ["OMP_NUM_THREADS"] != "2"


@pytest.mark.skip
def test_skipped():
    pass
"""


@pytest.fixture
def matrix(repository, tmp_path, monkeypatch):
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "default")
    spec = importlib.util.spec_from_file_location("run_matrix", repository / "tests/run_matrix.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "OUTPUT", tmp_path / "output")
    return module


def table_of(text):
    rows = [line.split() for line in text.splitlines()[-6:]]
    return {row[0]: (row[1], row[2], row[3], row[5]) for row in rows}


def test_all_pass(matrix, tmp_path, capsys):
    (tmp_path / "test_a.py").write_text(PASSING)
    assert matrix.main(["test_a.py"]) == 0
    rows = table_of(capsys.readouterr().out)
    names = ["unset-1", "unset-2", "avx2-1", "avx2-2", "default-1", "default-2"]
    assert list(rows) == names and set(rows.values()) == {("1", "0", "0", "0")}
    assert all("1 passed" in (tmp_path / "output" / f"{name}.log").read_text() for name in names)


def test_one_fails(matrix, tmp_path, capsys):
    (tmp_path / "test_a.py").write_text(FAILING)
    assert matrix.main(["test_a.py"]) == 1
    rows = table_of(capsys.readouterr().out)
    assert rows.pop("avx2-2") == ("0", "1", "1", "1")
    assert set(rows.values()) == {("1", "0", "1", "0")}


def test_a_run_that_ends_before_its_tests(matrix, tmp_path, capsys):
    assert matrix.main(["nowhere.py"]) == 1
    assert {row[3] for row in table_of(capsys.readouterr().out).values()} == {"4"}
