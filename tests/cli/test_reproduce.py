"""``choi reproduce``: runs, exit codes, and what is refused."""

import json
import re
import sys
from pathlib import Path

import pytest

from choi_d2.cli.main import main
from choi_d2.reproduction import command

sys.path.insert(0, str(Path(__file__).parents[1] / "reproduction"))

from fake_runs import calls, fake_root  # noqa: E402, F401 (a fixture)


def run(*words):
    """``choi reproduce`` in this process."""
    return main(["reproduce", *map(str, words)])


@pytest.fixture
def faked(fake_root, monkeypatch):  # noqa: F811
    """Runs that take no time, and data that are there."""

    class FakeRunner(command.Runner):
        def __post_init__(self):
            super().__post_init__()
            self.root = fake_root

    monkeypatch.setattr(command, "Runner", FakeRunner)
    monkeypatch.setattr(command, "prepare", lambda plan: None)


@pytest.mark.parametrize(
    "table, dataset, rows, trainings",
    [(3, "vcoco", 2, 4), (4, "pic", 6, 8), (6, "hoiw", 6, 12), (7, "pic", 6, 5), (8, "pic", 4, 5)],
)
def test_dry_run_without_data(tmp_path, capsys, table, dataset, rows, trainings):
    words = ["--table", str(table), "--dataset", dataset, "--output", str(tmp_path), "--dry-run"]
    assert run(*words) == 0
    text = capsys.readouterr().out
    assert text.count("  phase 1: configs/") == text.count("  phase 2: configs/") == rows
    assert text.count("--eval-only") == rows and text.count("--resume") == trainings
    assert "Expected: " in text and "assumed" in text and "done]" not in text
    assert not list(tmp_path.iterdir()), "a dry run writes nothing"


def test_run_then_go_on(faked, fake_root, tmp_path, capsys):  # noqa: F811
    words = ["--table", "7", "--dataset", "hoiw", "--seeds", "2", "--output", str(tmp_path)]
    assert run(*words, "--only", "1_only_semantic") == 0
    assert len(calls(fake_root)) == 1 + 2 + 2
    assert run(*words) == 0
    assert len(calls(fake_root)) == 1 + 2 * 4 + 2 * 6
    content = json.loads((tmp_path / "hoiw" / "table7.json").read_text())
    assert content["rows"][0]["metrics"]["mAP_rel"]["by_seed"] == [31.0, 32.0]
    assert "--table 7 --dataset hoiw --seeds 2" in content["command"]
    assert (tmp_path / "hoiw" / "table7.png").stat().st_size > 5000
    text = capsys.readouterr().out
    assert "31.5 ± 0.7" in text and "table7.md" in text
    assert run(*words, "--dry-run") == 0
    assert "to do" not in capsys.readouterr().out


def test_json_for_programs(faked, tmp_path, monkeypatch, capsys):
    words = ["--table", "7", "--dataset", "hoiw", "--only", "1_only_semantic", "--json"]
    words += ["--output", str(tmp_path)]
    assert run(*words, "--dry-run") == 0
    listed = json.loads(capsys.readouterr().out)
    (row,) = listed["rows"]
    assert [entry["title"].split()[0] for entry in row["runs"]] == ["train", "train", "evaluate"]
    assert listed["hours"] == sum(entry["hours"] for entry in row["runs"]) > 0
    assert all("train_net.py" in " ".join(entry["command"]) for entry in row["runs"])

    monkeypatch.setenv("FAIL", "only_semantic")
    assert run(*words) == 1
    printed = capsys.readouterr()
    report = json.loads(printed.out)
    assert report["dataset"] == "hoiw" and "training" in printed.err
    assert all(Path(path).is_file() for path in report["files"])
    assert any("only_semantic" in reason for reason in report["failures"].values())


def test_a_failed_row_is_the_exit_code(faked, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FAIL", "only_visual")
    words = ["--table", "7", "--dataset", "hoiw", "--output", str(tmp_path / "runs")]
    assert run(*words, "--report", str(tmp_path / "report")) == 1
    text = (tmp_path / "report" / "table7.md").read_text()
    assert "| s_v | — | 38.1 |" in text and "loss is not finite" not in text.split("Failed")[0]
    assert "start again" in capsys.readouterr().err


def test_data_that_are_not_there(tmp_path, capsys):
    assert run("--table", "4", "--dataset", "hoiw", "--output", str(tmp_path)) == 2
    assert re.search("hoiw_train.*not there|no such file", capsys.readouterr().err)


def test_a_table_that_lacks_the_data_set(capsys):
    assert run("--table", "3", "--dataset", "pic") == 2
    assert "Table 3 has no 'pic', expected vcoco" in capsys.readouterr().err
