"""The official numbers, those of other evaluators, and a plain loop written from the rules."""

import json

import numpy as np
import pytest

from choi_d2.categories.hicodet import HOIS, ZERO_SHOT
from choi_d2.evaluation import HOIPairs, hicodet_metrics
from choi_d2.evaluation.findings import Findings
from choi_d2.evaluation.hicodet import SETTINGS
from choi_d2.evaluation.hicodet_files import evaluate_hicodet_files
from choi_d2.evaluation.hicodet_rules import EVALUATORS, RULES, Rules, recall_levels, rules_of
from choi_d2.utils import InputError

FOLDERS = ("hicodet", "hicodet_edge")
FORMS = {
    "hoia": ("test_hico.json", "trainval_hico.json"),
    "instances": ("instances_test2015.json", "instances_train2015.json"),
    "mat": ("anno_bbox.mat", "anno_bbox.mat"),
}
MEANS = ("mAP_full", "mAP_rare", "mAP_non_rare")


@pytest.fixture(scope="session")
def expected(fixtures):
    """Folder -> the official numbers."""
    return {name: json.loads((fixtures / name / "expected.json").read_text()) for name in FOLDERS}


@pytest.mark.parametrize("predictions", ["detections.json", "pred_hoia.json", "detections.mat"])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", FOLDERS)
def test_equals_the_official_numbers(evaluate, fixtures, expected, name, form, predictions):
    folder, official = fixtures / name, expected[name]
    truth, train = (folder / file for file in FORMS[form])
    labels = folder / ("anno.mat" if form == "mat" else "image_labels_test.json")
    outcome = evaluate(
        *("hicodet", "--gt", truth, "--train", train, "--labels", labels),
        *("--pred", folder / predictions),
    )
    assert outcome.code == 0
    rare = outcome.metrics["rare"]
    assert rare["num_rare"] == official["rare"]["num_rare"]
    assert rare["is_official_list"] == official["rare"]["equals_official_list"]
    assert outcome.metrics["known_object_from"] == "image-level labels"
    for setting, suffix in zip(SETTINGS, ("", "_ko"), strict=True):
        found = outcome.metrics[setting]
        for key, value in official[setting].items():
            if key in found:
                assert found[key] == pytest.approx(value, abs=1e-9), (setting, key)
        for row in official["per_hoi"]:
            row = dict(zip(official["per_hoi_fields"], row, strict=True))
            hoi = found["per_hoi"][str(row["hoi_id"])]
            for key in ("ap", "max_recall", "num_tp"):
                assert hoi[key] == pytest.approx(row[key + suffix], abs=1e-9), (hoi, key)
            assert hoi["num_pred"] == row[f"num_det{suffix}"]
            assert (hoi["name"], hoi["num_gt"]) == (row["name"], row["num_gt"])
            assert hoi["rare"] == bool(row["rare"])


@pytest.fixture(scope="session")
def evaluated(fixtures):
    """The numbers of a folder by some rules."""

    def evaluate(name, *rules, **options):
        folder = fixtures / name
        files = (folder / FORMS["instances"][0], folder / "detections.json", Findings())
        others = {"train": FORMS["instances"][1], "labels": "image_labels_test.json"}
        others = {key: folder / file for key, file in others.items()}
        return evaluate_hicodet_files(*files, **others, rules=rules, **options)

    return evaluate


SINGLE = (
    *("matlab_colon", "exact_tenths", "strict", "no_plus_one", "top_100"),
    *("skip_images_without_gt", "ties_in_detection_file_order", "known_object_from_boxes"),
)


@pytest.mark.parametrize("rule", SINGLE)
@pytest.mark.parametrize("name", FOLDERS)
def test_single_rules_of_other_evaluators(evaluated, expected, name, rule):
    variant = expected[name]["single_rule_variants"][rule]
    metrics, official = evaluated(name, rule), evaluated(name)
    for setting in SETTINGS:
        aps = [[hoi["ap"] for hoi in m[setting]["per_hoi"].values()] for m in (metrics, official)]
        changed = np.flatnonzero(np.abs(np.subtract(*aps)) > 1e-9) + 1
        numbers = variant.get(setting, {"changed_hoi_ids": []})
        assert changed.tolist() == numbers["changed_hoi_ids"]
        for key in numbers.keys() & MEANS:
            assert metrics[setting][key] == pytest.approx(numbers[key], abs=1e-9)


@pytest.mark.parametrize("name", FOLDERS)
@pytest.mark.parametrize("evaluator", EVALUATORS)
def test_evaluators_of_the_field(evaluated, expected, name, evaluator):
    variant = expected[name]["variants"][evaluator]
    metrics = evaluated(name, evaluator)
    compared = 0
    for setting in SETTINGS:
        numbers = variant.get(setting, variant if setting == "default" else {})
        if "per_hoi_ap" in numbers:
            compared += 1
            aps = [hoi["ap"] for hoi in metrics[setting]["per_hoi"].values()]
            assert aps == pytest.approx(numbers["per_hoi_ap"], abs=1e-9)
            for key in MEANS:
                assert metrics[setting][key] == pytest.approx(numbers[key], abs=1e-9)
    assert compared == (2 if evaluator == "ggnet" else 1)
    assert metrics["rules"] == [evaluator]


def test_mean_over_classes_with_ground_truth(evaluated, expected):
    metrics = evaluated("hicodet", "mean_over_classes_with_gt")
    for setting in SETTINGS:
        official = expected["hicodet"][setting]
        assert metrics[setting]["mAP_full"] == pytest.approx(official["mAP_over_classes_with_gt"])
    assert sum(hoi["ap"] is None for hoi in metrics["default"]["per_hoi"].values()) == 600 - 349


def test_rules_that_do_not_go_together():
    assert rules_of(["qpic", "strict"]) == Rules(
        strict=True, top_k=100, averaged="with_truth", skip_empty_images=True, thin_boxes=False
    )
    with pytest.raises(InputError, match="'matlab_colon' and 'exact_tenths' contradict"):
        rules_of(["upt", "exact_tenths"])
    with pytest.raises(InputError, match="no rule 'lenient', expected some of qpic"):
        rules_of(["lenient"])
    assert {name for rules in EVALUATORS.values() for name in rules} < set(RULES)


def test_recall_levels():
    octave, matlab = recall_levels("octave"), recall_levels("matlab")
    np.testing.assert_array_equal(octave, np.arange(0, 1.1, 0.1))
    np.testing.assert_array_equal(np.flatnonzero(octave != matlab), [6, 7])
    assert (matlab[6], matlab[7]) == (0.6, 0.7)


def test_zero_shot_and_verbs_are_means_of_the_classes(evaluated):
    metrics = evaluated("hicodet", zero_shot=["RF-UC", "UV"])
    for setting in SETTINGS:
        ap = np.array([hoi["ap"] for hoi in metrics[setting]["per_hoi"].values()])
        assert list(metrics[setting]["zero_shot"]) == ["RF-UC", "UV"]
        for split, numbers in metrics[setting]["zero_shot"].items():
            unseen = np.array(ZERO_SHOT[split]) - 1
            assert numbers["mAP_unseen"] == pytest.approx(ap[unseen].mean())
            assert numbers["mAP_seen"] == pytest.approx(np.delete(ap, unseen).mean())
            assert numbers["num_unseen"] + numbers["num_seen"] == 600
        hold = metrics[setting]["per_verb"]["37"]
        mine = [i for i, hoi in enumerate(HOIS) if hoi.name.startswith("hold ")]
        assert hold == {
            "name": "hold",
            "mAP": pytest.approx(ap[mine].mean()),
            "num_hois": len(mine),
        }


def test_an_unknown_split(evaluated):
    with pytest.raises(InputError, match="no zero-shot split 'RF', expected some of RF-UC, NF-UC"):
        evaluated("hicodet_edge", zero_shot=["RF"])


# ------------------------------------------------------------------ a plain loop, from the rules
def iou(a, b):
    width = min(a[2], b[2]) - max(a[0], b[0]) + 1
    height = min(a[3], b[3]) - max(a[1], b[1]) + 1
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(box[2] - box[0] + 1) * (box[3] - box[1] + 1) for box in (a, b)]
    return width * height / (sum(areas) - width * height)


def average_precision(truth, detections, hoi, known):
    """(AP, max recall, hits) of one class, detection by detection."""
    targets = np.flatnonzero(truth.hois == hoi).tolist()
    rows = [
        d
        for d in np.flatnonzero(detections.hois == hoi)
        if known[detections.images[d], HOIS[hoi].object]
    ]
    rows.sort(key=lambda d: (-detections.scores[d], detections.images[d], d))
    taken, hits = set(), []
    for d in rows:
        best, best_target = -1.0, None
        for t in targets:
            if truth.images[t] != detections.images[d]:
                continue
            overlap = min(
                iou(truth.human_boxes[t], detections.human_boxes[d]),
                iou(truth.object_boxes[t], detections.object_boxes[d]),
            )
            if overlap > best:
                best, best_target = overlap, t
        hits.append(best >= 0.5 and best_target not in taken)
        if hits[-1]:
            taken.add(best_target)
    if not rows:
        return 0.0, 0.0, 0
    if not targets:
        return 0.0, None, 0
    curve = [
        (sum(hits[: n + 1]) / len(targets), sum(hits[: n + 1]) / (n + 1)) for n in range(len(rows))
    ]
    best = [max([p for r, p in curve if r >= i * 0.1], default=0.0) for i in range(11)]
    return sum(best) / 11, curve[-1][0], sum(hits)


def scene(random, count, scored):
    """Pairs that crowd in four images and four classes of two objects, on a coarse grid: many equal
    boxes, overlaps and scores.
    """
    corners = random.integers(0, 2, (2, count, 2))
    sides = random.integers(0, 4, (2, count, 2))
    human, target = np.concatenate([corners, corners + sides], axis=2).astype(np.float64)
    scores = random.integers(0, 6, count) / 6 if scored else None
    hois = random.choice([0, 1, 10, 11], count)
    return HOIPairs(random.integers(0, 4, count), hois, human, target, scores)


@pytest.mark.parametrize("seed", range(4))
def test_equals_a_plain_loop(seed):
    random = np.random.default_rng(seed)
    truth, detections = scene(random, 40, False), scene(random, 400, True)
    truth = truth[np.argsort(truth.images, kind="stable")]
    known = random.random((4, 80)) < 0.6
    rare = random.random(600) < 0.5
    metrics = hicodet_metrics(truth, detections, known, rare)
    hits = 0
    for setting, shown in zip(SETTINGS, (np.ones_like(known), known), strict=True):
        aps = np.zeros(600)
        for hoi in (0, 1, 10, 11, 12):
            found = metrics[setting]["per_hoi"][str(hoi + 1)]
            aps[hoi], recall, num_tp = average_precision(truth, detections, hoi, shown)
            assert found["ap"] == pytest.approx(aps[hoi], abs=1e-12)
            assert found["max_recall"] == pytest.approx(recall)
            assert (found["num_tp"], found["num_gt"]) == (num_tp, (truth.hois == hoi).sum())
            hits += num_tp
        assert metrics[setting]["mAP_full"] == pytest.approx(aps.mean())
        assert metrics[setting]["mAP_rare"] == pytest.approx(aps[rare].mean())
        assert metrics[setting]["mAP_non_rare"] == pytest.approx(aps[~rare].mean())
    assert hits > 15


def test_nothing_detected_and_nothing_annotated():
    random = np.random.default_rng(0)
    nothing, some = np.zeros(0, np.int64), scene(random, 20, True)
    empty = HOIPairs(nothing, nothing, np.zeros((0, 4)), np.zeros((0, 4)), np.zeros(0))
    known, rare = np.ones((4, 80), bool), np.zeros(600, bool)
    for truth, detections in ((some, empty), (empty, some), (empty, empty)):
        for rules in (Rules(), rules_of(["qpic"]), rules_of(["ggnet"])):
            metrics = hicodet_metrics(truth, detections, known, rare, rules=rules)["default"]
            assert metrics["mAP_rare"] is None
            assert metrics["mAP_full"] == (
                0 if len(truth) or rules.averaged != "with_truth" else None
            )
            assert sum(hoi["num_tp"] for hoi in metrics["per_hoi"].values()) == 0


def test_arguments_are_left_as_they_were():
    truth, detections = (scene(np.random.default_rng(1), 50, scored) for scored in (False, True))
    before = [column.copy() for column in vars(detections).values()]
    hicodet_metrics(truth, detections, np.ones((4, 80), bool), np.zeros(600, bool))
    for column, copy in zip(vars(detections).values(), before, strict=True):
        np.testing.assert_array_equal(column, copy)
