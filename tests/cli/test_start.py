"""What starts without torch: every help, the completion, and a typing error."""

import subprocess
import sys

import pytest

from choi_d2.cli.commands import COMMANDS

# Importing one of these ends the process with the message that says so.
SLOW = ("torch", "detectron2", "torchvision")
CODE = f"""
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {SLOW}:
            sys.exit(f"imported {{name}}")

sys.meta_path.insert(0, Refuse())
from choi_d2.cli.main import main
for words in {{}}:
    try:
        main(words)
    except SystemExit as end:
        if isinstance(end.code, str) or end.code not in (0, None):
            raise
"""


def run(*commands):
    code = CODE.replace("{}", repr([list(words) for words in commands]), 1)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


def test_the_check_itself_notices_torch():
    done = run(["--version"], ["analyze", "--config-file", "nowhere.yaml"])
    assert done.returncode == 1 and "imported " in done.stderr


def test_every_help_starts_without_torch():
    helps = [[command.name, "--help"] for command in COMMANDS]
    done = run(["--help"], ["--version"], *helps, ["eval", "hoiw", "--help"])
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("exit codes: 0 done") == 1 + len(COMMANDS)


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_the_completion_knows_every_command(shell):
    done = run(["--print-completion", shell])
    assert done.returncode == 0, done.stderr
    assert all(command.name in done.stdout for command in COMMANDS)
    assert shell == "tcsh" or "--config-file" in done.stdout
