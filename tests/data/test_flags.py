import pytest

from choi_d2.data.validation import Problems, read_flag
from choi_d2.utils import InputError

MEANINGS = {
    False: [False, 0, 0.0, "0", "0.0", "false", "False", " FALSE\n", "no", "N", "f"],
    True: [True, 1, 1.0, "1", "1.0", "true", "True", "yes", "Y", "t"],
    None: [2, -1, 0.5, float("nan"), "", "2", "none", "crowd", [], [0], {}, None],
}


@pytest.mark.parametrize("meaning", MEANINGS)
def test_values_are_read_by_their_meaning(meaning):
    for value in MEANINGS[meaning]:
        assert read_flag(value) is meaning, value


@pytest.mark.parametrize("default", [True, False])
def test_what_is_not_said_is_the_default(default):
    problems = Problems("a.json")
    assert problems.flag({}, "key", default=default) is default
    assert problems.flag({"key": None}, "key", default=default) is default
    assert problems.flag({"key": "0"}, "key", default=default) is False
    assert problems.flag({"key": 1}, "key", default=default) is True


def test_anything_else_is_refused_with_its_place():
    with pytest.raises(InputError, match=r"a\.json, image 7, field 'x\[3\]\.key'.*found 'maybe'"):
        Problems("a.json").flag({"key": "maybe"}, "key", default=True, image=7, where="x[3]")
    problems = Problems("a.json", collect=True)
    problems.flag({"key": 2}, "key", default=True)
    assert problems.counts() == {"bad flag": 1}
