import math

import pytest
import torch

from choi_d2.modeling.interaction.ihsm import (
    SIMILARITIES,
    HumanSemanticMining,
    attention_maps,
    mine_human_semantics,
)


def dot(a, b):
    return sum(x * y for x, y in zip(a, b))


def plain_exponent(h_i, h_j, similarity, scale):
    if similarity == "cosine":
        return scale * dot(h_i, h_j) / math.sqrt(dot(h_i, h_i) * dot(h_j, h_j))
    return dot(h_i, h_j) / (math.sqrt(len(h_i)) if similarity == "scaled" else 1)


def plain_ihsm(human, similarity="dot", scale=1.0):
    """Eqs. 5-7 for one human region (C, H, W), position by position, as the paper writes them."""
    channels, height, width = human.shape
    pixels = [human[:, y, x].tolist() for y in range(height) for x in range(width)]
    enhanced = torch.zeros_like(human)
    for i, h_i in enumerate(pixels):
        exponentials = [math.exp(plain_exponent(h_i, h_j, similarity, scale)) for h_j in pixels]
        z_i = sum(exponentials)
        a_i = [e / z_i for e in exponentials]  # Eq. 5
        for c in range(channels):
            context = sum(a * h_j[c] for a, h_j in zip(a_i, pixels))  # Eq. 6
            enhanced[c, i // width, i % width] = h_i[c] + context  # Eq. 7
    return enhanced


@pytest.mark.parametrize("similarity", SIMILARITIES)
@pytest.mark.parametrize("shape", [(3, 4, 7), (5, 3, 2), (1, 1, 1)])
def test_eqs_5_6_7_against_a_plain_loop(shape, similarity):
    channels, size, humans = shape
    regions = torch.randn(humans, channels, size, size, dtype=torch.float64)
    expected = torch.stack([plain_ihsm(x, similarity, 2.5) for x in regions])
    scale = torch.tensor(2.5, dtype=torch.float64)
    torch.testing.assert_close(mine_human_semantics(regions, similarity, scale), expected)


def test_the_papers_form_is_the_default():
    regions = torch.randn(2, 3, 4, 4)
    expected = HumanSemanticMining("dot")(regions)
    torch.testing.assert_close(mine_human_semantics(regions), expected)
    assert not list(HumanSemanticMining("dot").parameters())


def test_of_non_contiguous_regions():
    regions = torch.randn(2, 3, 3, 4).permute(0, 3, 1, 2)
    torch.testing.assert_close(mine_human_semantics(regions), mine_human_semantics(regions.clone()))


def test_scaled_divides_by_the_root_of_the_channels():
    regions = torch.randn(2, 16, 3, 3, dtype=torch.float64)
    # h / 2 has inner products that are 4 = sqrt(16) times smaller.
    context = mine_human_semantics(regions, "scaled") - regions
    torch.testing.assert_close(context, 2 * (mine_human_semantics(regions / 2) - regions / 2))


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_gradient_in_float64(similarity):
    regions = torch.randn(2, 3, 2, 2, dtype=torch.float64, requires_grad=True)
    scale = torch.tensor(3.0, dtype=torch.float64, requires_grad=similarity == "cosine")

    def mine(regions, scale):
        return mine_human_semantics(regions, similarity, scale)

    assert torch.autograd.gradcheck(mine, (regions, scale))


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_no_human(similarity):
    mining = HumanSemanticMining(similarity)
    enhanced = mining(torch.zeros(0, 4, 7, 7))
    assert enhanced.shape == (0, 4, 7, 7) and mining.own_share(enhanced).shape == (0, 49)
    enhanced.sum().backward() if enhanced.requires_grad else None
    assert all(p.grad == 0 for p in mining.parameters())


def test_unscaled_products_of_many_channels_see_themselves_alone_and_others_do_not():
    # Features as a backbone's: what positions share is larger than what tells them apart.
    regions = torch.randn(4, 64, 1, 1) + 0.5 * torch.randn(4, 64, 5, 5)
    shares = {name: HumanSemanticMining(name).own_share(regions).median() for name in SIMILARITIES}
    assert shares["dot"] > 0.999 and shares["scaled"] < 0.5 and shares["cosine"] < 0.5
    maps = attention_maps(regions, "cosine")
    torch.testing.assert_close(maps.sum(dim=2), torch.ones(4, 25))
    torch.testing.assert_close(
        HumanSemanticMining("cosine").own_share(regions), maps.diagonal(dim1=1, dim2=2)
    )


def test_positions_without_any_feature():
    regions = torch.zeros(1, 3, 2, 2, requires_grad=True)
    enhanced = HumanSemanticMining("cosine")(regions)
    enhanced.sum().backward()
    assert (enhanced == 0).all() and regions.grad.isfinite().all()


def test_another_similarity():
    with pytest.raises(ValueError, match="IHSM.SIMILARITY.*'cosine'.*'dots'"):
        HumanSemanticMining("dots")


def test_large_features_stay_finite_in_half_precision():
    # Inner products of 256 * 40^2 = 409,600 are far above float16's 65,504.
    regions = torch.full((1, 256, 2, 2), 40.0, dtype=torch.float16)
    for similarity in SIMILARITIES:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            enhanced = mine_human_semantics(regions, similarity)
        assert enhanced.dtype == torch.float16
        torch.testing.assert_close(enhanced, regions * 2)
