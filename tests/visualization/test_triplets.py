import torch

from choi_d2.visualization import Triplet, annotated_triplets, group_by_pair, top_triplets


def test_top_triplets_are_the_best_ones_in_order(interactions):
    found = top_triplets(interactions)
    expected = []
    for (human, object_), scores in zip(
        interactions.pair_indices.tolist(), interactions.triplet_scores.tolist()
    ):
        for verb, score in enumerate(scores):
            if score > 0:
                expected.append(Triplet(human, object_, verb, score))
    # sorted() is stable, as top_triplets promises to be.
    assert found == sorted(expected, key=lambda triplet: -triplet.score)


def test_top_triplets_respect_threshold_and_number(interactions):
    assert [t.verb for t in top_triplets(interactions, score_thresh=0.5)] == [1, 0, 2]
    assert len(top_triplets(interactions, score_thresh=0.1, max_triplets=2)) == 2
    assert top_triplets(interactions, score_thresh=1.5) == []


def test_a_zero_or_nan_score_is_no_prediction(interactions):
    interactions.triplet_scores = torch.tensor(
        [[0.0, float("nan"), 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.2]]
    )
    assert [(t.human, t.verb) for t in top_triplets(interactions, 0.0)] == [(2, 2)]


def test_no_pair(interactions):
    assert top_triplets(interactions[torch.zeros(3, dtype=torch.bool)]) == []


def test_annotated_triplets_and_their_pairs(record):
    triplets = annotated_triplets(record["interactions"])
    assert triplets == [Triplet(0, 1, 0), Triplet(0, 1, 1), Triplet(2, 2, 2)]
    assert [triplet.has_object for triplet in triplets] == [True, True, False]
    assert group_by_pair(triplets) == {(0, 1): triplets[:2], (2, 2): triplets[2:]}
