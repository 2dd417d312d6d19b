import torch

from choi_d2.data import count_semantic_prior


def record(classes, interactions):
    return {
        "annotations": [{"category_id": category} for category in classes],
        "interactions": [
            {"human": human, "object": object, "verbs": verbs}
            for human, object, verbs in interactions
        ],
    }


def test_count_semantic_prior():
    records = [
        record([0, 1, 2], [(0, 1, [0, 2]), (0, 2, [1])]),
        record([1, 0, 0], [(1, 0, [2]), (1, 1, [1])]),
        record([0, 1], []),
        {"file_name": "a test image"},
    ]
    # Class 1: two pairs, verb 0 once, verb 2 twice. The pair of record 1 with itself is none.
    expected = [
        [1 / 2, 1 / 2, 1 / 2],
        [2 / 4, 1 / 4, 3 / 4],
        [1 / 3, 2 / 3, 1 / 3],
        [1 / 2, 1 / 2, 1 / 2],
    ]
    prior = count_semantic_prior(records, num_classes=4, num_verbs=3)
    torch.testing.assert_close(prior, torch.tensor(expected))


def test_verbs_without_an_object_are_counted_on_people():
    records = [
        # Verb 2 takes no object. Verb 0 lacks its object twice.
        record([0, 0, 1], [(0, 0, [2]), (1, 1, [0, 2]), (0, 1, [0]), (0, 2, [1])]),
        record([0], [(0, 0, [0])]),
    ]
    expected = [
        [2 / 3, 1 / 3, 3 / 5],
        [1 / 3, 2 / 3, 1 / 2],
    ]
    prior = count_semantic_prior(records, 2, 3, objectless_verbs=(2,))
    torch.testing.assert_close(prior, torch.tensor(expected))
