import math

import pytest
import torch

from choi_d2.modeling.interaction.ihsm import mine_human_semantics


def plain_ihsm(human):
    """Eqs. 5-7 for one human region (C, H, W), position by position, as the paper writes them."""
    channels, height, width = human.shape
    pixels = [human[:, y, x].tolist() for y in range(height) for x in range(width)]
    enhanced = torch.zeros_like(human)
    for i, h_i in enumerate(pixels):
        exponentials = [math.exp(sum(a * b for a, b in zip(h_i, h_j))) for h_j in pixels]
        z_i = sum(exponentials)
        similarity = [e / z_i for e in exponentials]  # Eq. 5
        for c in range(channels):
            context = sum(a * h_j[c] for a, h_j in zip(similarity, pixels))  # Eq. 6
            enhanced[c, i // width, i % width] = h_i[c] + context  # Eq. 7
    return enhanced


@pytest.mark.parametrize("shape", [(3, 4, 7), (5, 3, 2), (1, 1, 1)])
def test_eqs_5_6_7_against_a_plain_loop(shape):
    channels, size, humans = shape
    regions = torch.randn(humans, channels, size, size, dtype=torch.float64)
    expected = torch.stack([plain_ihsm(x) for x in regions])
    torch.testing.assert_close(mine_human_semantics(regions), expected)


def test_of_non_contiguous_regions():
    regions = torch.randn(2, 3, 3, 4).permute(0, 3, 1, 2)
    torch.testing.assert_close(mine_human_semantics(regions), mine_human_semantics(regions.clone()))


def test_scaled_divides_by_the_root_of_the_channels():
    regions = torch.randn(2, 16, 3, 3, dtype=torch.float64)
    # h / 2 has inner products that are 4 = sqrt(16) times smaller.
    context = mine_human_semantics(regions, scaled=True) - regions
    torch.testing.assert_close(context, 2 * (mine_human_semantics(regions / 2) - regions / 2))


def test_gradient_in_float64():
    regions = torch.randn(2, 3, 2, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(mine_human_semantics, regions)


def test_no_human():
    assert mine_human_semantics(torch.zeros(0, 4, 7, 7)).shape == (0, 4, 7, 7)


def test_large_features_stay_finite_in_half_precision():
    # Inner products of 256 * 40^2 = 409,600 are far above float16's 65,504.
    regions = torch.full((1, 256, 2, 2), 40.0, dtype=torch.float16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        enhanced = mine_human_semantics(regions)
    assert enhanced.dtype == torch.float16
    torch.testing.assert_close(enhanced, regions * 2)
