import json
import math
from types import SimpleNamespace

import pytest

from choi_d2.engine import write_results
from choi_d2.engine.results import ResultsWriter

ONE = {"hoi": {"mAP_rel": 50.0}, "bbox": {"AP": 12.5, "AP-bike": math.nan}}


def read(folder):
    return json.loads((folder / "results.json").read_text())


@pytest.fixture
def cfg(stub_cfg, tmp_path):
    stub_cfg.OUTPUT_DIR = str(tmp_path)
    return stub_cfg


def test_one_data_set_is_named_too(cfg, stub_dataset, tmp_path):
    write_results(cfg, ONE, weights="a.pth", iteration=None)
    expected = {"hoi": {"mAP_rel": 50.0}, "bbox": {"AP": 12.5, "AP-bike": None}}
    assert read(tmp_path) == {
        "weights": "a.pth",
        "iteration": None,
        "results": {stub_dataset: expected},
    }


def test_two_data_sets(cfg, tmp_path):
    cfg.DATASETS.TEST = ("a", "b")
    write_results(cfg, {"a": ONE, "b": {}}, weights="a.pth", iteration=3)
    assert list(read(tmp_path)["results"]) == ["a", "b"]


def test_only_a_training_that_came_to_its_end_leaves_results(cfg, tmp_path):
    hook = ResultsWriter()
    hook.trainer = SimpleNamespace(cfg=cfg, iter=4, max_iter=8, _last_eval_results=ONE)
    (tmp_path / "results.json").write_text("of other weights")
    hook.before_train()
    hook.after_train()
    assert not (tmp_path / "results.json").exists()
    hook.trainer.iter = 7
    hook.after_train()
    found = read(tmp_path)
    assert found["iteration"] == 7 and found["weights"] == str(tmp_path / "model_final.pth")
