from types import SimpleNamespace

import pytest

from choi_d2.utils import InputError
from choi_d2.visualization import Vocabulary


def test_words(metadata):
    vocabulary = Vocabulary.from_metadata(metadata)
    assert vocabulary.classes == ("human", "cup", "bike")
    assert vocabulary.verbs == ("hold", "ride", "walk")
    assert vocabulary.human_class == 0


@pytest.mark.parametrize("missing", ["thing_classes", "verb_classes"])
def test_missing_words_are_named(metadata, missing):
    incomplete = SimpleNamespace(**{k: v for k, v in vars(metadata).items() if k != missing})
    with pytest.raises(InputError, match=f"'toy' has no '{missing}'"):
        Vocabulary.from_metadata(incomplete)
