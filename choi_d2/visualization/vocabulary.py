"""The words for class and verb ids, from a data set's metadata."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from choi_d2.utils import InputError


@dataclass(frozen=True)
class Vocabulary:
    """Names of a data set's object classes and verbs.

    Args:
        classes: name of each contiguous class id.
        verbs: name of each contiguous verb id.
        human_class: the class id of humans.
    """

    classes: tuple[str, ...]
    verbs: tuple[str, ...]
    human_class: int = 0

    @classmethod
    def from_metadata(cls, metadata: Any) -> Vocabulary:
        """Read ``thing_classes``, ``verb_classes`` and ``human_class`` (0 where absent).

        Raises:
            InputError: the names of classes or verbs are not there.
        """
        for key in ("thing_classes", "verb_classes"):
            if not getattr(metadata, key, None):
                name = getattr(metadata, "name", None)
                raise InputError(
                    f"the metadata of data set {name!r} has no '{key}'",
                    hint="Is its name spelled as it was registered, and is the code that registers "
                    "it imported? Otherwise set MetadataCatalog.get(name)."
                    f"{key} to the list of names.",
                )
        return cls(
            tuple(metadata.thing_classes),
            tuple(metadata.verb_classes),
            int(getattr(metadata, "human_class", 0)),
        )
