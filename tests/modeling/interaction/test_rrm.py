import pytest
import torch

from choi_d2.modeling.interaction.rrm import (
    RelationRankingModule,
    ranking_accuracy,
    ranking_features,
    ranking_loss,
)

DIMS = {"visual": 4, "geometric": 3}


def plain_hinge(scores, annotated, margin):
    """The double sum of Eq. 14 and how many terms it has."""
    total, terms = 0.0, 0
    for p_hat, is_annotated in zip(scores.tolist(), annotated.tolist()):
        for p_check, is_annotated_too in zip(scores.tolist(), annotated.tolist()):
            if is_annotated and not is_annotated_too:
                total += max(0.0, p_check - p_hat + margin)
                terms += 1
    return total, terms


@pytest.mark.parametrize("pairs", [0, 1, 2, 17])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_eq_14_against_a_plain_double_sum(pairs, reduction):
    scores, annotated = torch.rand(pairs).double(), torch.rand(pairs) < 0.4
    total, terms = plain_hinge(scores, annotated, 0.2)
    expected = total if reduction == "sum" else total / max(terms, 1)
    assert ranking_loss(scores, annotated, 0.2, reduction).item() == pytest.approx(expected)


@pytest.mark.parametrize("annotated", [[True, True], [False, False], []])
def test_eq_14_without_a_combination_is_zero_and_connected(annotated):
    scores = torch.rand(len(annotated), requires_grad=True)
    loss = ranking_loss(scores, torch.tensor(annotated, dtype=torch.bool), 0.2, "mean")
    loss.backward()
    assert loss.item() == 0 and scores.grad.tolist() == [0.0] * len(annotated)


def test_eq_14_gradient_in_float64():
    # Far from the hinge's kink, where no derivative exists.
    scores = torch.tensor([0.9, 0.55, 0.3, 0.6, 0.1], dtype=torch.float64, requires_grad=True)
    annotated = torch.tensor([True, True, False, False, False])
    for reduction in ("mean", "sum"):
        assert torch.autograd.gradcheck(
            lambda x: ranking_loss(x, annotated, 0.2, reduction),  # noqa: B023
            scores,
        )


def test_eq_12_accuracy_counts_combinations_in_the_right_order():
    scores, annotated = torch.tensor([0.5, 0.7, 0.6, 0.2]), torch.tensor([1, 0, 0, 0]).bool()
    assert ranking_accuracy(scores, annotated) == pytest.approx(1 / 3)
    assert ranking_accuracy(scores, torch.zeros(4).bool()) is None


def test_eq_13_is_a_sigmoid_of_one_layer_over_both_features():
    rrm = RelationRankingModule(DIMS, margin=0.2, reduction="mean")
    visual, geometric = torch.randn(5, 4), torch.randn(5, 3)
    scores = rrm({"semantic": torch.randn(5, 9), "geometric": geometric, "visual": visual})
    for row in range(5):
        logit = rrm.fc(torch.cat([visual[row], geometric[row]]))
        torch.testing.assert_close(scores[row], torch.sigmoid(logit)[0])


def test_loss_of_a_batch_is_the_mean_over_images():
    rrm = RelationRankingModule(DIMS, margin=0.2, reduction="sum")
    scores = [torch.tensor([0.1, 0.9]), torch.rand(3)]
    annotated = [torch.tensor([True, False]), torch.zeros(3).bool()]
    assert rrm.losses(scores, annotated).item() == pytest.approx((0.9 - 0.1 + 0.2) / 2)


def test_unknown_reduction():
    with pytest.raises(ValueError, match="RRM.REDUCTION"):
        RelationRankingModule(DIMS, margin=0.2, reduction="max")


@pytest.mark.parametrize(
    "streams, features",
    [
        (("semantic", "geometric", "visual"), ("visual", "geometric")),
        (("semantic", "visual"), ("visual",)),
        (("geometric",), ("geometric",)),
        (("semantic",), ("semantic",)),
    ],
)
def test_pairs_are_ranked_by_the_streams_in_use(streams, features):
    assert ranking_features(streams) == features
