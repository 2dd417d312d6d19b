"""A table whose runs are a script that trains nothing, and results written by hand."""

import json
import textwrap
from functools import lru_cache

import pytest

from choi_d2.reproduction import plan
from choi_d2.reproduction.tables import TABLES

SCRIPT = """
    import json, os, pathlib, sys

    words = sys.argv[1:]
    run = pathlib.Path(words[words.index("OUTPUT_DIR") + 1])
    kind = "evaluate" if "--eval-only" in words else "train"
    with open(pathlib.Path(__file__).parent / "calls.txt", "a") as calls:
        calls.write(f"{kind} {run.parent.name}/{run.name}\\n")
    if os.environ.get("FAIL") and os.environ["FAIL"] in str(run):
        print("loss is not finite")
        sys.exit(3)
    weights = words[words.index("MODEL.WEIGHTS") + 1] if "MODEL.WEIGHTS" in words else ""
    if weights:
        assert os.path.exists(weights), weights
    run.mkdir(parents=True, exist_ok=True)
    if kind == "train":
        (run / "metrics.json").write_text(json.dumps({"iteration": 9}) + "\\n")
        (run / "model_final.pth").write_text("weights")
    else:
        ap = 30.0 + int(run.parent.name.removeprefix("seed")[0])
        results = {"test": {"hoi": {"mAP_rel": ap, "AP-ride": ap}}}
        (run / "results.json").write_text(json.dumps({"results": results}))
"""


@pytest.fixture(autouse=True, scope="session")
def configs_are_read_once():
    """Many tests plan the same tables; nobody changes the configs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "load_config", lru_cache(plan.load_config))
        yield


@pytest.fixture
def fake_root(tmp_path):
    """A folder with a train_net.py that takes no time; it notes its calls in calls.txt."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "train_net.py").write_text(textwrap.dedent(SCRIPT))
    return root


def calls(root):
    path = root / "calls.txt"
    return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def table4(repository, tmp_path):
    """Table 4 on HOIW with two seeds."""
    output = tmp_path / "output"
    return plan.make_plan(TABLES[4], "hoiw", root=repository, output=output, seeds=2)


def write_results(table, name, values, per_verb=()):
    """Results of a row: mAP_rel by seed, and AP by seed for some verbs."""
    row = next(row for row in table.rows if row.row.name == name)
    for seed, (value, evaluation) in enumerate(zip(values, row.evaluations)):
        if value is None:
            continue
        hoi = {
            "mAP_rel": value,
            **{f"AP-{verb}": aps[seed] for verb, aps in dict(per_verb).items()},
        }
        content = {"results": {"test": {"bbox": {"AP": 1.0, "AP-cup": 2.0}, "hoi": hoi}}}
        evaluation.folder.mkdir(parents=True, exist_ok=True)
        evaluation.results_file.write_text(json.dumps(content))
