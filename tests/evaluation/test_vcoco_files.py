import json
import os
import pickle

import numpy as np
import pytest
from vcoco_tiny import DELETE, NAN, changed, coco, detection, fails_with, predictions, vsrl


def test_the_tiny_set(evaluate_tiny_vcoco):
    outcome = evaluate_tiny_vcoco()
    assert outcome.code == 0, outcome.error
    metrics = outcome.metrics
    assert metrics["per_action"]["walk"] == {"AP_agent": 1.0, "positives": 1}
    hold = {"AP_role_S1": 1.0, "AP_role_S2": 1.0, "positives": 1}
    assert metrics["per_action_role"]["hold_obj"] == hold
    # The instrument is missing: scenario 1 wants no box, scenario 2 takes any.
    hit = {"AP_role_S1": 0.0, "AP_role_S2": 1.0, "positives": 1}
    assert metrics["per_action_role"]["hit_instr"] == hit
    assert metrics["per_action"]["run"] == {"AP_agent": None, "positives": 0}
    assert metrics["AP_agent"] == 1.0
    assert metrics["AP_role_S1"] == pytest.approx(2 / 3)
    (warning,) = outcome.warnings
    assert warning.startswith("action that nobody does") and ": 23 (first: " in warning
    assert "point_instr" in outcome.printed


BROKEN = {
    "vsrl empty": ({"vsrl": b""}, "vsrl.json", "empty file"),
    "vsrl truncated": ({"vsrl": json.dumps(vsrl()).encode()[:-40]}, "vsrl.json", "expected JSON"),
    "vsrl top level": ({"vsrl": {}}, "vsrl.json", "expected a JSON list"),
    "vsrl entry": ({"vsrl": [1]}, "vsrl.json", "expected an object"),
    "action missing": ({"vsrl": vsrl()[1:]}, "26 actions", "hold"),
    "action unknown": (
        {"vsrl": changed(vsrl(), 0, "action_name", to="grab")},
        "'action_name'",
        "grab",
    ),
    "action twice": ({"vsrl": vsrl() + vsrl()[:1]}, "'action_name'", "twice"),
    "roles": (
        {"vsrl": changed(vsrl(), 0, "role_name", to=["agent"])},
        "'hold.role_name'",
        "expected the roles agent, obj",
    ),
    "missing key": ({"vsrl": changed(vsrl(), 1, "label", to=DELETE)}, "'stand'", "'label'"),
    "length": (
        {"vsrl": changed(vsrl(), 0, "role_object_id", to=[11, 12, 13])},
        "'hold'",
        "found 2, 2, 2 and 3",
    ),
    "label": ({"vsrl": changed(vsrl(), 0, "label", to=[2, 0])}, "'hold.label'", "found 2"),
    "id": (
        {"vsrl": changed(vsrl(), 0, "ann_id", to=["a", 12])},
        "'hold.ann_id[0]'",
        "expected an integer, found 'a'",
    ),
    "other people": (
        {"vsrl": changed(vsrl(), 1, "ann_id", to=[11, 13])},
        "'stand.ann_id'",
        "same people",
    ),
    "person twice": (
        {"vsrl": [e | {"ann_id": [11, 11]} for e in vsrl()]},
        "person 11 occurs more than once",
    ),
    "ids empty": ({"ids": b"\n"}, "ids.json", "the data set is empty"),
    "ids text": ({"ids": b"5\nnine\n"}, "'line 2'", "expected an image id"),
    "ids binary": ({"ids": b"\xff\xfe\x00"}, "ids.json", "binary"),
    "ids of another split": ({"ids": b"5\n7\n"}, "differ in 2 images", "image 7"),
    "coco top level": ({"coco": []}, "coco.json", "expected a JSON object"),
    "coco keys": ({"coco": changed(coco(), "images", to=DELETE)}, "'images' is missing"),
    "coco list": ({"coco": changed(coco(), "images", to=3)}, "'images'", "expected a list"),
    "person not first": (
        {"coco": changed(coco(), "categories", to=coco()["categories"][::-1])},
        "expected 'person' as the first category",
    ),
    "image missing": (
        {"coco": changed(coco(), "images", to=coco()["images"][:2])},
        "image 9",
        "1 images of the set",
    ),
    "no width": ({"coco": changed(coco(), "images", 2, "width", to=DELETE)}, "'images[2]'"),
    "coco box": (
        {"coco": changed(coco(), "annotations", 1, "bbox", to=[1, 2, 3])},
        "image 5, field 'annotations[1]'",
        "expected four finite numbers",
    ),
    "coco annotation": ({"coco": changed(coco(), "annotations", 1, to=5)}, "expected an object"),
    "no area": ({"coco": changed(coco(), "annotations", 0, "area", to=DELETE)}, "'area'"),
    "pred empty": ({"pred": b""}, "pred.json", "empty file"),
    "pred binary": ({"pred": b"\0\1\2"}, "pred.json", "binary"),
    "pred top level": ({"pred": {}}, "pred.json", "expected a JSON list"),
    "pred entry": ({"pred": ["x"]}, "'[0]'", "expected an object"),
    "pred image": ({"pred": [{}]}, "'image_id' is missing"),
    "person box": (
        {"pred": changed(predictions(), 1, "person_box", to=[0, 0, NAN, 1])},
        "image 9, field '[1].person_box'",
        "expected four finite numbers",
    ),
    "role length": (
        {"pred": changed(predictions(), 0, "cut_obj", to=[1, 2, 3, 4])},
        "'[0].cut_obj'",
        "[x1, y1, x2, y2, score]",
    ),
    "role infinite": (
        {"pred": changed(predictions(), 0, "cut_obj", to=[1, 2, 3, 4, float("inf")])},
        "'[0].cut_obj'",
    ),
    "agent score": (
        {"pred": changed(predictions(), 0, "walk_agent", to="0.5")},
        "'[0].walk_agent'",
        "expected a finite number or NaN",
    ),
    "pickle empty": ({"pred": b"", "suffix": "pkl"}, "pred.pkl", "empty file"),
    "pickle is text": ({"pred": b"none", "suffix": "pkl"}, "pred.pkl", "expected a pickle"),
    "pickle is half": (
        {"pred": pickle.dumps(predictions())[:-20], "suffix": "npy"},
        "pred.npy",
        "expected a pickle",
    ),
    "pickle of a dict": ({"pred": pickle.dumps({}), "suffix": "pkl"}, "expected a list"),
}


@pytest.mark.parametrize("case", BROKEN.values(), ids=BROKEN.keys())
def test_broken_input_is_one_clear_error(evaluate_tiny_vcoco, case):
    changes, *messages = case
    fails_with(evaluate_tiny_vcoco(**changes), *messages)


def test_a_missing_file(evaluate, tmp_path):
    options = [w for f in ("vsrl", "coco", "ids", "pred") for w in (f"--{f}", tmp_path / "no")]
    fails_with(evaluate("vcoco", *options), "no such file")


class Malicious:
    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_a_pickle_that_would_execute_code(evaluate_tiny_vcoco, tmp_path):
    content = [detection(5), Malicious(tmp_path / "was_here")]
    outcome = evaluate_tiny_vcoco(pred=pickle.dumps(content), suffix="pkl")
    fails_with(outcome, "pred.pkl", "would execute code", "mkdir")
    assert not (tmp_path / "was_here").exists()


def test_a_pickle_with_arrays(evaluate_tiny_vcoco):
    content = predictions()
    for entry in content:
        entry |= {k: np.array(v, np.float32) for k, v in entry.items() if k != "image_id"}
        entry["walk_agent"] = entry["walk_agent"][()]
        entry["hold_obj"] = tuple(entry["hold_obj"])
    assert (
        evaluate_tiny_vcoco(pred=pickle.dumps(content), suffix="pkl").metrics
        == evaluate_tiny_vcoco().metrics
    )


def test_lists_as_columns(evaluate_tiny_vcoco):
    """[[11], [12]], as some copies have them, and people in another order."""
    columns = [
        e | {key: [[value] for value in e[key]] for key in ("ann_id", "image_id", "label")}
        for e in vsrl()
    ]
    backwards = vsrl()
    for entry in backwards[3:]:
        for key in ("ann_id", "image_id", "label"):
            entry[key] = entry[key][::-1]
        ids = np.reshape(entry["role_object_id"], (-1, 2))
        entry["role_object_id"] = ids[:, ::-1].ravel().tolist()
    assert (
        evaluate_tiny_vcoco(vsrl=columns).metrics
        == evaluate_tiny_vcoco(vsrl=backwards).metrics
        == evaluate_tiny_vcoco().metrics
    )
