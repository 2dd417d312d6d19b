import pytest
import torch
from detectron2.structures import Boxes, Instances

from choi_d2.modeling.roi_heads.prediction import TripletScore, make_interactions


def predict(*factors):
    instances = Instances((10, 20))
    instances.pred_boxes = Boxes(torch.arange(12.0).reshape(3, 4))
    instances.scores = torch.tensor([0.5, 0.8, 0.4])
    instances.pred_classes = torch.tensor([0, 2, 0])
    pairs = torch.tensor([[0, 1], [2, 2]])
    verbs = torch.tensor([[0.5, 0.25, 0.0], [0.0, 0.0, 1.5]])
    ranks = torch.tensor([0.9, 0.1])
    return make_interactions(instances, pairs, ranks, verbs, TripletScore(factors))


def test_score_is_human_times_object_times_verb_and_a_self_pair_has_no_object():
    scores = predict("human", "object", "verb").triplet_scores
    expected = [[0.5 * 0.8 * 0.5, 0.5 * 0.8 * 0.25, 0], [0, 0, 0.4 * 1.5]]
    torch.testing.assert_close(scores, torch.tensor(expected))


def test_other_factors():
    torch.testing.assert_close(
        predict("verb", "rank").triplet_scores,
        torch.tensor([[0.45, 0.225, 0], [0, 0, 0.15]]),
    )
    # A verb that the pair cannot have has no score even where verbs do not count.
    assert predict("human").triplet_scores.tolist()[0] == [0.5, 0.5, 0]


def test_fields():
    interactions = predict("verb")
    assert interactions.human_boxes.tensor.tolist() == [[0, 1, 2, 3], [8, 9, 10, 11]]
    assert interactions.object_boxes.tensor.tolist() == [[4, 5, 6, 7], [8, 9, 10, 11]]
    assert interactions.human_classes.tolist() == [0, 0]
    assert interactions.object_classes.tolist() == [2, 0]


@pytest.mark.parametrize("factors", [(), ("human", "pose")])
def test_unknown_factors(factors):
    with pytest.raises(ValueError, match="TRIPLET_SCORE"):
        TripletScore(factors)
