"""Every ``choi`` command in the documents is one that the command line takes."""

import re
import shlex
from pathlib import Path

import pytest

from choi_d2.cli.commands import COMMANDS
from choi_d2.cli.main import build_parser

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(
    path
    for folder in (".", "docs", "datasets", "configs", "demo")
    for path in (ROOT / folder).glob("*.md")
)
# Behind a shell's variables, or as torchrun's module.
COMMAND = re.compile(r"^(?:[A-Z_]+=\S+ )*(?:choi|(?:python|torchrun .*) -m choi_d2) (.*)$")


def commands(text):
    """The commands in fenced blocks, and those in backquotes, without ``choi``."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    # Without options a command is named, not called.
    quoted = re.findall(r"`(choi [^`]* --[^`]*)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    for line in [*lines, *quoted]:
        match = COMMAND.match(" ".join(line.split("   #")[0].split()))
        if match:
            yield match[1]


def as_words(command):
    """Without the signs of a synopsis: of `a|b` the first, `[--x Y]` as if it were given."""
    words = shlex.split(command.replace("[", "").replace("]", "").replace(" ...", ""))
    return [word.split("|")[0] for word in words]


@pytest.fixture(scope="module")
def parser():
    return build_parser({command.name for command in COMMANDS})


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_parses(parser, path, capsys):
    for command in commands(path.read_text(encoding="utf-8")):
        words = as_words(command)
        if words[0] == "COMMAND":
            continue
        try:
            parser.parse_args(words)
        except SystemExit as end:
            assert end.code == 0, f"choi {command}\n{capsys.readouterr().err}"


def test_commands_are_found():
    found = [command for path in DOCUMENTS for command in commands(path.read_text("utf-8"))]
    assert len(found) > 40
    assert {"train", "eval", "validate", "show"} <= {command.split()[0] for command in found}


def test_a_wrong_command_is_noticed(parser):
    (command,) = commands("```sh\nchoi train \\\n  --no-such-option 3   # a remark\n```\n")
    with pytest.raises(SystemExit) as end:
        parser.parse_args(as_words(command))
    assert end.value.code == 2


def test_no_document_names_the_folder_tools():
    for path in DOCUMENTS:
        assert "tools/" not in path.read_text("utf-8").replace("Detectron2's `tools/", ""), path
