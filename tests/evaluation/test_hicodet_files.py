"""HICO-DET's files together: pixel bases, rare classes, labels, splits, rules, the real files."""

import json
import pickle

import numpy as np
import pytest
from hicodet_tiny import DETECTION, DETECTIONS, changed, instances
from scipy.io import loadmat, savemat


def test_the_numbers_of_the_small_set(tiny):
    outcome = tiny()
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
    assert tiny("--strict").code == 0


def test_boxes_counted_from_the_wrong_number(tiny):
    assert tiny(truth=instances()).metrics["default"] == tiny().metrics["default"]
    wrong = instances()
    for entry in wrong["annotation"]:
        for key in ("boxes_h", "boxes_o"):
            entry[key] = (np.array(entry[key]) - 1).tolist()
    outcome = tiny(truth=wrong)
    assert outcome.code == 0 and "does the file count from 0?" in outcome.warnings[0]
    assert tiny("--strict", truth=wrong).code == 1

    shifted = json.loads(json.dumps(DETECTIONS))
    for entry in shifted:
        for detection in entry["detections"]:
            for key in ("human_box", "object_box"):
                detection[key] = (np.array(detection[key]) + 1).tolist()
    outcome = tiny(truth=instances(), predictions=shifted)
    assert "ends up to one pixel outside the image" in outcome.warnings[0]
    assert "pixels counted from 1" in outcome.warnings[0] and ": 3 (" in outcome.warnings[0]
    assert tiny("--strict", truth=instances(), predictions=shifted).code == 1


def test_where_rare_classes_are_from(tiny, tmp_path, fixtures, evaluate):
    outcome = tiny(truth=instances(rare=[0, 5]))
    assert outcome.metrics["rare"]["num_rare"] == 2
    assert outcome.metrics["default"]["per_hoi"]["1"]["rare"]
    (tmp_path / "train.json").write_text(json.dumps(instances(rare=[])))
    outcome = tiny("--train", tmp_path / "train.json", truth=instances(rare=[0, 5]))
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


def test_labels_that_are_not_of_these_images(tiny, tmp_path):
    labels = [{"file_name": "b.jpg", "positive": [3]}, {"file_name": "z.jpg", "positive": [1]}]
    (tmp_path / "labels.json").write_text(json.dumps(labels))
    outcome = tiny("--labels", tmp_path / "labels.json")
    assert outcome.metrics["known_object_from"] == "image-level labels"
    assert outcome.metrics["known_object"]["per_hoi"]["1"]["num_pred"] == 1
    assert len(outcome.warnings) == 2
    assert "image without image-level labels" in outcome.warnings[0]
    assert "without a positive label of its object" in outcome.warnings[1]
    assert "field 'board airplane'" in outcome.warnings[1]
    from_boxes = tiny("--labels", tmp_path / "labels.json", "--rules", "known_object_from_boxes")
    assert from_boxes.metrics["known_object"] == tiny().metrics["known_object"]


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


def test_zero_shot_is_in_the_table(tiny):
    outcome = tiny("--zero-shot", "UO", "NF-UC")
    assert list(outcome.metrics["default"]["zero_shot"]) == ["UO", "NF-UC"]
    assert "UO, unseen" in outcome.printed and "NF-UC, seen" in outcome.printed


def test_the_table_says_by_which_rules(tiny):
    outcome = tiny("--rules", "qpic", "strict")
    assert "not by the official rules: qpic, strict" in outcome.printed
    assert outcome.metrics["rules"] == ["qpic", "strict"]
    assert "contradict each other" in tiny("--rules", "upt", "exact_tenths").error


def test_what_is_found_twice_wins_no_more(tiny):
    again = changed(DETECTIONS, (1, "detections"), [DETECTION, DETECTION | {"score": 0.95}])
    hoi = tiny(predictions=again).metrics["default"]["per_hoi"]["1"]
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
