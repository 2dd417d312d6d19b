"""The forms of HICO-DET's detections, what is an error in them, and what is counted."""

import json
import pickle

import numpy as np
import pytest
from hicodet_tiny import ARRAYS, DELETE, DETECTION, DETECTIONS, PAIRS, cells, changed
from scipy.io import loadmat, savemat

from choi_d2.categories.hicodet import COCO_IDS, HOIS, OBJECTS

FORMS = {
    "arrays by name": (ARRAYS, "pred.pkl"),
    "arrays in a list": ([{"file_name": n, **a} for n, a in ARRAYS.items()], "pred.pkl"),
    "the JSON's objects": (DETECTIONS, "pred.pkl"),
    "all_boxes": (cells(), "pred.pkl"),
    "all_boxes, nested": ([list(row) for row in cells()], "pred.pkl"),
    "all_boxes in a dict": ({"all_boxes": cells()}, "pred.pkl"),
    "Matlab's": ({"all_boxes": cells()}, "pred.mat"),
}


@pytest.mark.parametrize(("content", "name"), FORMS.values(), ids=FORMS.keys())
def test_other_forms_of_detections(tiny, content, name):
    assert tiny(predictions=content, name=name).metrics == tiny().metrics


def test_pickles_of_the_fixture(evaluate, fixtures, tmp_path):
    folder = fixtures / "hicodet"
    files = ("--gt", folder / "test_hico.json", "--train", folder / "trainval_hico.json")
    official = evaluate("hicodet", *files, "--pred", folder / "detections.json").metrics
    entries = json.loads((folder / "detections.json").read_text())
    arrays = [
        {
            "file_name": entry["file_name"],
            **{
                f"{key}s": np.array([d[key] for d in entry["detections"]])
                for key in ("human_box", "object_box", "hoi_id", "score")
            },
        }
        for entry in entries
    ]
    arrays = [
        {key.replace("boxs", "boxes"): value for key, value in entry.items()} for entry in arrays
    ]
    all_boxes = loadmat(folder / "detections.mat")["all_boxes"]
    for content in (arrays, all_boxes):
        (tmp_path / "pred.pkl").write_bytes(pickle.dumps(content))
        outcome = evaluate("hicodet", *files, "--pred", tmp_path / "pred.pkl")
        assert outcome.metrics == official


def test_a_file_for_each_object(evaluate, fixtures, tmp_path):
    folder = fixtures / "hicodet"
    files = ("--gt", folder / "test_hico.json", "--train", folder / "trainval_hico.json")
    official = evaluate("hicodet", *files, "--pred", folder / "detections.mat").metrics
    all_boxes = loadmat(folder / "detections.mat")["all_boxes"]
    in_coco_order = np.array(COCO_IDS).argsort()
    for number, place in enumerate(in_coco_order, 1):
        rows = all_boxes[[i for i, hoi in enumerate(HOIS) if hoi.object == place]]
        savemat(tmp_path / f"detections_{number:02d}.mat", {"all_boxes": rows})
    assert evaluate("hicodet", *files, "--pred", tmp_path).metrics == official
    assert OBJECTS[in_coco_order[0]] == "person" and OBJECTS[in_coco_order[1]] == "bicycle"

    savemat(tmp_path / "detections_02.mat", {"all_boxes": all_boxes[:5]})
    error = evaluate("hicodet", *files, "--pred", tmp_path).error
    assert "detections_02.mat" in error and "14 classes of bicycle x 60 images" in error
    (tmp_path / "detections_02.mat").unlink()
    assert "no such file" in evaluate("hicodet", *files, "--pred", tmp_path).error


FIRST, PAIR = (0, "detections", 0), (0, "hoi_prediction", 0)
NAN = float("nan")

BROKEN = {
    "empty": (b"", "empty file"),
    "truncated": (json.dumps(DETECTIONS).encode()[:-30], "expected JSON"),
    "top level": ({"a.jpg": []}, "expected a JSON list at the top level"),
    "entry": ([7], "'[0]': expected an object, found 7"),
    "no name": ([{"detections": []}], "'file_name' is missing"),
    "no list": ([{"file_name": "a.jpg"}], "'detections' is missing"),
    "no score": (changed(DETECTIONS, (*FIRST, "score"), DELETE), "'score' is missing"),
    "score": (changed(DETECTIONS, (*FIRST, "score"), NAN), "'detections[0].score': expected a fin"),
    "text": (changed(DETECTIONS, (*FIRST, "score"), "high"), "a finite number, found 'high'"),
    "box": (changed(DETECTIONS, (*FIRST, "human_box"), [1, 2, 3]), "'detections[0].human_box'"),
    "nan": (changed(DETECTIONS, (*FIRST, "object_box"), [1, 2, NAN, 4]), "expected four finite"),
    "id": (changed(DETECTIONS, (*FIRST, "hoi_id"), 1.5), "expected an integer, found 1.5"),
    "dangling": (changed(PAIRS, (*PAIR, "object_id"), 2), "one of the image's 2 boxes, found 2"),
    "no object": (changed(PAIRS, (*PAIR, "object_id"), -1), "one of the image's 2 boxes, found -1"),
    "pair's score": (changed(PAIRS, (*PAIR, "score"), DELETE), "'hoi_prediction[0]'"),
}


@pytest.mark.parametrize(("predictions", "message"), BROKEN.values(), ids=BROKEN.keys())
def test_broken_predictions_are_one_clear_error(tiny, predictions, message):
    outcome = tiny(predictions=predictions)
    assert outcome.code == 1 and outcome.metrics is None
    assert message in outcome.error and "pred.json" in outcome.error


def broken_cells(hoi, image, value):
    table = cells()
    table[hoi, image] = value
    return table


def broken_arrays(**changes):
    return {"a.jpg": ARRAYS["a.jpg"] | changes}


def one_of(**changes):
    return changed(DETECTIONS, FIRST, DETECTION | changes)


BROKEN_PICKLES = {
    "number": (7, "expected a list of images"),
    "images": (cells()[:, :1], "600 classes x 2 images, found an array of (600, 1)"),
    "classes": (cells()[:599], "found an array of (599, 2)"),
    "no table": ([*map(list, cells()[:2]), 7], "found rows of unlike lengths"),
    "a row": ([list(row)[: 2 - (i == 5)] for i, row in enumerate(cells())], "of unlike lengths"),
    "unlike lists": (broken_cells(3, 1, [[1, 2], [3]]), "all_boxes{4, 2}': expected numbers"),
    "a text": (broken_cells(3, 1, "boxes"), "all_boxes{4, 2}': expected numbers, (D, 9)"),
    "a number": (broken_cells(3, 1, 7), "all_boxes{4, 2}': expected numbers, (D, 9)"),
    "columns": (broken_cells(3, 1, np.zeros((2, 8))), "image 'b.jpg', field 'all_boxes{4, 2}'"),
    "nan": (broken_cells(3, 1, np.full((1, 9), NAN)), "all_boxes{4, 2}': expected finite numbers"),
    "unlike arrays": (broken_arrays(scores=np.zeros(3)), "field 'human_boxes': expected an array"),
    "no array": (
        broken_arrays(hoi_ids=["a", "b"]),
        "field 'hoi_ids': expected an array of numbers",
    ),
    "missing array": ({"a.jpg": {"human_boxes": np.zeros((0, 4))}}, "'scores' is missing"),
    "nan in an array": (broken_arrays(scores=np.array([NAN, 1])), "found nan"),
    "entry": ({"a.jpg": 7}, "expected an object, found 7"),
    "texts": (broken_arrays(scores=np.array(["1", "2"])), "found one of <U1"),
    "complex": (broken_arrays(human_boxes=np.zeros((2, 4), complex)), "found one of complex128"),
    "array for an id": (one_of(hoi_id=np.zeros((0, 9))), "expected an integer, found"),
    "number in an array": (one_of(verb_id=np.array(5)), "expected an integer, found"),
    "number for a box": (one_of(human_box=np.array(5)), "expected four finite numbers, found 5"),
    "times": (one_of(score=np.zeros(2, "datetime64")), "expected a finite number, found"),
}


@pytest.mark.parametrize(("content", "message"), BROKEN_PICKLES.values(), ids=BROKEN_PICKLES.keys())
def test_broken_pickles_are_one_clear_error(tiny, content, message):
    outcome = tiny(predictions=content, name="pred.pkl")
    assert outcome.code == 1 and outcome.metrics is None
    assert message in outcome.error and "pred.pkl" in outcome.error


def test_code_in_a_pickle_is_not_tiny(tiny, tmp_path):
    class Attack:
        def __reduce__(self):
            return eval, (f"open({str(tmp_path / 'was_here')!r}, 'w')",)

    outcome = tiny(predictions=[Attack()], name="pred.pkl")
    assert outcome.code == 1 and "would execute code" in outcome.error
    assert not (tmp_path / "was_here").exists()


TOLERATED = {
    "class 0": (one_of(hoi_id=0), "of no HOI class 1..600, ignored: 1", 2),
    "class 601": (one_of(hoi_id=601), "of no HOI class 1..600, ignored: 1", 2),
    "another object": (one_of(object_category_id=6), "not its HOI class's, counted by", 3),
    "another verb": (one_of(verb_id=6), "not its HOI class's, counted by", 3),
    "inside out": (one_of(human_box=[9, 9, 0, 0]), "ends before it begins, never matches: 1", 3),
    "unknown image": (
        [*DETECTIONS, {"file_name": "z.jpg", "detections": [DETECTION]}],
        "image that the ground truth does not have, skipped: 1",
        3,
    ),
    "missing image": (DETECTIONS[:1], "image without a prediction entry", 2),
    "image twice": (DETECTIONS + DETECTIONS[1:], "another prediction entry for the same", 4),
    "nothing": ([{**e, "detections": []} for e in DETECTIONS], "no detection, every AP is 0: 1", 0),
}


@pytest.mark.parametrize(
    ("predictions", "message", "counted"), TOLERATED.values(), ids=TOLERATED.keys()
)
def test_what_is_odd_is_counted_and_strict_makes_it_an_error(tiny, predictions, message, counted):
    outcome = tiny(predictions=predictions)
    assert outcome.code == 0 and len(outcome.warnings) == 1 and message in outcome.warnings[0]
    assert outcome.metrics["default"]["per_hoi"]["1"]["num_pred"] == counted
    outcome = tiny("--strict", predictions=predictions)
    assert outcome.code == 1 and outcome.metrics is None and message in outcome.error


def test_an_empty_list(tiny):
    outcome = tiny(predictions=[])
    assert outcome.code == 0 and outcome.metrics["default"]["mAP_full"] == 0
    assert len(outcome.warnings) == 2


def test_classes_are_made_of_verb_and_object(tiny):
    def without(content, key, rows):
        content = json.loads(json.dumps(content))
        for entry in content:
            for row in entry[rows]:
                del row[key]
        return content

    detections = without(DETECTIONS, "hoi_id", "detections")
    assert tiny(predictions=detections).metrics == tiny().metrics
    for key in ("verb_id", "object_category_id"):
        assert tiny(predictions=without(DETECTIONS, key, "detections")).metrics == tiny().metrics
        assert (
            f"'{key}' is missing" in tiny(predictions=without(detections, key, "detections")).error
        )
    pairs = without(PAIRS, "hoi_category_id", "hoi_prediction")
    assert tiny(predictions=pairs).metrics == tiny(predictions=PAIRS).metrics
    odd = changed(pairs, (*PAIR, "category_id"), 1)  # adjust airplane
    assert "of no HOI class" in tiny(predictions=odd).warnings[0]
