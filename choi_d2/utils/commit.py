"""Which commit of this project is in use."""

from __future__ import annotations

import subprocess
from pathlib import Path


def git_commit(root: Path) -> str | None:
    """The commit that is checked out, with "+" if files differ from it; None without git.

    Args:
        root: of the repository; a folder that is only inside of another one's has no commit.
    """
    try:
        top, commit = _git(root, "rev-parse", "--show-toplevel", "HEAD").splitlines()
        changed = _git(root, "status", "--porcelain", "--untracked-files=no")
    except (OSError, ValueError, subprocess.CalledProcessError):
        return None
    if Path(top).resolve() != Path(root).resolve():
        return None
    return f"{commit[:12]}{'+' if changed else ''}"


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
