"""Exit codes, and what stands on stderr."""

import errno
import importlib
import re
import shlex

import pytest

import choi_d2
from choi_d2.cli import main as choi
from choi_d2.cli.commands import COMMANDS
from choi_d2.cli.main import build_parser, main
from choi_d2.utils import InputError


@pytest.fixture
def models(monkeypatch):
    """``choi models`` that does what it is told."""

    def replace(run):
        monkeypatch.setattr(importlib.import_module("choi_d2.cli.models"), "run", run)

    return replace


@pytest.mark.parametrize(
    "error, code, message",
    [
        (InputError("is broken", path="a.json"), 2, "error: a.json: is broken\n"),
        (OSError(errno.ENOSPC, "No space left on device", "out/a.jpg"), 1,
         "error: out/a.jpg: No space left on device\n"),
        (PermissionError(errno.EACCES, "Permission denied", "out"), 2,
         "error: out: Permission denied\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
    ],
)  # fmt: skip
def test_errors_become_exit_codes(models, capsys, error, code, message):
    def run(args):
        raise error

    models(run)
    assert main(["models"]) == code
    assert capsys.readouterr() == ("", message)


@pytest.mark.parametrize("code", [0, 1])
def test_a_command_says_its_own_code(models, code):
    models(lambda args: code)
    assert main(["models"]) == code


@pytest.mark.parametrize("words", [[], ["modles"], ["models", "--nonsense"], ["eval", "hoiw"]])
def test_a_wrong_command_line(words, capsys):
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 2 and "usage: choi" in capsys.readouterr().err


def test_the_version(capsys):
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out == f"choi_d2 {choi_d2.__version__}\n"


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_has_a_help_with_examples(command, capsys):
    with pytest.raises(SystemExit):
        main([command.name, "--help"])
    text = capsys.readouterr().out
    assert f"  choi {command.name}" in text and "exit codes" in text
    assert text.index("choi ") < 10


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_the_examples_parse(command):
    parser = build_parser({command.name for command in COMMANDS})
    module = command.load()
    text = module.__doc__.replace("\\\n", " ")
    examples = re.findall(r"^  choi (.*)$", text, re.MULTILINE)
    assert examples
    for example in examples:
        parser.parse_args(shlex.split(example))


def test_names_and_modules_are_each_there_once():
    for part in ("name", "module"):
        values = [getattr(command, part) for command in COMMANDS]
        assert len(set(values)) == len(values)
    assert choi.BAD_INPUT == 2
