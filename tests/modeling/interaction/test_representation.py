import pytest
import torch

from choi_d2.modeling.interaction.geometry import box_coverage
from choi_d2.modeling.interaction.representation import masks_in_frames, represent


def test_a_full_mask_covers_its_box_exactly_where_bins_and_mask_pixels_agree():
    boxes, frames = torch.tensor([[2.0, 4, 6, 8]]), torch.tensor([[0.0, 0, 8, 8]])
    seen = masks_in_frames(torch.ones(1, 28, 28), boxes, frames, 4)
    torch.testing.assert_close(seen, box_coverage(boxes, frames, 4), atol=0.04, rtol=0)


def test_in_its_own_frame_a_mask_is_averaged_over_bins():
    masks = torch.rand(3, 28, 28)
    boxes = torch.tensor([[0.0, 0, 10, 10], [3, 4, 50, 20], [7, 7, 8, 9]])
    expected = torch.nn.functional.avg_pool2d(masks[:, None], 4)[:, 0]
    torch.testing.assert_close(masks_in_frames(masks, boxes, boxes, 7), expected)


def test_halves_stay_on_their_side_of_the_union():
    left = torch.zeros(1, 28, 28)
    left[:, :, :14] = 1
    boxes, frames = torch.tensor([[0.0, 0, 8, 8]]), torch.tensor([[0.0, 0, 16, 8]])
    seen = masks_in_frames(left, boxes, frames, 4)
    torch.testing.assert_close(seen[0, 1], torch.tensor([1.0, 0, 0, 0]), atol=0.06, rtol=0)


def test_boxes_and_frames_without_area_and_no_mask_are_finite():
    boxes = torch.tensor([[5.0, 5, 5, 5]])
    assert torch.isfinite(masks_in_frames(torch.ones(1, 28, 28), boxes, boxes, 7)).all()
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
