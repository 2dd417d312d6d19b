import copy
import json

import pytest

TRUTH = [
    {
        "file_name": "a.png",
        "annotations": [
            {"bbox": [0, 0, 10, 20], "category_id": "1"},
            {"bbox": [5, 5, 9, 9], "category_id": "4"},
        ],
        "hoi_annotation": [{"subject_id": 0, "object_id": 1, "category_id": 5}],
    }
]
PREDICTIONS = [
    {
        "file_name": "a.png",
        "predictions": [
            {"bbox": [0, 0, 10, 20], "category_id": 1},
            {"bbox": [5, 5, 9, 9], "category_id": 4},
        ],
        "hoi_prediction": [{"subject_id": 0, "object_id": 1, "category_id": 5, "score": 0.9}],
    }
]


@pytest.fixture
def run(evaluate, tmp_path):
    """Evaluate what is given as JSON, or as bytes where the file itself is broken."""

    def run(truth=TRUTH, predictions=PREDICTIONS, *flags):
        for name, content in (("gt.json", truth), ("pred.json", predictions)):
            is_bytes = isinstance(content, bytes)
            (tmp_path / name).write_bytes(content if is_bytes else json.dumps(content).encode())
        return evaluate(
            "hoiw", "--gt", tmp_path / "gt.json", "--pred", tmp_path / "pred.json", *flags
        )

    return run


def changed(content, path, value):
    """A copy with one value replaced; ``DELETE`` takes it out."""
    content = copy.deepcopy(content)
    place = content
    for step in path[:-1]:
        place = place[step]
    if value is DELETE:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return content


DELETE = object()
BOX = (0, "annotations", 1, "bbox")
HOI = (0, "hoi_prediction", 0)

BROKEN_TRUTH = {
    "empty": (b"", "empty file"),
    "binary": (b"\x89PNG\r\n\x1a\n\x00\xff", "binary"),
    "truncated": (json.dumps(TRUTH).encode()[:-30], "expected JSON"),
    "not JSON": (b"boxes: none", "expected JSON"),
    "top level": ({"images": []}, "expected a JSON list at the top level"),
    "no image": ([], "the data set is empty"),
    "entry": ([7], "field '[0]': expected an object, found 7"),
    "file name": (changed(TRUTH, (0, "file_name"), 3), "field '[0].file_name'"),
    "missing file name": (changed(TRUTH, (0, "file_name"), DELETE), "'file_name' is missing"),
    "missing list": (changed(TRUTH, (0, "annotations"), DELETE), "'annotations' is missing"),
    "no list": (changed(TRUTH, (0, "annotations"), {}), "field 'annotations': expected a list"),
    "missing box": (changed(TRUTH, BOX, DELETE), "'annotations[1]': the required key 'bbox'"),
    "three numbers": (changed(TRUTH, BOX, [1, 2, 3]), "'annotations[1].bbox': expected four"),
    "strings": (changed(TRUTH, BOX, [1, 2, 3, "4"]), "'annotations[1].bbox': expected four"),
    "nan": (changed(TRUTH, BOX, [1, 2, 3, float("nan")]), "'annotations[1].bbox': expected four"),
    "too large": (changed(TRUTH, BOX, [1, 2, 3, 10**400]), "expected four finite numbers"),
    "category": (changed(TRUTH, (0, "annotations", 1, "category_id"), "cup"), "found 'cup'"),
    "verb": (changed(TRUTH, (0, "hoi_annotation", 0, "category_id"), 2.5), "found 2.5"),
    "index": (changed(TRUTH, (0, "hoi_annotation", 0, "object_id"), [1]), "expected the index"),
    "self": (changed(TRUTH, (0, "hoi_annotation", 0, "object_id"), 0), "related to itself"),
    "twice": (TRUTH * 2, "image 'a.png': this file name occurs more than once"),
}


@pytest.mark.parametrize(("truth", "message"), BROKEN_TRUTH.values(), ids=BROKEN_TRUTH.keys())
def test_broken_ground_truth_is_one_clear_error(run, truth, message):
    outcome = run(truth=truth)
    assert outcome.code == 1 and outcome.metrics is None
    assert message in outcome.error and "gt.json" in outcome.error
    assert outcome.error.count("\n") == 1


BROKEN_PREDICTIONS = {
    "empty": (b"", "empty file"),
    "binary": (b"\x80\x04\x95\xff", "binary"),
    "top level": ({}, "expected a JSON list"),
    "missing score": (changed(PREDICTIONS, (*HOI, "score"), DELETE), "'score' is missing"),
    "nan": (changed(PREDICTIONS, (*HOI, "score"), float("nan")), "score': expected a finite"),
    "string": (changed(PREDICTIONS, (*HOI, "score"), "0.9"), "score': expected a finite number"),
    "null": (changed(PREDICTIONS, (*HOI, "score"), None), "score': expected a finite number"),
    "box": (changed(PREDICTIONS, (0, "predictions", 0, "bbox"), None), "expected four finite"),
    "object": (changed(PREDICTIONS, (0, "hoi_prediction", 0), []), "expected an object, found []"),
}


@pytest.mark.parametrize(
    ("predictions", "message"), BROKEN_PREDICTIONS.values(), ids=BROKEN_PREDICTIONS.keys()
)
def test_broken_predictions_are_one_clear_error(run, predictions, message):
    outcome = run(predictions=predictions)
    assert outcome.code == 1 and outcome.metrics is None
    assert message in outcome.error and "pred.json" in outcome.error
    assert outcome.error.count("\n") == 1


def test_missing_file(evaluate, tmp_path):
    outcome = evaluate("hoiw", "--gt", tmp_path / "gone.json", "--pred", tmp_path / "gone.json")
    assert outcome.code == 1 and "gone.json: no such file" in outcome.error


def test_the_place_of_an_error_in_a_later_image(run):
    later = changed(TRUTH, (0, "file_name"), "b.png")
    empty = {"file_name": "0.png", "annotations": [], "hoi_annotation": []}
    outcome = run(truth=[empty, *TRUTH, *changed(later, BOX, [0])])
    assert "image 'b.png', field 'annotations[1].bbox'" in outcome.error


def test_clean_input_warns_of_nothing(run):
    outcome = run()
    assert outcome.code == 0 and outcome.warnings == []
    assert outcome.metrics["per_verb"]["5"]["ap"] == 1.0
    assert outcome.metrics["mAP_rel"] == pytest.approx(0.1)
    assert "drink" in outcome.printed and "100.00" in outcome.printed


# The AP of "drink" is what the official evaluator makes of it: a repeated entry is a second hit for
# the same triplet, and its recall is two.
TOLERATED = {
    "unknown image": (
        TRUTH,
        [*PREDICTIONS, {"file_name": "b.png"}, {"file_name": "c.png"}],
        "does not have, skipped: 2 (first:",
        1.0,
    ),
    "no predictions": (TRUTH, [], "without a prediction entry", 0.0),
    "repeated entry": (TRUTH, PREDICTIONS * 2, "another prediction entry", 2.0),
    "out of range": (
        TRUTH,
        changed(PREDICTIONS, (*HOI, "object_id"), 9),
        "predicted object_id that is the index of no box",
        0.0,
    ),
    "negative index": (
        TRUTH,
        changed(PREDICTIONS, (*HOI, "object_id"), -1),
        "predicted object_id that is the index of no box",
        0.0,
    ),
    "string index": (
        TRUTH,
        changed(PREDICTIONS, (*HOI, "object_id"), "1"),
        "predicted object_id that is the index of no box",
        0.0,
    ),
    "string verb": (
        TRUTH,
        changed(PREDICTIONS, (*HOI, "category_id"), "5\n"),
        "predicted verb written as a string",
        1.0,
    ),
    "unknown verb": (
        TRUTH,
        changed(PREDICTIONS, (*HOI, "category_id"), 11),
        "predicted verb outside 1..10, ignored",
        0.0,
    ),
    "unknown category": (
        TRUTH,
        changed(PREDICTIONS, (0, "predictions", 1, "category_id"), 12),
        "predicted box category outside 1..11",
        0.0,
    ),
    "no area": (
        TRUTH,
        changed(PREDICTIONS, (0, "predictions", 1, "bbox"), [9, 9, 5, 5]),
        "predicted box without area",
        0.0,
    ),
    "dangling ground truth": (
        changed(TRUTH, (0, "hoi_annotation", 0, "subject_id"), 7),
        PREDICTIONS,
        "ground-truth subject_id that is the index of no box",
        0.0,
    ),
    "listed twice": (
        changed(TRUTH, (0, "hoi_annotation"), TRUTH[0]["hoi_annotation"] * 2),
        PREDICTIONS,
        "ground-truth triplet listed again",
        0.5,
    ),
}


@pytest.mark.parametrize(
    ("truth", "predictions", "warning", "ap"), TOLERATED.values(), ids=TOLERATED.keys()
)
def test_what_the_official_evaluator_tolerates_is_said(run, truth, predictions, warning, ap):
    outcome = run(truth, predictions)
    assert outcome.code == 0
    assert len(outcome.warnings) == 1 and warning in outcome.warnings[0]
    assert "first: " in outcome.warnings[0]
    assert outcome.metrics["per_verb"]["5"]["ap"] == ap

    strict = run(truth, predictions, "--strict")
    assert strict.code == 1 and strict.metrics is None
    assert warning in strict.error and strict.error.count("\n") == 1


def test_an_output_that_cannot_be_written(fixtures, tmp_path, capsys):
    from choi_d2.evaluation.__main__ import main

    (tmp_path / "file").write_text("")
    folder = fixtures / "hoiw_edge"
    arguments = ["hoiw", "--gt", folder / "gt.json", "--pred", folder / "pred.json"]
    code = main([*map(str, arguments), "--output", str(tmp_path / "file" / "out.json")])
    assert code == 1 and "error: " in capsys.readouterr().err
