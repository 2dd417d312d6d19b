import json
import math

import numpy as np
import pytest
import torch
from detectron2.utils import comm
from hoi_scenes import (
    empty_output,
    evaluated,
    hoiw_like_metadata,
    model_output,
    registered,
)
from torchvision.ops import box_iou

from choi_d2.categories.hoiw import OBJECTS, VERBS
from choi_d2.evaluation import BoxRecallEvaluator, Triplets, box_recall_metrics, build_evaluator
from choi_d2.evaluation.box_recall import recalling_ranks

THRESHOLDS, TOP_K = (0.25, 0.5, 0.75), (20, 50, 100)


def random_triplets(random, num_images, boxes_per_image, triplets_per_image, num_verbs):
    """Large boxes of few classes, so that chance hits happen; scores have ties."""
    boxes, categories, triplets = [], [], []
    for image in range(num_images):
        corner = random.uniform(0, 30, (boxes_per_image, 2))
        boxes.append(np.concatenate([corner, corner + random.uniform(30, 60, corner.shape)], 1))
        categories += random.integers(0, 2, boxes_per_image).tolist()
        first = image * boxes_per_image
        for _ in range(random.integers(0, triplets_per_image + 1)):
            ends = first + random.integers(0, boxes_per_image, 2)
            triplets.append((image, *ends, random.integers(0, num_verbs)))
    random.shuffle(triplets)
    columns = np.array(triplets, np.int64).reshape(-1, 4).T
    scores = random.integers(0, 40, len(triplets)) / 40
    return Triplets(np.concatenate(boxes), np.array(categories), *columns, scores)


def ranks_by_loops(truth, predicted):
    """[threshold][annotated triplet], by the rules."""
    iou = box_iou(torch.tensor(truth.boxes), torch.tensor(predicted.boxes))
    ranks = np.full((len(THRESHOLDS), len(truth.verbs)), np.inf)
    for row, threshold in enumerate(THRESHOLDS):
        for t in range(len(truth.verbs)):
            mine = [
                p for p in range(len(predicted.verbs)) if predicted.images[p] == truth.images[t]
            ]
            mine.sort(key=lambda p: -predicted.scores[p])
            for rank, p in enumerate(mine[:100], start=1):
                ends = [
                    (truth.subjects[t], predicted.subjects[p]),
                    (truth.objects[t], predicted.objects[p]),
                ]
                if truth.verbs[t] == predicted.verbs[p] and all(
                    truth.categories[a] == predicted.categories[b] and iou[a, b] >= threshold
                    for a, b in ends
                ):
                    ranks[row, t] = min(ranks[row, t], rank)
    return ranks


def metrics_by_loops(truth, predicted, num_verbs):
    """``metrics[k][threshold][verb]``, without verbs that do not occur."""
    ranks = ranks_by_loops(truth, predicted)
    metrics = {}
    for k in TOP_K:
        for row, threshold in enumerate(THRESHOLDS):
            for verb in range(num_verbs):
                rows = [t for t in range(len(truth.verbs)) if truth.verbs[t] == verb]
                if rows:
                    hits = sum(ranks[row, t] <= k for t in rows)
                    metrics.setdefault(k, {}).setdefault(threshold, {})[verb] = hits / len(rows)
    return metrics


@pytest.mark.parametrize("seed", range(3))
def test_equals_plain_loops(seed):
    random = np.random.default_rng(seed)
    truth = random_triplets(random, 5, 6, 12, num_verbs=4)
    predicted = random_triplets(random, 4, 9, 220, num_verbs=4)
    # Verb 3 is predicted and not annotated, verb 4 neither.
    truth.verbs[truth.verbs == 3] = 0
    expected_ranks = ranks_by_loops(truth, predicted)
    ranks = recalling_ranks(truth, predicted)
    assert np.array_equal(np.where(ranks > 100, np.inf, ranks), expected_ranks)
    assert len(np.unique(ranks)) > 10

    expected = metrics_by_loops(truth, predicted, 5)
    metrics = box_recall_metrics(truth, predicted, 5)
    for k in TOP_K:
        per_iou = {t: np.mean(list(verbs.values())) for t, verbs in expected[k].items()}
        for threshold, mean in per_iou.items():
            assert metrics["per_iou"][f"R@{k}"][f"{threshold:g}"] == pytest.approx(mean)
        assert metrics[f"R@{k}"] == pytest.approx(np.mean(list(per_iou.values())))
        for verb in range(3):
            recalls = [expected[k][threshold][verb] for threshold in THRESHOLDS]
            assert metrics["per_verb"][verb][f"R@{k}"] == pytest.approx(np.mean(recalls))
        assert metrics["per_verb"][3][f"R@{k}"] is metrics["per_verb"][4][f"R@{k}"] is None
    assert 0 < metrics["R@20"] < metrics["R@100"] < 1
    assert [verb["num_gt"] for verb in metrics["per_verb"]] == [
        int((truth.verbs == verb).sum()) for verb in range(5)
    ]


def triplets(boxes, rows, scores=None, categories=None):
    """Of (image, subject, object, verb) rows."""
    columns = np.array(rows, np.int64).reshape(-1, 4).T
    categories = np.zeros(len(boxes), np.int64) if categories is None else np.array(categories)
    scores = None if scores is None else np.array(scores, np.float64)
    return Triplets(np.array(boxes, np.float64).reshape(-1, 4), categories, *columns, scores)


BOXES = [[0, 0, 40, 40], [100, 0, 140, 40]]


def test_one_prediction_recalls_all_that_it_matches():
    """Two annotated people in the same place, and a triplet that is listed twice."""
    truth = triplets([*BOXES, [0, 0, 40, 41]], [(0, 0, 1, 0), (0, 2, 1, 0), (0, 0, 1, 0)])
    predicted = triplets(BOXES, [(0, 0, 1, 0)], [0.5])
    assert box_recall_metrics(truth, predicted, 1)["R@20"] == 1


@pytest.mark.parametrize(
    ("row", "categories", "recall"),
    [
        ((0, 0, 1, 0), [0, 1], 1),
        ((0, 1, 0, 0), [0, 1], 0),  # ends exchanged
        ((0, 0, 1, 1), [0, 1], 0),  # another verb
        ((0, 0, 1, 0), [0, 2], 0),  # another object class
        ((0, 0, 1, 0), [2, 1], 0),  # another human class
        ((1, 0, 1, 0), [0, 1], 0),  # another image
        ((0, 0, -1, 0), [0, 1], 0),  # an object that points nowhere
    ],
)
def test_verb_classes_and_boxes_have_to_agree(row, categories, recall):
    truth = triplets(BOXES, [(0, 0, 1, 0)], categories=[0, 1])
    predicted = triplets(BOXES, [row], [0.5], categories)
    assert box_recall_metrics(truth, predicted, 2)["R@20"] == recall


def test_the_worse_of_both_overlaps_decides():
    truth = triplets(BOXES, [(0, 0, 1, 0)])
    # IoU 1/2 exactly, and 1.
    predicted = triplets([[0, 0, 40, 20], BOXES[1]], [(0, 0, 1, 0)], [0.5])
    per_iou = box_recall_metrics(truth, predicted, 1)["per_iou"]["R@20"]
    assert per_iou == {"0.25": 1, "0.5": 1, "0.75": 0}


@pytest.mark.parametrize(
    ("wrong", "recalled"),
    [(19, (1, 1, 1)), (20, (0, 1, 1)), (50, (0, 0, 1)), (99, (0, 0, 1)), (100, (0, 0, 0))],
)
@pytest.mark.parametrize("wrong_first", [True, False])
def test_equal_scores_stay_in_the_order_given(wrong, recalled, wrong_first):
    """A right triplet beside ``wrong`` ones of another verb and the same score; another image's
    do not take places.
    """
    truth = triplets(BOXES, [(1, 0, 1, 0)])
    rows = [(1, 0, 1, 1)] * wrong
    rows = [*rows, (1, 0, 1, 0)] if wrong_first else [(1, 0, 1, 0), *rows]
    rows = [(0, 0, 1, 0)] * 50 + rows + [(2, 0, 1, 0)] * 50
    predicted = triplets(BOXES, rows, [0.5] * len(rows))
    metrics = box_recall_metrics(truth, predicted, 2)
    expected = recalled if wrong_first else (1, 1, 1)
    assert tuple(metrics[f"R@{k}"] for k in TOP_K) == expected


def test_nothing_predicted_and_nothing_annotated():
    something = triplets(BOXES, [(0, 0, 1, 0)], [0.5])
    nothing = triplets([], [], [])
    metrics = box_recall_metrics(something, nothing, 2)
    assert [metrics[f"R@{k}"] for k in TOP_K] == [0, 0, 0]
    assert metrics["per_verb"][1] == {"R@20": None, "R@50": None, "R@100": None, "num_gt": 0}
    for predicted in (something, nothing):
        metrics = box_recall_metrics(nothing, predicted, 2)
        assert metrics["R@100"] is None
        assert metrics["per_iou"]["R@50"] == {"0.25": None, "0.5": None, "0.75": None}


def test_results_and_files_beside_those_of_hoiw(scenes, tmp_path):
    records, outputs = scenes
    metadata = hoiw_like_metadata(evaluator_type=("hoi", "box_recall"))
    with registered("own", records, **metadata):
        results = evaluated(build_evaluator("own", tmp_path), records, outputs)
        alone = evaluated(BoxRecallEvaluator("own"), records, outputs)
    assert set(results) == {"hoi", "recall", "bbox"}
    assert "mAP_rel" in results["hoi"] and results["recall"] == alone["recall"]
    assert {path.name for path in tmp_path.iterdir()} == {
        "own_predictions.json",
        "own_metrics.json",
        "own_box_recall_predictions.json",
        "own_box_recall_metrics.json",
    }
    own = json.loads((tmp_path / "own_box_recall_metrics.json").read_text())
    recall = results["recall"]
    assert 0 < recall["R@20"] < recall["R@100"] < 100
    assert recall["R@100"] == 100 * own["R@100"]
    for k in TOP_K:
        ious = [recall[f"R@{k}-IoU{threshold}"] for threshold in (25, 50, 75)]
        verbs = [recall[f"R@{k}-{verb}"] for verb in ("hold", "drink", "call", "smoke")]
        assert recall[f"R@{k}"] == pytest.approx(np.mean(ious)) == pytest.approx(np.mean(verbs))
    assert own["per_verb"]["1"]["name"] == "smoke"
    assert recall["R@50-smoke"] == 100 * own["per_verb"]["1"]["R@50"]
    assert len(recall) == 3 + 9 + 12


def test_an_image_without_output_is_missed(scenes):
    records, outputs = scenes
    with registered("missed", records, **hoiw_like_metadata()):
        missing, empty = (
            evaluated(BoxRecallEvaluator("missed"), records, [first, *outputs[1:]])
            for first in (None, empty_output())
        )
    assert missing == empty and missing["recall"]["R@100"] > 5


def test_the_best_100_of_an_image_are_kept(tmp_path):
    boxes = torch.rand(30, 2).mul(100).repeat(1, 2) + torch.tensor([0, 0, 12.0, 12])
    pairs = [(0, i) for i in range(1, 30)]
    verb_scores = torch.rand(29, 4)
    verb_scores[3] = 0
    output = model_output(boxes, torch.arange(30).clamp(max=1), torch.ones(30), pairs, verb_scores)
    with registered("many", [], **hoiw_like_metadata()):
        kept = BoxRecallEvaluator("many").collect({}, output)
    best = verb_scores.flatten().sort(descending=True).values[:100].numpy()
    assert np.array_equal(kept["scores"], best)
    assert np.array_equal(verb_scores[kept["pairs"][:, 1] - 1, kept["verbs"]].numpy(), best)


def test_truth_that_the_loader_leaves_out_counts(scenes, tmp_path):
    """The released file has an image without a record, as when its photo is lost."""
    records, outputs = scenes
    triplet = {"subject_id": 0, "object_id": 1, "category_id": 1}
    boxes = [{"bbox": [0, 0, 9, 9], "category_id": c} for c in ("1", "3")]
    entries = [
        {"file_name": name, "annotations": boxes, "hoi_annotation": [triplet]}
        for name in ("0.png", "lost.png")
    ]
    (tmp_path / "gt.json").write_text(json.dumps(entries))
    metadata = hoiw_like_metadata(
        thing_classes=list(OBJECTS),
        verb_classes=list(VERBS),
        thing_dataset_id_to_contiguous_id={i + 1: i for i in range(11)},
        verb_dataset_id_to_contiguous_id={i + 1: i for i in range(10)},
        evaluator_type=("hoiw", "box_recall"),
        json_file=str(tmp_path / "gt.json"),
    )
    verb_scores = torch.zeros(1, 10)
    verb_scores[0, 0] = 0.5
    right = model_output(
        torch.tensor([[0.0, 0, 9, 9]] * 2),
        torch.tensor([0, 2]),
        torch.ones(2),
        [(0, 1)],
        verb_scores,
    )
    with registered("released", records, **metadata):
        result = evaluated(BoxRecallEvaluator("released"), records[:1], [right])["recall"]
        changed = registered("records", records, **metadata | {"evaluator_type": "box_recall"})
        with changed:
            by_records = evaluated(BoxRecallEvaluator("records"), records[:1], [right])["recall"]
    assert result["R@20-smoke"] == 50 and math.isnan(result["R@20-call"])
    assert by_records["R@20-smoke"] == 0


def test_images_of_several_processes_count_once(scenes, monkeypatch):
    records, outputs = scenes
    with registered("gathered", records, **hoiw_like_metadata()):
        alone = evaluated(BoxRecallEvaluator("gathered"), records, outputs)
        other = BoxRecallEvaluator("gathered")
        evaluated(other, records[:4], outputs[:4])
        monkeypatch.setattr(comm, "get_world_size", lambda: 2)
        monkeypatch.setattr(comm, "gather", lambda mine, dst: [mine, other._predictions])
        # The second process was handed image 2 as well, to fill its last batch.
        together = evaluated(BoxRecallEvaluator("gathered"), records[2:], outputs[2:])
        monkeypatch.setattr(comm, "is_main_process", lambda: False)
        assert evaluated(BoxRecallEvaluator("gathered"), records[2:], outputs[2:]) is None
    assert together == alone


def test_a_split_without_annotations_is_written_not_scored(scenes, tmp_path):
    records, outputs = scenes
    bare = [{k: r[k] for k in ("file_name", "image_id", "height", "width")} for r in records]
    with registered("bare_test", bare, **hoiw_like_metadata()):
        assert evaluated(BoxRecallEvaluator("bare_test", output_dir=tmp_path), bare, outputs) == {}
    assert [path.name for path in tmp_path.iterdir()] == ["bare_test_box_recall_predictions.json"]
