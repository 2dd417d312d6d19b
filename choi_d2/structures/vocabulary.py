"""The words of a model or a data set: its classes, its verbs, and what holds of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from detectron2.data import DatasetCatalog, MetadataCatalog

from choi_d2.utils import InputError


@dataclass(frozen=True)
class Vocabulary:
    """Names of object classes and verbs, in the order of their contiguous ids.

    It belongs to a model, and is saved with its weights; a data set has one in its metadata. Where
    the two meet they are joined by name, see :mod:`choi_d2.structures.joining`.

    Args:
        classes: name of each class id; K.
        verbs: name of each verb id; N.
        human_class: the class id of humans.
        humans_as_objects: can a human be the object of another human's action?
        objectless_verbs: ids of the verbs that take no object.
    """

    classes: tuple[str, ...]
    verbs: tuple[str, ...]
    human_class: int = 0
    humans_as_objects: bool = False
    objectless_verbs: tuple[int, ...] = ()

    @property
    def human(self) -> str:
        """What humans are called."""
        return self.classes[self.human_class]

    @property
    def verbs_without_object(self) -> tuple[str, ...]:
        """The names of the verbs that take no object."""
        return tuple(self.verbs[verb] for verb in self.objectless_verbs)

    @classmethod
    def from_metadata(cls, metadata: Any) -> Vocabulary:
        """Read ``thing_classes``, ``verb_classes``, ``human_class``, ``humans_as_objects`` and
        ``objectless_verbs`` (the last three: 0, False and none where absent).

        Args:
            metadata: of ``MetadataCatalog``, or of a model, see :meth:`as_metadata`.

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
            bool(getattr(metadata, "humans_as_objects", False)),
            tuple(sorted(getattr(metadata, "objectless_verbs", ()))),
        )

    def as_metadata(self) -> dict[str, Any]:
        """The same under the keys of ``MetadataCatalog``."""
        return {
            "thing_classes": list(self.classes),
            "verb_classes": list(self.verbs),
            "human_class": self.human_class,
            "humans_as_objects": self.humans_as_objects,
            "objectless_verbs": self.objectless_verbs,
        }

    def to_dict(self) -> dict[str, Any]:
        """Lists, strings and truth values alone, everything by its name; for files."""
        return {
            "classes": list(self.classes),
            "verbs": list(self.verbs),
            "human": self.human,
            "humans_as_objects": self.humans_as_objects,
            "verbs_without_object": list(self.verbs_without_object),
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Vocabulary:
        """What :meth:`to_dict` gave.

        Raises:
            InputError: a key is missing, of another type, or names what is not there.
        """
        lists = {}
        for key in ("classes", "verbs", "verbs_without_object"):
            names = content.get(key)
            is_names = isinstance(names, list | tuple) and all(isinstance(x, str) for x in names)
            if not is_names or len(set(names)) < len(names):
                raise InputError(f"expected a list of different names, found {names!r}", field=key)
            lists[key] = tuple(names)
        classes, verbs, objectless = lists.values()
        if content.get("human") not in classes:
            problem = f"expected one of the classes, found {content.get('human')!r}"
            raise InputError(problem, field="human")
        if unknown := set(objectless) - set(verbs):
            problem = f"expected some of the verbs, found {sorted(unknown)}"
            raise InputError(problem, field="verbs_without_object")
        return cls(
            classes,
            verbs,
            classes.index(content["human"]),
            bool(content.get("humans_as_objects", False)),
            tuple(sorted(verbs.index(verb) for verb in objectless)),
        )


def dataset_vocabulary(name: str) -> Vocabulary | None:
    """What the metadata of a registered data set says of its classes and verbs.

    Returns:
        None where it names no classes: the data set is not registered, or its file, which has the
        names, has not been read yet. A data set of detection alone has no verbs.
    """
    if name not in DatasetCatalog:
        return None
    metadata = MetadataCatalog.get(name)
    if not metadata.get("thing_classes"):
        return None
    return Vocabulary(
        tuple(metadata.thing_classes),
        tuple(metadata.get("verb_classes") or ()),
        int(metadata.get("human_class", 0)),
        bool(metadata.get("humans_as_objects", False)),
        tuple(sorted(metadata.get("objectless_verbs", ()))),
    )
