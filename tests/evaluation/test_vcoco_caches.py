"""V-COCO's detections as other repositories write them."""

import json
import pickle

import pytest
from vcoco_tiny import fails_with, predictions

from choi_d2.categories.vcoco import ACTION_ROLES, ACTIONS


@pytest.mark.parametrize("suffix", ["pkl", "pickle", "json", "p", "npy", "cache"])
@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_a_pickle_may_be_called_anything(evaluate_tiny_vcoco, suffix, protocol):
    content = pickle.dumps(predictions(), protocol=protocol)
    assert evaluate_tiny_vcoco(pred=content, suffix=suffix).metrics == evaluate_tiny_vcoco().metrics


@pytest.mark.parametrize("mark", ["", "utf-8-sig", "utf-16"])
def test_a_json_may_be_called_anything(evaluate_tiny_vcoco, mark):
    content = json.dumps(predictions()).encode(mark or "utf-8")
    outcome = evaluate_tiny_vcoco(pred=b"\n" * (not mark) + content, suffix="pkl")
    assert outcome.metrics == evaluate_tiny_vcoco().metrics


def test_actions_that_were_not_detected_may_be_missing(evaluate_tiny_vcoco):
    """Missing is as written out: an agent 0, a role [0, 0, .1, .1, 0]."""
    full, sparse = predictions(), predictions()
    for place, entry in enumerate(sparse):
        for key in [key for key in entry if key.endswith("_agent") and entry[key] != entry[key]]:
            del entry[key]
            full[place][key] = 0.0
        for key in ACTION_ROLES:
            if entry[key][4] != entry[key][4]:
                del entry[key]
                full[place][key] = [0.0, 0.0, 0.1, 0.1, 0.0]
    assert len(sparse[0]) == 5 and len(full[0]) == 2 + len(ACTIONS) + len(ACTION_ROLES)
    expected = evaluate_tiny_vcoco(pred=full)
    for outcome in (
        evaluate_tiny_vcoco(pred=sparse),
        evaluate_tiny_vcoco(pred=pickle.dumps(sparse), suffix="pkl"),
    ):
        assert outcome.metrics == expected.metrics
        assert any(w.startswith("action missing in a detection") for w in outcome.warnings)
    fails_with(evaluate_tiny_vcoco("--strict", pred=sparse), "action missing")


def test_the_upt_familys_caches_score_like_full_ones(evaluate, shared):
    folder = shared / "field" / "vcoco_upt_pickle"
    files = {"vsrl": "vcoco_val.json", "coco": "instances_vcoco_all_2014.json", "ids": "val.ids"}
    options = [w for key, name in files.items() for w in (f"--{key}", folder / "truth" / name)]
    metrics = [
        evaluate("vcoco", *options, "--pred", folder / f"{name}.pkl").metrics
        for name in ("class", "dict", "full", "full_np")
    ]
    assert metrics[0]["AP_role_S1"] > 0 and all(each == metrics[0] for each in metrics)
