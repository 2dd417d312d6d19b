import pytest
import torch
from detectron2.modeling.matcher import Matcher
from tiny import NUM_CLASSES, SIZE, make_targets

from choi_d2.modeling.roi_heads.stage_regions import UnmatchedRule, label_stage_outputs
from choi_d2.structures import IgnoredRegions

INSTANCES = [[8.0, 4, 40, 60], [60, 10, 90, 50]]
FAR = [0.0, 50, 10, 64]


def rule(**changes):
    arguments = {"score_thresh": 0.3, "ignore_iou": 0.3, "nms_thresh": 0.5, "limit": 100}
    return UnmatchedRule(**{**arguments, **changes})


def label(outputs, scores, instances=INSTANCES, threshold=0.5, ignored=None, **changes):
    targets, _ = make_targets(instances, [0, 2][: len(instances)], [], [])
    outputs = torch.tensor(outputs, dtype=torch.float32).reshape(-1, 4)
    return label_stage_outputs(
        outputs,
        outputs + 1,
        targets,
        Matcher([threshold], [0, 1]),
        scores=torch.as_tensor(scores, dtype=torch.float32).reshape(-1, NUM_CLASSES),
        unmatched=rule(**changes),
        ignored=ignored,
    )


def unmatched_boxes(regions):
    return regions.boxes.tensor[regions.matched < 0].tolist()


def one_class(*scores, class_id=1):
    """Scores of which one class has all."""
    return [[s if k == class_id else 0.0 for k in range(NUM_CLASSES)] for s in scores]


def iou(a, b):
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    area = [(x[2] - x[0]) * (x[3] - x[1]) for x in (a, b)]
    union = sum(area) - width * height
    return width * height / union if union else 0.0


def test_against_a_loop():
    """Which of 200 boxes join, with which class, before NMS."""
    torch.manual_seed(0)
    corners = torch.rand(200, 2, 2) * torch.tensor([SIZE[1], SIZE[0]])
    boxes = torch.cat([corners.amin(dim=1), corners.amax(dim=1)], dim=1)
    boxes[:60] = torch.tensor(INSTANCES)[torch.arange(60) % 2] + torch.randn(60, 4) * 6
    boxes = torch.cat([boxes[:, :2].clamp(0, 50), boxes[:, 2:].clamp(50, 64)], dim=1)
    scores = torch.rand(200, NUM_CLASSES) * 0.5
    regions = label(boxes.tolist(), scores, nms_thresh=1.0, limit=1000)
    expected, matched = {}, 0
    for box, score in zip(boxes.tolist(), scores.tolist()):
        overlap = max(iou(box, instance) for instance in INSTANCES)
        matched += overlap >= 0.5
        if overlap < 0.3 and max(score) >= 0.3:
            expected[tuple(box)] = score.index(max(score))
    rows = regions.matched < 0
    found = {
        tuple(box): class_id
        for box, class_id in zip(
            regions.boxes.tensor[rows].tolist(), regions.classes[rows].tolist()
        )
    }
    assert found == expected and 10 < len(expected) < 190
    assert int((~rows & ~regions.is_truth).sum()) == matched > 0


@pytest.mark.parametrize(
    "overlap, joins", [(0.29, True), (0.31, False), (0.4, False), (0.49, False)]
)
def test_the_zone_between_is_left_out(overlap, joins):
    left = [8.0, 4, 8 + 32 * overlap, 60]
    assert len(unmatched_boxes(label([left], one_class(0.9)))) == joins
    # A later stage leaves out more.
    outputs = [[8.0, 4, 8 + 32 * 0.65, 60]]
    assert label(outputs, one_class(0.9), threshold=0.7).matched.tolist() == [0, 1]
    assert label(outputs, one_class(0.9), threshold=0.6).matched.tolist() == [0, 0, 1]


def test_without_a_zone_all_others_are_wrong():
    outputs = [[8.0, 4, 23, 60], [8.0, 4, 40, 60]]
    found = unmatched_boxes(label(outputs, one_class(0.9, 0.9), ignore_iou=1.0))
    # The second is an instance, to the letter.
    assert found == outputs[:1]


def test_the_score_decides_and_gives_the_class():
    scores = [[0.1, 0.2, 0.29, 0.1], [0.1, 0.3, 0.35, 0.1]]
    regions = label([[0.0, 0, 5, 5], FAR], scores)
    assert unmatched_boxes(regions) == [FAR]
    assert regions.classes.tolist() == [0, 2, 2]
    assert regions.previous_boxes.tensor[-1].tolist() == [x + 1 for x in FAR]


def test_one_false_detection_is_there_once_for_each_class():
    near = [0.0, 51, 10, 64]
    scores = one_class(0.5, 0.9) + one_class(0.4, class_id=3)
    regions = label([FAR, near, FAR], scores)
    assert unmatched_boxes(regions) == [near, FAR]
    assert regions.classes[-2:].tolist() == [1, 3]


def test_the_best_scored_stay_where_there_are_too_many():
    boxes = [[0.0, 8 * i, 6, 8 * i + 6] for i in range(8)]
    scores = one_class(0.4, 0.9, 0.5, 0.6, 0.31, 0.8, 0.7, 0.32)
    assert unmatched_boxes(label(boxes, scores, limit=3)) == [boxes[i] for i in (1, 5, 6)]


def test_boxes_on_ignored_regions_are_left_out():
    crowd, uncertain = [60.0, 52, 96, 64], [0.0, 0, 8, 40]
    ignored = IgnoredRegions(torch.tensor([crowd, uncertain]), torch.tensor([True, False]))
    in_crowd, half_out = [90.0, 54, 94, 60], [60.0, 52, 96, 77]
    part_of_uncertain, loose = [0.0, 0, 8, 13], [0.0, 0, 8, 10]  # IoU 13 / 40, 1 / 4
    outputs = [in_crowd, half_out, part_of_uncertain, loose, FAR]
    found = unmatched_boxes(label(outputs, one_class(*[0.9] * 5), ignored=ignored))
    # The half that reaches out of the image is cut off first.
    assert sorted(found) == sorted([loose, FAR])


def test_boxes_without_area_do_not_join():
    outputs = [[5.0, 5, 5, 9], [-20.0, 5, -3, 9]]
    assert unmatched_boxes(label(outputs, one_class(0.9, 0.9))) == []


def test_images_without_instance_or_box():
    assert unmatched_boxes(label([FAR], one_class(0.9), instances=[])) == [FAR]
    regions = label([], [], instances=[])
    assert len(regions) == 0 and regions.boxes.tensor.shape == (0, 4)
    assert label([], []).is_truth.tolist() == [True, True]
