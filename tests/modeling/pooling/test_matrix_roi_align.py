"""RoIAlign by matrices against torchvision's operator, outputs and gradients."""

import pytest
import torch
from detectron2.layers import ROIAlign
from detectron2.modeling.poolers import ROIPooler
from detectron2.structures import Boxes
from torchvision.ops import roi_align

from choi_d2.modeling.pooling import MatrixROIAlign, matrix_roi_align, use_matrix_pooling
from choi_d2.modeling.pooling.sampling_matrix import sampling_matrix

# In the frame of a 160 x 120 image.
BOXES = {
    "inside": [10.0, 20.0, 90.0, 100.0],
    "whole": [0.0, 0.0, 160.0, 120.0],
    "within a cell": [33.0, 33.5, 34.0, 34.5],
    "wide": [0.0, 50.0, 160.0, 51.0],
    "high": [70.0, -5.0, 74.0, 130.0],
    "partly outside": [-40.0, -30.0, 30.0, 50.0],
    "larger than the image": [-100.0, -100.0, 400.0, 300.0],
    "outside": [500.0, 500.0, 600.0, 600.0],
    "without width": [20.0, 20.0, 20.0, 60.0],
    "without area": [20.0, 20.0, 20.0, 20.0],
    "reversed": [90.0, 100.0, 10.0, 20.0],
}


def regions(boxes, images=None):
    boxes = torch.tensor(boxes)
    images = torch.zeros(len(boxes)) if images is None else torch.tensor(images)
    return torch.cat([images[:, None], boxes], dim=1)


def random_regions(number, images):
    corner = torch.rand(number, 2) * torch.tensor([160.0, 120.0]) - 10
    size = torch.rand(number, 2) ** 2 * torch.tensor([170.0, 130.0])
    image = torch.randint(images, (number, 1)).float()
    return torch.cat([image, corner, corner + size], dim=1)


def both(features, rois, size=(7, 7), scale=0.25, ratio=0, aligned=True):
    arguments = (size, scale, ratio, aligned)
    theirs = roi_align(features, rois.to(features), *arguments)
    return matrix_roi_align(features, rois.to(features), *arguments), theirs


@pytest.mark.parametrize("aligned", [True, False])
@pytest.mark.parametrize("ratio", [0, 1, 2])
@pytest.mark.parametrize("name", BOXES)
def test_single_boxes(name, ratio, aligned):
    features = torch.randn(1, 5, 30, 40)
    ours, theirs = both(features, regions([BOXES[name]]), ratio=ratio, aligned=aligned)
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("size", [(1, 1), (5, 5), (7, 7), (14, 14), (3, 6)])
@pytest.mark.parametrize("scale", [1.0, 0.25, 0.03125])
@pytest.mark.parametrize("channels_last", [True, False])
def test_many_boxes_of_several_images(size, scale, channels_last):
    shape = (3, 8, round(120 * scale) + 1, round(160 * scale) + 1)
    features = torch.randn(shape)
    if channels_last:
        features = features.contiguous(memory_format=torch.channels_last)
    ours, theirs = both(features, random_regions(60, 3), size, scale)
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("ratio", [0, 2])
def test_gradients(ratio):
    features = torch.randn(2, 6, 30, 40)
    rois = torch.cat([random_regions(40, 2), regions(list(BOXES.values()))])
    weights = torch.randn(len(rois), 6, 7, 7)
    gradients = []
    for output in (0, 1):
        x = features.clone().requires_grad_()
        (both(x, rois, ratio=ratio)[output] * weights).sum().backward()
        gradients.append(x.grad)
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-4)


def test_gradient_in_double_precision():
    features = torch.randn(1, 2, 6, 8, dtype=torch.float64, requires_grad=True)
    rois = regions([BOXES["inside"], BOXES["partly outside"]]).double()
    assert torch.autograd.gradcheck(
        lambda x: matrix_roi_align(x, rois, (3, 3), 0.05, 0), (features,)
    )


def test_gradient_of_a_view_that_is_not_contiguous():
    wide = torch.randn(2, 4, 30, 80, requires_grad=True)
    narrow = wide[..., ::2]
    ours, theirs = both(narrow, random_regions(20, 2))
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)
    ours.sum().backward()
    assert wide.grad[..., 1::2].abs().max() == 0
    assert wide.grad[..., ::2].abs().max() > 0


def test_no_region():
    features = torch.randn(2, 4, 30, 40, requires_grad=True)
    pooled = matrix_roi_align(features, torch.zeros(0, 5), (7, 7), 0.25, 0)
    assert pooled.shape == (0, 4, 7, 7)
    pooled.sum().backward()
    assert features.grad.abs().max() == 0


def test_boxes_that_are_no_numbers_read_nothing():
    boxes = [[0.0, 0.0, float("inf"), 50.0], [float("nan"), 0.0, 40.0, 50.0], BOXES["inside"]]
    features = torch.randn(1, 4, 30, 40)
    pooled = matrix_roi_align(features, regions(boxes), (7, 7), 0.25, 0)
    assert pooled[:2].abs().max() == 0
    torch.testing.assert_close(pooled[2:], both(features, regions(boxes[2:]))[1])


def test_half_precision_keeps_the_boxes_exact():
    """torchvision's operator rounds boxes to the features' precision; matrices need not."""
    features = torch.randn(1, 4, 30, 40)
    rois = regions([[100.3, 70.7, 121.9, 101.1]])
    exact, _ = both(features, rois)
    pooled = matrix_roi_align(features.bfloat16(), rois, (7, 7), 0.25, 0)
    assert pooled.dtype == torch.bfloat16
    torch.testing.assert_close(pooled.float(), exact, rtol=0.05, atol=0.05)


def test_sampling_matrix_is_the_mean_of_its_samples():
    """Each bin by a plain loop over its samples."""
    starts, ends, bins, cells = [-3.2, 1.4, 5.0], [4.1, 11.7, 5.4], 3, 9
    found = sampling_matrix(torch.tensor(starts), torch.tensor(ends), bins, 0, cells)
    for i, (start, end) in enumerate(zip(starts, ends)):
        size = (end - start) / bins
        samples = -int(-size // 1)
        for j in range(bins):
            expected = [0.0] * cells
            for k in range(samples):
                x = start + j * size + (k + 0.5) * size / samples
                if -1 <= x <= cells:
                    x = min(max(x, 0), cells - 1)
                    low = int(x)
                    expected[low] += (1 - (x - low)) / samples
                    expected[min(low + 1, cells - 1)] += (x - low) / samples
            first, count = int(found.first[i]), int(found.count[i])
            row = torch.zeros(cells)
            row[first : first + count] = found.weights[i, j, :count]
            torch.testing.assert_close(row, torch.tensor(expected), rtol=0, atol=1e-5)
            assert found.weights[i, j, count:].abs().sum() == 0


def test_pooler_over_levels():
    scales = (0.25, 0.125)
    pooler = ROIPooler(7, scales, 0, "ROIAlignV2", canonical_box_size=64, canonical_level=3)
    levels = [torch.randn(2, 4, 30, 40), torch.randn(2, 4, 15, 20)]
    boxes = [Boxes(random_regions(30, 1)[:, 1:]) for _ in range(2)]
    expected = pooler(levels, boxes)
    use_matrix_pooling(torch.nn.Sequential(pooler))
    assert all(isinstance(x, MatrixROIAlign) for x in pooler.level_poolers)
    torch.testing.assert_close(pooler(levels, boxes), expected, rtol=1e-4, atol=1e-5)


def test_other_poolers_stay():
    pooler = ROIPooler(7, (0.25,), 0, "ROIPool")
    use_matrix_pooling(pooler)
    assert not isinstance(pooler.level_poolers[0], ROIAlign)
