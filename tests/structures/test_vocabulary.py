import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

from choi_d2.structures import Vocabulary
from choi_d2.utils import InputError


@pytest.fixture
def metadata():
    return SimpleNamespace(
        name="toy",
        thing_classes=["human", "cup", "bike"],
        verb_classes=["hold", "ride", "walk"],
        objectless_verbs=(2,),
    )


def test_words(metadata):
    vocabulary = Vocabulary.from_metadata(metadata)
    assert vocabulary.classes == ("human", "cup", "bike")
    assert vocabulary.verbs == ("hold", "ride", "walk")
    assert (vocabulary.human_class, vocabulary.human) == (0, "human")
    assert vocabulary.verbs_without_object == ("walk",) and not vocabulary.humans_as_objects
    assert Vocabulary.from_metadata(SimpleNamespace(**vocabulary.as_metadata())) == vocabulary


def test_a_file_has_plain_words(metadata):
    vocabulary = replace(Vocabulary.from_metadata(metadata), human_class=1)
    content = json.loads(json.dumps(vocabulary.to_dict()))
    assert content["human"] == "cup" and content["verbs_without_object"] == ["walk"]
    assert Vocabulary.from_dict(content) == vocabulary


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("classes", "human"),
        ("classes", ["human", "human"]),
        ("classes", [1, 2]),
        ("verbs", None),
        ("human", "person"),
        ("verbs_without_object", ["run"]),
    ],
)
def test_broken_words_are_refused(metadata, key, value):
    content = {**Vocabulary.from_metadata(metadata).to_dict(), key: value}
    with pytest.raises(InputError, match=f"field '{key}'"):
        Vocabulary.from_dict(content)


@pytest.mark.parametrize("missing", ["thing_classes", "verb_classes"])
def test_missing_words_are_named(metadata, missing):
    incomplete = SimpleNamespace(**{k: v for k, v in vars(metadata).items() if k != missing})
    with pytest.raises(InputError, match=f"'toy' has no '{missing}'"):
        Vocabulary.from_metadata(incomplete)
