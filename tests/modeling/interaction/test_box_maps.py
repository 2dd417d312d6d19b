"""X_g's convolutions by runs of rows and columns against the convolutions of whole maps."""

import pytest
import torch
import torch.nn.functional as F
from detectron2.layers import Conv2d

from choi_d2.modeling.interaction.box_maps import box_maps, convolve_box_maps, find_runs
from choi_d2.modeling.interaction.geometry import box_coverage, union_boxes

# (human, object): what a pair can look like along an axis.
PAIRS = {
    "apart": ([0.0, 0, 11, 17], [23.0, 31, 47, 64]),
    "overlapping": ([0.0, 0, 33.3, 41.7], [20.1, 15.9, 64, 64]),
    "object inside": ([3.0, 5, 90, 77], [30.5, 21.25, 41, 30]),
    "human inside": ([30.5, 21.25, 41, 30], [3.0, 5, 90, 77]),
    "the same box": ([3.0, 5, 90, 77], [3.0, 5, 90, 77]),
    "touching": ([0.0, 0, 32, 64], [32.0, 0, 64, 64]),
    "one side in common": ([0.0, 0, 64, 64], [0.0, 20, 40, 64]),
    "much smaller": ([0.0, 0, 1000, 1000], [500.0, 500, 501, 501]),
    "without area": ([5.0, 5, 5, 5], [5.0, 5, 5, 5]),
    "object without area": ([0.0, 0, 50, 50], [20.0, 20, 20, 20]),
}


def random_pairs(count):
    corners = torch.rand(2, count, 2, 2) * 300
    return torch.cat([corners.amin(2), corners.amax(2)], dim=2)


def convolutions(dims=(6, 4), kernel=5, dtype=torch.float64):
    layers, channels = [], 2
    for width in dims:
        layers.append(Conv2d(channels, width, kernel, padding=kernel // 2).to(dtype))
        channels = width
    return layers


def convolve_whole(maps, first, second):
    x = F.max_pool2d(first(maps).relu(), 2)
    return F.max_pool2d(second(x).relu(), 2)


@pytest.mark.parametrize("resolution", [16, 64])
@pytest.mark.parametrize("name", PAIRS)
def test_kinds_of_pairs(name, resolution):
    human, object_ = (torch.tensor([box], dtype=torch.float64) for box in PAIRS[name])
    maps, convs = box_maps(human, object_, resolution), convolutions()
    torch.testing.assert_close(
        convolve_box_maps(maps, *convs), convolve_whole(maps.whole(), *convs)
    )


@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("resolution", [12, 17, 22, 64])
def test_numbers_and_gradients_of_many_pairs_at_once(resolution, kernel):
    maps = box_maps(*random_pairs(40).double(), resolution)
    convs = convolutions(kernel=kernel)
    parameters = [p for conv in convs for p in conv.parameters()]
    outputs = convolve_box_maps(maps, *convs), convolve_whole(maps.whole(), *convs)
    torch.testing.assert_close(*outputs)
    weights = torch.randn_like(outputs[1])
    mine, others = (torch.autograd.grad((x * weights).sum(), parameters) for x in outputs)
    torch.testing.assert_close(mine, others)


def test_single_precision_of_the_papers_size():
    maps, convs = box_maps(*random_pairs(9), 64), convolutions((64, 32), dtype=torch.float32)
    mine, other = convolve_box_maps(maps, *convs), convolve_whole(maps.whole(), *convs)
    assert mine.shape == (9, 32, 16, 16)
    torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-5)


def test_autocast_changes_nothing_but_what_weights_are_kept_in():
    maps, convs = box_maps(*random_pairs(9), 32), convolutions(dtype=torch.float32)
    expected = convolve_box_maps(maps, *convs)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(convolve_box_maps(maps, *convs), expected)
        found = convolve_box_maps(maps, *(conv.to(torch.bfloat16) for conv in convs))
    torch.testing.assert_close(found, expected, rtol=0.05, atol=0.05)


def test_whole_maps_are_what_the_boxes_cover():
    human, object_ = random_pairs(20)
    frames = union_boxes(human, object_)
    expected = torch.stack([box_coverage(x, frames, 24) for x in (human, object_)], dim=1)
    torch.testing.assert_close(box_maps(human, object_, 24).whole(), expected)


def test_two_boxes_have_at_most_eleven_runs_along_an_axis():
    maps = box_maps(*random_pairs(2000), 64)
    for profile in maps:
        runs = find_runs(profile, 5)
        assert runs.run.max() + 1 == runs.windows.shape[1] <= 11
        assert (runs.run.diff(dim=1) >= 0).all() and (runs.run[:, 0] == 0).all()


def test_no_pair():
    maps, convs = box_maps(*torch.zeros(2, 0, 4), 16), convolutions(dtype=torch.float32)
    found = convolve_box_maps(maps, *convs)
    assert found.shape == (0, 4, 4, 4)
    found.sum().backward()
    assert all((p.grad == 0).all() for conv in convs for p in conv.parameters())


def test_boxes_that_are_no_numbers_spoil_their_own_pair_alone():
    human, object_ = random_pairs(3)
    human[1, 0] = float("nan")
    maps, convs = box_maps(human, object_, 16), convolutions(dtype=torch.float32)
    found = convolve_box_maps(maps, *convs)
    assert found[1].isnan().any() and found[[0, 2]].isfinite().all()
