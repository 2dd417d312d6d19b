"""What ``make docs-check`` runs; the commands that need no training are run here, too."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from checking.blocks import Command, commands, documents
from checking.rules import MADE_SHORT, PARSED_ONLY, REPLACED, judge

ROOT = Path(__file__).resolve().parents[2]
FOUND = [command for path in documents(ROOT) for command in commands(path, ROOT)]


def written(tmp_path, text):
    (tmp_path / "a.md").write_text(text)
    return commands(tmp_path / "a.md", tmp_path)


def test_lines_that_go_on_remarks_and_variables(tmp_path):
    text = (
        "One\n\n```sh\nC=b.yaml\n# why\nchoi train \\\n  --config-file $C   # how\nls '#1'\n```\n"
    )
    assert [(x.line, x.text) for x in written(tmp_path, text)] == [
        (6, "choi train --config-file b.yaml"),
        (8, "ls '#1'"),
    ]


def test_a_synopsis_and_output(tmp_path):
    text = "```\nchoi eval pic --pred A.pkl|A.json [--version v1|v2]\nfolder/\n  a.jpg\n```\n"
    (command,) = written(tmp_path, text)
    assert command.text == "choi eval pic --pred A.pkl --version v1"


def test_python_is_one_program(tmp_path):
    (command,) = written(tmp_path, "```python\na = 1\n```\nand\n```python\nprint(a)\n```\n")
    assert command.language == "python" and command.text == "a = 1\n\nprint(a)\n"


def test_most_are_run():
    run = [command for command in FOUND if judge(command).text]
    assert len(run) > 60 and len(run) > len(FOUND) / 2
    assert all(judge(command).remark for command in FOUND if command not in run)
    everywhere = {"train", "predict", "eval", "validate", "show", "reproduce", "faces", "init-data"}
    assert everywhere <= {command.text.split()[1] for command in run if command.language == "sh"}


@pytest.mark.parametrize("pattern", [pattern for pattern, _ in (*PARSED_ONLY, *MADE_SHORT)])
def test_every_rule_is_for_something(pattern):
    assert any(re.search(pattern, command.text) for command in FOUND)


@pytest.mark.parametrize("words", [words for words, _ in REPLACED])
def test_every_replacement_is_for_something(words):
    assert any(words in command.text for command in FOUND)


def test_keys_are_put_where_they_win():
    command = Command("a.md", 1, "sh", "choi train --data a.json OUTPUT_DIR b SOLVER.MAX_ITER 100")
    assert judge(command).text.index("MAX_ITER 2") > judge(command).text.index("MAX_ITER 100")


CHEAP = re.compile(r"^choi (eval (hoiw|pic|vcoco|hicodet)|init-data|models|validate|--version)")


def test_the_script_runs_what_is_cheap_and_tells_what_fails(tmp_path):
    cheap = [x.text for x in FOUND if CHEAP.match(x.text) and judge(x).text]
    cheap.sort(key=lambda text: "init-data" in text)  # it writes anew what others read
    assert len(cheap) > 10
    document = tmp_path / "cheap.md"
    lines = [*cheap, "choi eval hoiw --gt nowhere.json --pred PRED.json"]
    document.write_text("\n".join(["```sh", *lines, "```", ""]))
    words = [sys.executable, "-W", "ignore", "docs/check_commands.py", document]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    told = done.stdout.splitlines()
    assert sum(line.startswith("ran ") for line in told) == len(cheap), done.stdout
    assert "nowhere.json: no such file" in done.stdout
    assert told[-1] == "1 command(s) failed" and done.returncode == 1
