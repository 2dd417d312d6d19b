import pytest
import torch

from choi_d2.modeling.interaction.geometry import box_coverage
from choi_d2.modeling.interaction.representation import masks_in_frames, represent


def dense_mean(mask, box, frame, resolution):
    """The mean of a mask in the bins of a frame, cell by cell, bin by bin."""
    rows, columns = mask.shape
    x1, y1, x2, y2 = box
    left, top, right, bottom = frame
    width, height = (right - left) / resolution, (bottom - top) / resolution
    mean = torch.zeros(resolution, resolution, dtype=torch.float64)
    for r in range(resolution):
        for c in range(resolution):
            bin_top, bin_left = top + r * height, left + c * width
            for i in range(rows):
                cell_top = y1 + (y2 - y1) * i / rows
                low = max(bin_top, cell_top)
                high = min(bin_top + height, cell_top + (y2 - y1) / rows)
                if high <= low:
                    continue
                for j in range(columns):
                    cell_left = x1 + (x2 - x1) * j / columns
                    first = max(bin_left, cell_left)
                    last = min(bin_left + width, cell_left + (x2 - x1) / columns)
                    if last > first:
                        mean[r, c] += mask[i, j] * (high - low) * (last - first)
    return mean / (width * height)


def frames_around(boxes, times):
    """Frames ``times`` as large as their boxes, which are somewhere in them."""
    size = boxes[:, 2:] - boxes[:, :2]
    corner = boxes[:, :2] - torch.rand(len(boxes), 2) * (times - 1) * size
    return torch.cat([corner, corner + times * size], dim=1)


def random_boxes(count):
    corners = torch.rand(count, 2) * 900
    return torch.cat([corners, corners + 2 + torch.rand(count, 2) * 60], dim=1)


@pytest.mark.parametrize("times", [0.3, 1, 1.7, 6, 20])
@pytest.mark.parametrize("resolution, side", [(7, 28), (5, 9), (64, 6)])
def test_masks_in_frames_are_the_dense_mean(times, resolution, side):
    boxes = random_boxes(3)
    frames, masks = frames_around(boxes, times), torch.rand(3, side, side)
    seen = masks_in_frames(masks, boxes, frames, resolution)
    assert seen.dtype == torch.float32
    for p in range(3):
        expected = dense_mean(masks[p].double(), boxes[p].tolist(), frames[p].tolist(), resolution)
        assert (seen[p] - expected).abs().max() < 1e-5


@pytest.mark.parametrize("times", [1, 4, 20])
def test_masks_in_frames_against_a_picture_of_all_pixels(times):
    """A mask drawn into the frame pixel by pixel, averaged by pooling."""
    mask = torch.rand(28, 28)
    height, width = 28, 56
    picture = torch.zeros(7 * 4 * times, 7 * 8 * times)  # whole pixels in each of 7 x 7 bins
    y, x = 3 * (times - 1), 5 * (times - 1)
    picture[y : y + height, x : x + width] = mask.repeat_interleave(2, dim=1)
    expected = torch.nn.functional.avg_pool2d(picture[None].double(), (4 * times, 8 * times))
    box = torch.tensor([[x, y, x + width, y + height]]).float() + 1000
    frame = torch.tensor([[0, 0, picture.shape[1], picture.shape[0]]]).float() + 1000
    assert (masks_in_frames(mask[None], box, frame, 7) - expected).abs().max() < 1e-5


@pytest.mark.parametrize("resolution", [5, 7, 64])
def test_no_object_with_area_vanishes(resolution):
    boxes = random_boxes(300)
    frames = frames_around(boxes, 20)
    masks = torch.zeros(300, 28, 28)
    rows, columns = torch.randint(0, 28, (2, 300))
    masks[torch.arange(300), rows, columns] = 0.5  # one cell of it
    seen = masks_in_frames(masks, boxes, frames, resolution)
    # What is seen is all there is: half a cell.
    area = seen.double().mean(dim=(1, 2)) * 400
    torch.testing.assert_close(area, torch.full((300,), 0.5 / 28**2).double(), rtol=1e-3, atol=0)
    # And it stays in a union, and beside what the union's box holds.
    human = masks_in_frames(torch.ones(300, 28, 28), frames, frames, resolution) * 0
    union = torch.maximum(human, seen)
    pooled = torch.rand(300, 2, resolution, resolution) + 0.1
    for representation in ("mask", "sum"):
        without = represent(pooled, human, representation)
        assert (represent(pooled, union, representation) > without).flatten(1).any(dim=1).all()


def test_a_full_mask_covers_what_its_box_covers():
    boxes = random_boxes(20)
    frames = frames_around(boxes, 3)
    seen = masks_in_frames(torch.ones(20, 28, 28), boxes, frames, 7)
    torch.testing.assert_close(seen, box_coverage(boxes, frames, 7), atol=1e-6, rtol=0)


def test_in_its_own_frame_a_mask_is_averaged_over_bins():
    masks = torch.rand(3, 28, 28)
    boxes = torch.tensor([[0.0, 0, 10, 10], [3, 4, 50, 20], [7, 7, 8, 9]])
    expected = torch.nn.functional.avg_pool2d(masks[:, None], 4)[:, 0]
    torch.testing.assert_close(masks_in_frames(masks, boxes, boxes, 7), expected)


def test_gradient_of_masks_in_frames():
    boxes = random_boxes(2).double()
    frames = frames_around(boxes, 1.5)
    masks = torch.rand(2, 4, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda m: masks_in_frames(m, boxes, frames, 3), masks)


def test_masks_in_frames_are_exact_under_autocast():
    boxes = random_boxes(2)
    frames, masks = frames_around(boxes, 2), torch.rand(2, 28, 28)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        seen = masks_in_frames(masks, boxes, frames, 7)
    torch.testing.assert_close(seen, masks_in_frames(masks, boxes, frames, 7))


def test_boxes_and_frames_without_area_and_no_mask():
    box, lines = torch.tensor([[2.0, 2, 8, 8]]), [[5.0, 5, 5, 5], [5.0, 1, 5, 9], [8.0, 2, 2, 8]]
    for line in torch.tensor(lines)[:, None]:
        for pair in ((line, box), (box, line), (line, line)):
            seen = masks_in_frames(torch.ones(1, 28, 28), *pair, 7)
            assert torch.equal(seen, torch.zeros(1, 7, 7))
    none = torch.zeros(0, 4)
    assert masks_in_frames(torch.zeros(0, 28, 28), none, none, 7).shape == (0, 7, 7)


@pytest.mark.parametrize("representation", ["bbox", "mask", "max", "sum"])
def test_table_8_representations_against_a_loop(representation):
    pooled, masks = torch.randn(2, 3, 2, 2), torch.rand(2, 2, 2)
    result = represent(pooled, masks, representation)
    for p in range(2):
        for c in range(3):
            for y in range(2):
                for x in range(2):
                    box = pooled[p, c, y, x].item()
                    mask = box * masks[p, y, x].item()
                    expected = {"bbox": box, "mask": mask, "max": max(box, mask), "sum": box + mask}
                    got = result[p, c, y, x].item()
                    assert got == pytest.approx(expected[representation], rel=1e-6)
