import pytest
import torch

from choi_d2.structures import HOIAnnotations

RECORDS = [
    {"human": 0, "object": 1, "verbs": [2]},
    {"human": 3, "object": 3, "verbs": [0]},
    {"human": 0, "object": 1, "verbs": [1, 2]},
    {"human": 3, "object": 2, "verbs": [3]},
]


def test_entries_of_one_pair_become_one_row():
    annotations = HOIAnnotations.from_records(RECORDS, num_verbs=4)
    assert annotations.pairs.tolist() == [[0, 1], [3, 3], [3, 2]]
    assert annotations.verbs.tolist() == [[0, 1, 1, 0], [1, 0, 0, 0], [0, 0, 0, 1]]
    assert len(annotations) == 3 and annotations.num_verbs == 4


def test_pairs_stay_true_when_instances_go():
    annotations = HOIAnnotations.from_records(RECORDS, num_verbs=4)
    kept = annotations.filter_instances(torch.tensor([True, False, True, True]))
    assert kept.pairs.tolist() == [[2, 2], [2, 1]]
    assert kept.verbs.tolist() == [[1, 0, 0, 0], [0, 0, 0, 1]]
    nobody = annotations.filter_instances(torch.zeros(4, dtype=torch.bool))
    assert nobody.pairs.shape == (0, 2) and nobody.verbs.shape == (0, 4)


def test_filter_against_a_loop_over_random_pairs():
    pairs = torch.randint(0, 8, (20, 2))
    annotations = HOIAnnotations(pairs, torch.rand(20, 3).round())
    keep = torch.rand(8) < 0.6
    survivors = keep.nonzero()[:, 0].tolist()
    expected = [
        [survivors.index(h), survivors.index(o)]
        for h, o in pairs.tolist()
        if h in survivors and o in survivors
    ]
    assert annotations.filter_instances(keep).pairs.tolist() == expected


def test_verb_table():
    table = HOIAnnotations.from_records(RECORDS, num_verbs=4).verb_table(4)
    assert table.shape == (4, 4, 4) and table.sum() == 4
    assert table[0, 1].tolist() == [0, 1, 1, 0] and table[1, 0].sum() == 0


def test_nothing_annotated():
    for annotations in (HOIAnnotations.empty(5), HOIAnnotations.from_records([], 5)):
        assert len(annotations) == 0 and annotations.num_verbs == 5
        assert annotations.filter_instances(torch.zeros(0, dtype=torch.bool)).num_verbs == 5
        assert annotations.verb_table(2).sum() == 0


@pytest.mark.parametrize(
    "pairs, verbs, field",
    [
        (torch.zeros(2, 3, dtype=torch.int64), torch.zeros(2, 4), "pairs"),
        (torch.zeros(2, 2), torch.zeros(2, 4), "pairs"),
        (torch.zeros(2, 2, dtype=torch.int64), torch.zeros(3, 4), "verbs"),
    ],
)
def test_wrong_shapes(pairs, verbs, field):
    with pytest.raises(ValueError, match=field):
        HOIAnnotations(pairs, verbs)
