import pytest
import torch

from choi_d2.modeling.interaction.pairs import (
    drop_same_instance,
    enumerate_pairs,
    sample_pairs,
    valid_verbs,
)


@pytest.mark.parametrize("humans_as_objects", [True, False])
@pytest.mark.parametrize("self_pairs", [True, False])
@pytest.mark.parametrize("classes", [[0, 3, 0, 1], [], [2, 2], [0], [0, 0]])
def test_every_ordered_human_and_other_instance(classes, humans_as_objects, self_pairs):
    is_human = torch.tensor(classes) == 0
    expected = []
    for h in range(len(classes)):
        for o in range(len(classes)):
            other = h != o and (humans_as_objects or classes[o] != 0)
            if classes[h] == 0 and (other or (self_pairs and h == o)):
                expected.append([h, o])
    pairs = enumerate_pairs(is_human, humans_as_objects=humans_as_objects, self_pairs=self_pairs)
    assert pairs.shape == (len(expected), 2) and pairs.tolist() == expected


def test_two_boxes_of_one_instance_are_no_pair():
    pairs = torch.tensor([[0, 1], [0, 2], [1, 1]])
    assert drop_same_instance(pairs, torch.tensor([7, 7, 3])).tolist() == [[0, 2], [1, 1]]
    # Boxes that match nothing are not one instance.
    assert drop_same_instance(pairs, torch.tensor([-1, -1, 3])).tolist() == pairs.tolist()


def test_objectless_verbs_belong_to_self_pairs_alone():
    valid = valid_verbs(torch.tensor([[0, 1], [2, 2]]), 4, (1, 3))
    assert valid.tolist() == [[True, False, True, False], [False, True, False, True]]
    assert valid_verbs(torch.tensor([[0, 1]]), 2, ()).all()


@pytest.mark.parametrize(
    "positives, negatives", [(100, 1000), (5, 1000), (100, 20), (0, 9), (3, 0)]
)
@pytest.mark.parametrize("spread", [True, False])
def test_sample_is_at_most_128_and_one_to_three(positives, negatives, spread):
    pairs = torch.cat([torch.arange(positives) % 7, torch.full((negatives,), -1)])
    is_truth = torch.zeros(len(pairs), dtype=torch.bool)
    sample = sample_pairs(pairs, is_truth, 128, 0.25, spread=spread)
    chosen = pairs[sample] >= 0
    assert len(sample) == len(sample.unique()) <= 128
    assert torch.equal(sample, sample.sort().values)
    assert chosen.sum() == min(positives, 32)
    assert (~chosen).sum() == min(negatives, 128 - min(positives, 32))


def taken(views, quota, truth=True):
    """How many views of each annotated pair are in a sample, and how many are the pair itself."""
    pairs = torch.arange(len(views)).repeat_interleave(torch.tensor(views))
    is_truth = torch.zeros_like(pairs) > 0
    if truth:
        is_truth[torch.tensor(views).cumsum(0) - 1] = True
    order = torch.randperm(len(pairs))
    sample = order[sample_pairs(pairs[order], is_truth[order], quota, 1.0)]
    return torch.bincount(pairs[sample], minlength=len(views)).tolist(), int(is_truth[sample].sum())


@pytest.mark.parametrize("seed", range(5))
def test_positives_are_spread_evenly_and_the_pairs_themselves_come_first(seed):
    torch.manual_seed(seed)
    views = [1, 2, 50, 3, 80]
    counts, truths = taken(views, 20)
    # By hand: 1, 2 and 3 are all; the 14 that are left are shared.
    assert counts == [1, 2, 7, 3, 7] and truths == 5
    counts, truths = taken(views, 5)
    assert counts == [1] * 5 and truths == 5
    counts, truths = taken(views, 3)
    assert sorted(counts) == [0, 0, 1, 1, 1] and truths == 3
    counts, truths = taken(views, 1000)
    assert counts == views


def test_no_annotated_pair_is_preferred():
    torch.manual_seed(0)
    total = torch.tensor([taken([3, 3, 3, 3], 2, truth=False)[0] for _ in range(400)]).sum(dim=0)
    assert total.sum() == 800 and (total - 200).abs().max() < 50


def test_every_view_has_its_chance():
    torch.manual_seed(0)
    pairs, is_truth = torch.tensor([0, 0, 0, 0, -1]), torch.tensor([False] * 3 + [True, False])
    samples = [sample_pairs(pairs, is_truth, 4, 0.5) for _ in range(300)]
    counts = torch.bincount(torch.cat(samples), minlength=5).tolist()
    assert counts[3:] == [300, 300]
    assert all(60 < count < 140 for count in counts[:3]) and sum(counts[:3]) == 300
