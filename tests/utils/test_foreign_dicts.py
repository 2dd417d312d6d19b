"""Pickles of classes that are not there: subclasses of dict become dicts, nothing else becomes."""

import collections
import os
import pickle
import sys
import types

import pytest

from choi_d2.utils import InputError
from choi_d2.utils.safe_pickle import read_pickle

CONTENT = {"image_id": 9, "hold_agent": 0.5, "hold_obj": [1.0, 2.0, 3.0, 4.0, 0.5]}


class Plain(dict):
    pass


class WithDefault(collections.defaultdict):
    def __init__(self, **content):
        super().__init__()
        self.update(content)

    def __missing__(self, key):
        raise AssertionError("code of the class has run")


class WithFactory(collections.defaultdict):
    pass


class Ordered(collections.OrderedDict):
    pass


class Counted(collections.Counter):
    pass


class Slotted(dict):
    __slots__ = ("name",)


class Custom(dict):
    def __reduce__(self):
        return Custom, (dict(self),)


class Outer:
    class Nested(dict):
        pass


def objects():
    named, slotted = Plain(CONTENT), Slotted(CONTENT)
    named.name, slotted.name = "an attribute", "another"
    return {
        "plain": Plain(CONTENT),
        "with attributes": named,
        "with slots": slotted,
        "UPT's": WithDefault(**CONTENT),
        "with a factory": WithFactory(float, CONTENT),
        "ordered": Ordered(CONTENT),
        "counter": Counted(CONTENT),
        "own reduce": Custom(CONTENT),
        "nested": Outer.Nested(CONTENT),
        "defaultdict itself": collections.defaultdict(list, CONTENT),
    }


@pytest.fixture
def elsewhere(monkeypatch):
    """While pickling, the classes are those of a module ``utils``; when reading there is none."""
    module = types.ModuleType("utils")
    classes = (Plain, WithDefault, WithFactory, Ordered, Counted, Slotted, Custom, Outer)
    for each in classes:
        monkeypatch.setattr(each, "__module__", "utils")
        setattr(module, each.__name__, each)
    monkeypatch.setattr(Outer.Nested, "__module__", "utils")

    def dumps(content, protocol):
        sys.modules["utils"] = module
        try:
            return pickle.dumps(content, protocol=protocol)
        finally:
            del sys.modules["utils"]

    return dumps


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_subclasses_of_dict_are_dicts(tmp_path, elsewhere, protocol):
    for name, content in objects().items():
        if (name == "with slots" and protocol < 2) or (name == "nested" and protocol < 4):
            continue  # Python itself cannot pickle it so, or only with a call of getattr
        (tmp_path / "a.pkl").write_bytes(elsewhere([content], protocol))
        (found,) = read_pickle(tmp_path / "a.pkl", foreign_dicts=True)
        assert isinstance(found, dict) and found == CONTENT, name
        assert "utils" not in sys.modules
        if name != "defaultdict itself":
            with pytest.raises(InputError, match=r"it names (utils|copy_?reg)\."):
                read_pickle(tmp_path / "a.pkl")


class Malicious:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_code_is_not_run(tmp_path, protocol):
    mark = tmp_path / "was_here"
    for attack in (
        Malicious(os.mkdir, str(mark)),
        Malicious(os.system, f"touch {mark}"),
        Malicious(eval, f"open({str(mark)!r}, 'w')"),
        Malicious(getattr, "text", "upper"),
        Malicious(collections.OrderedDict.fromkeys, Malicious(os.mkdir, str(mark))),
    ):
        (tmp_path / "a.pkl").write_bytes(pickle.dumps([attack], protocol=protocol))
        with pytest.raises(InputError, match="would execute code: it names"):
            read_pickle(tmp_path / "a.pkl", foreign_dicts=True)
    assert not mark.exists()


def test_a_call_without_arguments_is_not_made_either(tmp_path):
    (tmp_path / "a.pkl").write_bytes(pickle.dumps([Malicious(os.getcwd)]))
    assert read_pickle(tmp_path / "a.pkl", foreign_dicts=True) == [{}]
