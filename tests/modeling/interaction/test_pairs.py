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


def test_objectless_verbs_belong_to_self_pairs_alone():
    valid = valid_verbs(torch.tensor([[0, 1], [2, 2]]), 4, (1, 3))
    assert valid.tolist() == [[True, False, True, False], [False, True, False, True]]
    assert valid_verbs(torch.tensor([[0, 1]]), 2, ()).all()


@pytest.mark.parametrize(
    "positives, negatives", [(100, 1000), (5, 1000), (100, 20), (0, 9), (3, 0)]
)
def test_sample_is_at_most_128_and_one_to_three(positives, negatives):
    is_positive = torch.cat([torch.ones(positives), torch.zeros(negatives)]).bool()
    sample = sample_pairs(is_positive, 128, 0.25)
    chosen = is_positive[sample]
    assert len(sample) == len(sample.unique()) <= 128
    assert chosen.sum() == min(positives, 32)
    assert (~chosen).sum() == min(negatives, 128 - min(positives, 32))
