"""The programs of packaging/, which is no package, as modules."""

import importlib
import os
import subprocess
import sys

import pytest


@pytest.fixture
def program(repository, monkeypatch):
    """Import a program of packaging/ by its name."""
    monkeypatch.syspath_prepend(str(repository / "packaging"))
    return importlib.import_module


@pytest.fixture
def run_python(tmp_path):
    """Run Python in an empty folder, away from the repository, and return what it prints."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()

    def run(*arguments, path=()):
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path))}
        command = [sys.executable, "-W", "ignore", *map(str, arguments)]
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return run
