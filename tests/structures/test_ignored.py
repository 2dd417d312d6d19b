import pytest
import torch
from detectron2.structures import Boxes

from choi_d2.structures import IgnoredRegions

CROWD, UNCERTAIN = [0.0, 0, 40, 20], [50.0, 0, 60, 10]
REGIONS = IgnoredRegions(torch.tensor([CROWD, UNCERTAIN]), torch.tensor([True, False]))


def held(boxes, regions=REGIONS, iou=0.3, crowd_coverage=0.5):
    boxes = Boxes(torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4))
    return regions.hold(boxes, iou=iou, crowd_coverage=crowd_coverage).tolist()


def test_a_crowd_by_the_part_of_the_box_and_an_instance_by_iou():
    small = [1.0, 1, 3, 3]
    assert held([small, [30.0, 0, 49, 20], [30.0, 0, 51, 20]]) == [True, True, False]
    # Of the uncertain instance: all of it, .31, .29, a small part.
    outputs = [UNCERTAIN, [50.0, 0, 60, 3.1], [50.0, 0, 60, 2.9], [51.0, 1, 53, 3]]
    assert held(outputs) == [True, True, False, False]


def test_against_a_loop():
    torch.manual_seed(0)
    corners = torch.rand(60, 2, 2) * 60
    boxes = torch.cat([corners.amin(dim=1), corners.amax(dim=1)], dim=1)
    is_crowd = torch.rand(10) < 0.5
    expected = []
    for box in boxes[10:].tolist():
        on_it = False
        for region, crowd in zip(boxes[:10].tolist(), is_crowd.tolist()):
            sides = [min(box[i + 2], region[i + 2]) - max(box[i], region[i]) for i in (0, 1)]
            both = max(0.0, sides[0]) * max(0.0, sides[1])
            area, other = ((x[2] - x[0]) * (x[3] - x[1]) for x in (box, region))
            on_it |= both / area >= 0.6 if crowd else both / (area + other - both) >= 0.2
        expected.append(on_it)
    regions = IgnoredRegions(boxes[:10], is_crowd)
    assert held(boxes[10:].tolist(), regions, 0.2, 0.6) == expected
    assert 0 < sum(expected) < 50


def test_above_one_is_never():
    assert held([CROWD, UNCERTAIN], iou=1.1, crowd_coverage=1.1) == [False, False]


def test_no_region_no_box_and_a_box_without_area():
    assert held([CROWD], IgnoredRegions.empty()) == [False]
    assert held([]) == []
    assert held([[5.0, 5, 5, 5]], iou=0.0, crowd_coverage=0.0) == [False]
    assert len(IgnoredRegions.empty()) == 0 and len(REGIONS) == 2


@pytest.mark.parametrize(
    "boxes, is_crowd",
    [
        (torch.zeros(2, 5), torch.zeros(2, dtype=torch.bool)),
        (torch.zeros(2, 4), torch.zeros(2)),
        (torch.zeros(2, 4), torch.zeros(1, dtype=torch.bool)),
    ],
)
def test_shapes_are_checked(boxes, is_crowd):
    with pytest.raises(ValueError, match="expected"):
        IgnoredRegions(boxes, is_crowd)
