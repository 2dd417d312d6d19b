import pytest

from choi_d2.data import allowed_verb_table
from choi_d2.utils import InputError

CLASSES, VERBS = ["person", "ball", "bike"], ["kick", "ride", "run"]


def test_table_by_names():
    table = allowed_verb_table(CLASSES, VERBS, [("ride", "bike"), ("kick", "ball")], (2,))
    assert table.tolist() == [
        [False, False, True],
        [True, False, True],
        [False, True, True],
    ]


def test_without_a_list_all_are_allowed():
    table = allowed_verb_table(CLASSES, VERBS, None)
    assert table.shape == (3, 3) and table.all()


@pytest.mark.parametrize("pair,what", [(("hug", "ball"), "verb 'hug'"), (("kick", "cat"), "'cat'")])
def test_unknown_names(pair, what):
    with pytest.raises(InputError, match=f"allowed_interactions.*{what}"):
        allowed_verb_table(CLASSES, VERBS, [pair])
