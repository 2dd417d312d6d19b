"""HICO-DET's prediction files: their forms, what is an error, and what is counted."""

import json
import pickle

import numpy as np
import pytest
from scipy.io import loadmat, savemat

LARGE = [50, 50, 99, 99]


def truth_entry(name, *hoi_ids):
    """A person and an airplane (COCO's 5); HOI class 1 is board airplane, 2 direct airplane."""
    verbs = {1: 5, 2: 18}
    return {
        "file_name": name,
        "annotations": [
            {"bbox": [0, 0, 9, 19], "category_id": 1},
            {"bbox": [5, 5, 29, 29], "category_id": 5},
        ],
        "hoi_annotation": [
            {
                "subject_id": 0,
                "object_id": 1,
                "category_id": verbs[hoi_id],
                "hoi_category_id": hoi_id,
            }
            for hoi_id in hoi_ids
        ],
    }


TRUTH = [truth_entry("a.jpg", 1), truth_entry("b.jpg", 1, 2)]
DETECTION = {
    "human_box": [0, 0, 9, 19],
    "object_box": [5, 5, 29, 29],
    "object_category_id": 5,
    "verb_id": 5,
    "hoi_id": 1,
    "score": 0.9,
}
FALSE = DETECTION | {"human_box": LARGE, "score": 0.5}
DETECTIONS = [
    {"file_name": "a.jpg", "detections": [DETECTION, FALSE]},
    {"file_name": "b.jpg", "detections": [DETECTION]},
]
PAIRS = [
    {
        "file_name": "a.jpg",
        "predictions": [
            {"bbox": [0, 0, 9, 19], "category_id": 1},
            {"bbox": [5, 5, 29, 29], "category_id": 5},
        ],
        "hoi_prediction": [
            {
                "subject_id": 0,
                "object_id": 1,
                "category_id": 5,
                "hoi_category_id": 1,
                "score": 0.9,
            }
        ],
    },
    {"file_name": "b.jpg", "predictions": [], "hoi_prediction": []},
]
ARRAYS = {
    entry["file_name"]: {
        "human_boxes": np.array([d["human_box"] for d in entry["detections"]], np.float32),
        "object_boxes": np.array([d["object_box"] for d in entry["detections"]], np.float32),
        "hoi_ids": np.array([d["hoi_id"] for d in entry["detections"]]),
        "scores": np.array([d["score"] for d in entry["detections"]], np.float32),
    }
    for entry in DETECTIONS
}


def cells():
    """Matlab's ``all_boxes`` of the same detections."""
    table = np.empty((600, 2), object)
    table.fill(np.zeros((0, 0)))
    for image, entry in enumerate(DETECTIONS):
        rows = [[*d["human_box"], *d["object_box"], d["score"]] for d in entry["detections"]]
        table[0, image] = np.array(rows)
    return table


@pytest.fixture
def run(evaluate, tmp_path):
    """Evaluate what is given as JSON, as bytes, or as a pickle or Matlab's file of this name."""

    def run(*flags, truth=TRUTH, predictions=DETECTIONS, name="pred.json"):
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


def test_the_numbers_of_the_small_set(run):
    outcome = run()
    first, second = (outcome.metrics["default"]["per_hoi"][hoi_id] for hoi_id in "12")
    assert first == {
        "name": "board airplane",
        "rare": False,
        "ap": pytest.approx(1),
        "max_recall": 1,
        "num_gt": 2,
        "num_pred": 3,
        "num_tp": 2,
    }
    assert (second["num_gt"], second["num_pred"], second["ap"]) == (1, 0, 0)
    assert outcome.warnings == [] and outcome.metrics["images"] == 2
    assert outcome.metrics["known_object_from"] == "boxes"
    assert outcome.metrics["rare"]["source"] == "the official list"
    assert "for want of image-level labels" in outcome.printed
    assert run("--strict").code == 0


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
def test_other_forms_of_detections(run, content, name):
    assert run(predictions=content, name=name).metrics == run().metrics


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


def changed(content, path, value):
    """A copy with one value replaced; ``DELETE`` takes it out."""
    content = json.loads(json.dumps(content))
    place = content
    for step in path[:-1]:
        place = place[step]
    if value is DELETE:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return content


DELETE = object()
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
def test_broken_predictions_are_one_clear_error(run, predictions, message):
    outcome = run(predictions=predictions)
    assert outcome.code == 1 and outcome.metrics is None
    assert message in outcome.error and "pred.json" in outcome.error


def broken_cells(hoi, image, value):
    table = cells()
    table[hoi, image] = value
    return table


def broken_arrays(**changes):
    return {"a.jpg": ARRAYS["a.jpg"] | changes}


BROKEN_PICKLES = {
    "number": (7, "expected a list of images"),
    "images": (cells()[:, :1], "600 classes x 2 images, found an array of (600, 1)"),
    "classes": (cells()[:599], "found an array of (599, 2)"),
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
}


@pytest.mark.parametrize(("content", "message"), BROKEN_PICKLES.values(), ids=BROKEN_PICKLES.keys())
def test_broken_pickles_are_one_clear_error(run, content, message):
    outcome = run(predictions=content, name="pred.pkl")
    assert outcome.code == 1 and outcome.metrics is None
    assert message in outcome.error and "pred.pkl" in outcome.error


def test_code_in_a_pickle_is_not_run(run, tmp_path):
    class Attack:
        def __reduce__(self):
            return eval, (f"open({str(tmp_path / 'was_here')!r}, 'w')",)

    outcome = run(predictions=[Attack()], name="pred.pkl")
    assert outcome.code == 1 and "would execute code" in outcome.error
    assert not (tmp_path / "was_here").exists()


def one_of(**changes):
    return changed(DETECTIONS, FIRST, DETECTION | changes)


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
def test_what_is_odd_is_counted_and_strict_makes_it_an_error(run, predictions, message, counted):
    outcome = run(predictions=predictions)
    assert outcome.code == 0 and len(outcome.warnings) == 1 and message in outcome.warnings[0]
    assert outcome.metrics["default"]["per_hoi"]["1"]["num_pred"] == counted
    outcome = run("--strict", predictions=predictions)
    assert outcome.code == 1 and outcome.metrics is None and message in outcome.error


def test_an_empty_list(run):
    outcome = run(predictions=[])
    assert outcome.code == 0 and outcome.metrics["default"]["mAP_full"] == 0
    assert len(outcome.warnings) == 2


def test_classes_are_made_of_verb_and_object(run):
    def without(content, key, rows):
        content = json.loads(json.dumps(content))
        for entry in content:
            for row in entry[rows]:
                del row[key]
        return content

    detections = without(DETECTIONS, "hoi_id", "detections")
    assert run(predictions=detections).metrics == run().metrics
    for key in ("verb_id", "object_category_id"):
        assert run(predictions=without(DETECTIONS, key, "detections")).metrics == run().metrics
        assert (
            f"'{key}' is missing" in run(predictions=without(detections, key, "detections")).error
        )
    pairs = without(PAIRS, "hoi_category_id", "hoi_prediction")
    assert run(predictions=pairs).metrics == run(predictions=PAIRS).metrics
    odd = changed(pairs, (*PAIR, "category_id"), 1)  # adjust airplane
    assert "of no HOI class" in run(predictions=odd).warnings[0]


def instances(**changes):
    """TRUTH as ``instances_*.json``: counted from 1, with the images' sizes."""
    box = {"boxes_h": [[1, 1, 10, 20]], "boxes_o": [[6, 6, 30, 30]], "object": [0]}
    one = box | {"hoi": [0], "verb": [4]}
    two = {key: value * 2 for key, value in box.items()} | {"hoi": [0, 1], "verb": [4, 17]}
    content = {"annotation": [one, two], "filenames": ["a.jpg", "b.jpg"], "size": [[30, 30]] * 2}
    return content | changes


def test_boxes_counted_from_the_wrong_number(run):
    assert run(truth=instances()).metrics["default"] == run().metrics["default"]
    wrong = instances()
    for entry in wrong["annotation"]:
        for key in ("boxes_h", "boxes_o"):
            entry[key] = (np.array(entry[key]) - 1).tolist()
    outcome = run(truth=wrong)
    assert outcome.code == 0 and "does the file count from 0?" in outcome.warnings[0]
    assert run("--strict", truth=wrong).code == 1

    shifted = json.loads(json.dumps(DETECTIONS))
    for entry in shifted:
        for detection in entry["detections"]:
            for key in ("human_box", "object_box"):
                detection[key] = (np.array(detection[key]) + 1).tolist()
    outcome = run(truth=instances(), predictions=shifted)
    assert "ends up to one pixel outside the image" in outcome.warnings[0]
    assert "pixels counted from 1" in outcome.warnings[0] and ": 3 (" in outcome.warnings[0]
    assert run("--strict", truth=instances(), predictions=shifted).code == 1


def test_where_rare_classes_are_from(run, tmp_path, fixtures, evaluate):
    outcome = run(truth=instances(rare=[0, 5]))
    assert outcome.metrics["rare"]["num_rare"] == 2
    assert outcome.metrics["default"]["per_hoi"]["1"]["rare"]
    (tmp_path / "train.json").write_text(json.dumps(instances(rare=[])))
    outcome = run("--train", tmp_path / "train.json", truth=instances(rare=[0, 5]))
    assert outcome.metrics["rare"]["num_rare"] == 600
    edge = fixtures / "hicodet_edge"
    outcome = evaluate(
        *("hicodet", "--gt", edge / "anno_bbox.mat", "--pred", edge / "detections.mat")
    )
    assert outcome.metrics["rare"]["num_rare"] == 597


def test_the_training_split(fixtures, evaluate):
    folder = fixtures / "hicodet_edge"
    files = ("--gt", folder / "anno_bbox.mat", "--labels", folder / "anno.mat")
    outcome = evaluate("hicodet", *files, "--split", "train", "--pred", folder / "detections.json")
    hois = outcome.metrics["default"]["per_hoi"].values()
    assert sum(hoi["num_gt"] for hoi in hois) == 51 and outcome.metrics["images"] == 6
    assert "image that the ground truth does not have" in outcome.warnings[0]


def test_labels_that_are_not_of_these_images(run, tmp_path):
    labels = [{"file_name": "b.jpg", "positive": [3]}, {"file_name": "z.jpg", "positive": [1]}]
    (tmp_path / "labels.json").write_text(json.dumps(labels))
    outcome = run("--labels", tmp_path / "labels.json")
    assert outcome.metrics["known_object_from"] == "image-level labels"
    assert outcome.metrics["known_object"]["per_hoi"]["1"]["num_pred"] == 1
    assert len(outcome.warnings) == 2
    assert "image without image-level labels" in outcome.warnings[0]
    assert "without a positive label of its object" in outcome.warnings[1]
    assert "field 'board airplane'" in outcome.warnings[1]
    from_boxes = run("--labels", tmp_path / "labels.json", "--rules", "known_object_from_boxes")
    assert from_boxes.metrics["known_object"] == run().metrics["known_object"]


def test_a_class_with_two_entries_in_matlabs_file(fixtures, tmp_path, evaluate):
    edge = fixtures / "hicodet_edge"
    content = {k: v for k, v in loadmat(edge / "anno_bbox.mat").items() if k[:2] != "__"}
    hoi = content["bbox_test"]["hoi"]
    hoi[0, 0] = np.concatenate([hoi[0, 0], hoi[0, 0]], axis=1)
    savemat(tmp_path / "anno_bbox.mat", content)
    files = ("--pred", edge / "detections.mat", "--labels", edge / "anno.mat")
    outcome = evaluate("hicodet", "--gt", tmp_path / "anno_bbox.mat", *files)
    assert outcome.metrics["default"]["per_hoi"]["1"]["num_gt"] == 1
    assert "several entries in an image, the last one counts: 1" in outcome.warnings[0]


def test_zero_shot_is_in_the_table(run):
    outcome = run("--zero-shot", "UO", "NF-UC")
    assert list(outcome.metrics["default"]["zero_shot"]) == ["UO", "NF-UC"]
    assert "UO, unseen" in outcome.printed and "NF-UC, seen" in outcome.printed


def test_the_table_says_by_which_rules(run):
    outcome = run("--rules", "qpic", "strict")
    assert "not by the official rules: qpic, strict" in outcome.printed
    assert outcome.metrics["rules"] == ["qpic", "strict"]
    assert "contradict each other" in run("--rules", "upt", "exact_tenths").error


def test_what_is_found_twice_wins_no_more(run):
    again = changed(DETECTIONS, (1, "detections"), [DETECTION, DETECTION | {"score": 0.95}])
    hoi = run(predictions=again).metrics["default"]["per_hoi"]["1"]
    assert (hoi["num_pred"], hoi["num_tp"]) == (4, 2)
    # Found: .95, then .9 of the first image, then .9 of the second again.
    assert hoi["ap"] == pytest.approx(1)


@pytest.fixture(scope="module")
def real(shared):
    """The real test annotations, and as detections with score 1."""
    truth = shared / "hicodet_real" / "instances_test2015.json"
    content = json.loads(truth.read_text())
    arrays = {
        name: {
            "human_boxes": np.array(entry["boxes_h"], np.float64).reshape(-1, 4) - 1,
            "object_boxes": np.array(entry["boxes_o"], np.float64).reshape(-1, 4) - 1,
            "hoi_ids": np.array(entry["hoi"], np.int64) + 1,
            "scores": np.ones(len(entry["hoi"])),
        }
        for name, entry in zip(content["filenames"], content["annotation"], strict=True)
    }
    return truth, shared / "hicodet_real" / "anno.mat", arrays


def test_the_real_annotations_score_themselves(real, evaluate, tmp_path):
    truth, labels, arrays = real
    (tmp_path / "pred.pkl").write_bytes(pickle.dumps(arrays))
    outcome = evaluate(
        *("hicodet", "--gt", truth, "--labels", labels, "--pred", tmp_path / "pred.pkl")
    )
    assert outcome.warnings == [] and outcome.metrics["images"] == 9658
    # A box overlaps itself most, and no pair is there twice: all are found.
    for setting in ("default", "known_object"):
        hois = outcome.metrics[setting]["per_hoi"].values()
        assert sum(hoi["num_tp"] for hoi in hois) == sum(hoi["num_gt"] for hoi in hois) == 33405
        assert [hoi["ap"] for hoi in hois] == pytest.approx([1] * 600)
