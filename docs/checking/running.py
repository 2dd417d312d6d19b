"""Runs a command, and keeps what it says."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

SHELL_SIGNS = frozenset("|*?;&<>$`")
"""Outside of quotes, for a shell; patterns in quotes are choi's own."""


def run(text: str, language: str, log: Path) -> int:
    """Run a command in the current folder.

    Commands of choi and Python programs run in a child of this process, which has imported what
    they need; all others in a shell.

    Args:
        text: what is typed.
        language: "sh" or "python".
        log: where its output goes.

    Returns:
        its exit code.
    """
    if language == "python":
        return _in_a_child(lambda: _execute(text), log)
    words = shlex.split(text)
    bare = "".join(shlex.shlex(text, posix=False)) if "'" not in text and '"' not in text else ""
    if words[0] == "choi" and not SHELL_SIGNS & set(bare) and "--num-gpus" not in words:
        return _in_a_child(lambda: _choi(words[1:]), log)
    with open(log, "wb") as output:
        return subprocess.run(
            ["bash", "-c", text], stdin=subprocess.DEVNULL, stdout=output, stderr=output
        ).returncode


def _choi(words: list[str]) -> int:
    from choi_d2.cli.main import main
    from choi_d2.data import register_all

    # This folder's; what the parent process has imported knows another's.
    register_all(os.environ["DETECTRON2_DATASETS"])
    return main(words)


def _execute(program: str) -> int:
    exec(compile(program, "document", "exec"), {"__name__": "__main__"})
    return 0


def _in_a_child(task: Callable[[], int], log: Path) -> int:
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = 70
    try:
        with open(log, "w") as output:
            os.dup2(output.fileno(), 1)
            os.dup2(output.fileno(), 2)
            sys.stdout = sys.stderr = output
            try:
                code = task()
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else int(end.code is not None)
            except BaseException:
                traceback.print_exc()
    finally:
        os._exit(code)
