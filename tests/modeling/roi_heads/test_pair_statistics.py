import pytest
import torch
from detectron2.structures import Boxes, Instances
from detectron2.utils.events import EventStorage

from choi_d2.modeling.roi_heads.interaction_sampler import LabelledPairs
from choi_d2.modeling.roi_heads.pair_statistics import log_pairs

# Regions: two boxes that match instances 0 and 1, their ground truth, a false detection.
MATCHED, IS_TRUTH = [0, 1, 0, 1, -1], [False, False, True, True, False]
KINDS = {"truth": [2, 3], "matched": [0, 3], "unmatched": [2, 4]}


def labelled(*pairs):
    """A sample of ``(pair, has it a verb?)``."""
    regions = Instances((64, 96), boxes=Boxes(torch.zeros(5, 4)))
    regions.matched, regions.is_truth = torch.tensor(MATCHED), torch.tensor(IS_TRUTH)
    ends = torch.tensor([pair for pair, _ in pairs], dtype=torch.int64).reshape(-1, 2)
    verbs = torch.tensor([[float(verb)] for _, verb in pairs]).reshape(-1, 1)
    return LabelledPairs(regions, ends, verbs, torch.ones(len(pairs), 1, dtype=torch.bool))


def told(*args):
    with EventStorage() as storage:
        log_pairs(1, *args)
        return {n.removeprefix("stage1/pairs/"): v for n, (v, _) in storage.latest().items()}


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_of_negatives(kind):
    sample = labelled(([2, 3], True), (KINDS[kind], False), (KINDS[kind], False))
    counts = {k: int(rows.sum()) for k, rows in sample.negatives().items()}
    assert counts == {other: 2 * (other == kind) for other in KINDS}


def test_numbers_are_means_over_images_and_ranking_is_told_by_kind():
    first = labelled(
        ([2, 3], True), ([0, 1], True), (KINDS["truth"], False), (KINDS["unmatched"], False)
    )
    second = labelled(([2, 3], True), (KINDS["unmatched"], False))
    ranks = [torch.tensor([0.9, 0.4, 0.5, 0.1]), torch.tensor([0.3, 0.6])]
    assert told([first, second], ranks, 0.5) == {
        "sampled": 3.0,
        "positive": 1.5,
        "negative_truth": 0.5,
        "negative_matched": 0.0,
        "negative_unmatched": 1.0,
        "face_coverage": 0.5,
        # 3 of 4 combinations in the first image, none of one in the second.
        "ranking_accuracy": 0.375,
        "ranking_accuracy_truth": 0.5,
        "ranking_accuracy_unmatched": 0.5,
    }


def test_what_is_not_defined_is_not_told():
    counts = {"sampled", "positive", "negative_truth", "negative_matched", "negative_unmatched"}
    assert set(told([labelled()], None, float("nan"))) == counts
    assert set(told([labelled(([2, 3], True))], [torch.rand(1)], float("nan"))) == counts
