import json
import logging
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from choi_d2.evaluation.__main__ import main

# pytest's importlib mode puts no folder on the path; the tests here share hoi_scenes.py.
sys.path.append(str(Path(__file__).parent))


@pytest.fixture(scope="session")
def fixtures(repository) -> Path:
    """Inputs whose official numbers are known."""
    return repository / "tests" / "fixtures"


@dataclass
class Outcome:
    """What the command line did."""

    code: int
    metrics: dict | None
    printed: str
    error: str
    warnings: list[str]


@pytest.fixture
def evaluate(tmp_path, capsys, caplog):
    """Run the command line in this process; ``metrics`` is what it wrote, None if it wrote none."""

    def run(*arguments) -> Outcome:
        output = tmp_path / "out" / "metrics.json"
        output.unlink(missing_ok=True)
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            code = main([*map(str, arguments), "--output", str(output)])
        printed, error = capsys.readouterr()
        metrics = json.loads(output.read_text()) if output.exists() else None
        return Outcome(code, metrics, printed, error, [r.getMessage() for r in caplog.records])

    return run
