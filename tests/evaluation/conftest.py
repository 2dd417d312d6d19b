import json
import logging
import pickle
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from choi_d2.evaluation.__main__ import main

# pytest's importlib mode puts no folder on the path; the tests here share some modules.
sys.path.append(str(Path(__file__).parent))
import hicodet_tiny  # noqa: E402
import vcoco_tiny  # noqa: E402
from hoi_scenes import empty_output, random_output, random_record  # noqa: E402


@pytest.fixture(scope="session")
def fixtures(repository) -> Path:
    """Inputs whose official numbers are known."""
    return repository / "tests" / "fixtures"


@pytest.fixture
def scenes():
    """Records and outputs; one image has no output, one nothing found, one nothing annotated."""
    random = np.random.default_rng(3)
    records = [random_record(random, f"{i}.png") for i in range(6)]
    records[4] |= {"annotations": [], "interactions": []}
    outputs = [random_output(random, record) for record in records]
    outputs[4] = random_output(random, records[0])
    outputs[5] = empty_output()
    return records, outputs[:3] + [None] + outputs[4:]


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


@pytest.fixture
def evaluate_tiny_vcoco(evaluate, tmp_path):
    """Evaluate V-COCO's tiny set; what is given takes the place of its files: JSON, or bytes."""

    def run(*flags, **changes):
        files = {
            "vsrl": changes.get("vsrl", vcoco_tiny.vsrl()),
            "coco": changes.get("coco", vcoco_tiny.coco()),
            "ids": changes.get("ids", b"5\n9\n"),
            "pred": changes.get("pred", vcoco_tiny.predictions()),
        }
        options = []
        for name, content in files.items():
            suffix = changes.get("suffix", "json") if name == "pred" else "json"
            path = tmp_path / f"{name}.{suffix}"
            is_bytes = isinstance(content, bytes)
            path.write_bytes(content if is_bytes else json.dumps(content).encode())
            options += [f"--{name}", path]
        return evaluate("vcoco", *options, *flags)

    return run


@pytest.fixture
def tiny(evaluate, tmp_path):
    """Evaluate HICO-DET's tiny set; files are JSON, or what their names say, or bytes."""

    def run(
        *flags, truth=hicodet_tiny.TRUTH, predictions=hicodet_tiny.DETECTIONS, name="pred.json"
    ):
        for file, content in (("gt.json", truth), (name, predictions)):
            path = tmp_path / file
            if path.suffix == ".mat":
                savemat(path, content)
            elif path.suffix == ".pkl":
                path.write_bytes(pickle.dumps(content))
            else:
                is_bytes = isinstance(content, bytes)
                path.write_bytes(content if is_bytes else json.dumps(content).encode())
        return evaluate("hicodet", "--gt", tmp_path / "gt.json", "--pred", tmp_path / name, *flags)

    return run
