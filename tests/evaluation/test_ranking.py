import json
import math

import numpy as np
import pytest
import torch
from hoi_scenes import empty_output, evaluated, hoiw_like_metadata, model_output, registered

from choi_d2.evaluation import RankingEvaluator, ranking_metrics
from choi_d2.evaluation.ranking import match_detections, pair_kinds

TRUTH = np.array([[0, 0, 10, 20], [20, 0, 30, 10], [40, 0, 50, 10.0]])
CLASSES = np.array([0, 1, 1])


def test_what_a_detection_is():
    boxes = np.array(
        [
            [0, 0, 10, 20],  # the person
            [20, 0, 30, 8],  # a cup, IoU .8
            [20, 0, 30, 4],  # IoU .4: in between
            [20, 0, 30, 2],  # IoU .2
            [60, 0, 70, 10],  # nothing there
            [40, 0, 50, 10],  # the place of a cup, another class
        ],
        dtype=float,
    )
    classes = np.array([0, 1, 1, 1, 0, 2])
    assert match_detections(boxes, classes, TRUTH, CLASSES).tolist() == [0, 1, -2, -1, -1, -2]
    assert match_detections(boxes, classes, TRUTH[:0], CLASSES[:0]).tolist() == [-1] * 6
    assert match_detections(boxes[:0], classes[:0], TRUTH, CLASSES).tolist() == []


def test_kinds_of_pairs():
    matches = np.array([0, 1, 2, -1, -2, 1])
    pairs = np.array([[0, 1], [0, 2], [0, 3], [0, 4], [3, 4], [0, 5]])
    expected = ["annotated", "matched", "unmatched", "", "unmatched", "annotated"]
    assert pair_kinds(matches, pairs, [(0, 1)]).tolist() == expected
    assert pair_kinds(matches, pairs[:0], [(0, 1)]).tolist() == []


@pytest.mark.parametrize("seed", range(3))
def test_accuracy_equals_plain_loops(seed):
    random = np.random.default_rng(seed)
    kinds = np.array(["annotated", "matched", "unmatched", ""])
    images = [
        (random.integers(0, 5, n) / 5, kinds[random.integers(0, 4, n)])
        for n in random.integers(0, 12, 8)
    ]
    metrics = ranking_metrics(images)
    for kind in ("matched", "unmatched"):
        order = [
            1.0 if a > b else 0.5 if a == b else 0.0
            for scores, of_pair in images
            for a in scores[of_pair == "annotated"]
            for b in scores[of_pair == kind]
        ]
        assert metrics[f"accuracy_{kind}"] == pytest.approx(np.mean(order))
        count = sum((of_pair == kind).sum() for _, of_pair in images)
        assert metrics[f"{kind}_per_image"] == pytest.approx(count / 8)


def test_nothing_to_rank():
    metrics = ranking_metrics([])
    assert metrics["accuracy_matched"] is None and metrics["annotated_per_image"] == 0


@pytest.fixture
def record():
    classes = (0, 1, 1)
    return {
        "file_name": "/images/a.png",
        "image_id": "a.png",
        "height": 120,
        "width": 160,
        "annotations": [
            {"bbox": box.tolist(), "bbox_mode": 0, "category_id": k, "iscrowd": 0}
            for box, k in zip(TRUTH, classes, strict=True)
        ],
        "interactions": [{"human": 0, "object": 1, "verbs": [0]}],
    }


def test_evaluator(record, tmp_path):
    boxes = torch.tensor([*TRUTH.tolist(), [60.0, 0, 70, 10]])
    pairs = [(0, 2), (0, 1), (0, 3)]  # ranked in this order
    output = model_output(boxes, torch.tensor([0, 1, 1, 1]), torch.ones(4), pairs, torch.ones(3, 4))
    with registered("ranked", [record], **hoiw_like_metadata()):
        evaluator = RankingEvaluator("ranked", output_dir=tmp_path)
        results = evaluated(evaluator, [record], [output])["ranking"]
        nothing = evaluated(evaluator, [record], [empty_output()])["ranking"]
    assert results == {
        "accuracy_matched": 0.0,
        "accuracy_unmatched": 100.0,
        "annotated_per_image": 1.0,
        "matched_per_image": 1.0,
        "unmatched_per_image": 1.0,
    }
    assert math.isnan(nothing["accuracy_matched"])
    assert [path.name for path in tmp_path.iterdir()] == ["ranked_ranking_metrics.json"]
    assert json.loads(next(tmp_path.iterdir()).read_text())["accuracy_matched"] is None
