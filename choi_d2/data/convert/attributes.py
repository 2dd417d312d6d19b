"""Relations that a tool without relations expresses by attributes and groups of shapes.

CVAT has none, and its users write them in one of these ways:

- **by id**: shapes have an attribute ``id``, unique in their image; a human has the verb
  (``verb``, ``action``, ``interaction``, ``relation``, ``predicate``, also in the plural), and
  ``object_id`` (or ``target``, ``target_id``) says whose id it acts on. ``verb: "ride:3; hold:5"``
  says both at once.
- **by group**: human and object are in one group (``group_id``); the verb is an attribute of the
  human, and holds for the objects of the group that have none, or of the object.
- a human with a verb, and neither an id nor an object in its group: the verb takes no object.

Several verbs or ids are separated by commas or semicolons. One verb with several objects, and
several verbs with one object, are clear; several with several are not, and are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .content import ContentBuilder

_SINGULAR = ("verb", "action", "interaction", "relation", "predicate")
VERB_ATTRIBUTES = (*_SINGULAR, *(f"{name}s" for name in _SINGULAR))
ID_ATTRIBUTES = ("id", "instance_id")
TARGET_ATTRIBUTES = ("object_id", "target", "target_id")
_NONE = ("", "none", "null", "no_interaction", "no interaction", "__undefined__")


@dataclass(frozen=True)
class Shape:
    """An instance with what its tool knows of it.

    Attributes:
        own: its id in the builder.
        human: is it one of the people?
        field: where it stands, for messages.
        attributes: name -> value.
        group: 0: none.
    """

    own: int
    human: bool
    field: str
    attributes: Mapping[str, Any] = field(default_factory=dict)
    group: int | str = 0

    def values(self, names: Iterable[str]) -> list[str]:
        """The values of these attributes, split at commas and semicolons."""
        wanted = {name.lower() for name in names}
        found = [
            part.strip()
            for name, value in self.attributes.items()
            if name.strip().lower() in wanted
            for part in re.split(r"[,;\n]", str(value))
        ]
        return [value for value in dict.fromkeys(found) if value.lower() not in _NONE]


def relate(
    shapes: Sequence[Shape], image: str, verb_attributes: Sequence[str], builder: ContentBuilder
) -> None:
    """Add the triplets of an image.

    Args:
        shapes: all of the image.
        image: its name, for messages.
        verb_attributes: names of the attributes that are verbs; by default ``VERB_ATTRIBUTES``.
        builder: takes the triplets; what is not clear is reported to its problems.
    """
    names = verb_attributes or VERB_ATTRIBUTES
    verbs = {shape.own: shape.values(names) for shape in shapes}
    relations = _Relations(shapes, image, verbs, builder)
    for shape in shapes:
        if verbs[shape.own]:
            relations.add_of(shape)


@dataclass(frozen=True)
class _Relations:
    shapes: Sequence[Shape]
    image: str
    verbs: Mapping[int, list[str]]
    builder: ContentBuilder

    def add_of(self, shape: Shape) -> None:
        """Add what a shape's verbs say."""
        alone, with_id = [], []
        for verb in self.verbs[shape.own]:
            name, colon, target = verb.rpartition(":")
            (with_id.append((name.strip(), target.strip())) if colon else alone.append(verb))
        for verb, target in with_id:
            self._add_by_id(shape, [verb], [target])
        targets = shape.values(TARGET_ATTRIBUTES)
        if not alone:
            return
        if targets:
            self._add_by_id(shape, alone, targets)
        else:
            self._add_by_group(shape, alone)

    def _add_by_id(self, shape: Shape, verbs: list[str], targets: list[str]) -> None:
        found = []
        for target in targets:
            same = [each for each in self.shapes if target in each.values(ID_ATTRIBUTES)]
            if len(same) == 1:
                found.append(same[0].own)
            elif same:
                self._report(shape, "unclear relation", f"{len(same)} shapes have the id {target}")
            else:
                self._report(shape, "dangling id", f"no shape has the id {target!r}")
        self._add(shape, verbs, [shape.own], found)

    def _add_by_group(self, shape: Shape, verbs: list[str]) -> None:
        group = [each for each in self.shapes if each.group == shape.group and shape.group]
        humans = [each for each in group if each.human]
        if not shape.human:
            if len(humans) == 1:
                self._add(shape, verbs, [humans[0].own], [shape.own])
            else:
                message = f"whose verb is it? There are {len(humans)} people in its group"
                self._report(shape, "unclear relation", message)
            return
        idle = [each for each in group if not self.verbs[each.own] and each is not shape]
        things = [each.own for each in idle if not each.human] or [each.own for each in idle]
        acting = [each for each in humans if self.verbs[each.own]]
        if len(acting) > 1 and len(things) > 1:
            message = f"{len(acting)} people with verbs and {len(things)} objects are in one group"
            self._report(shape, "unclear relation", message)
        else:
            self._add(shape, verbs, [shape.own], things or [None])

    def _add(
        self, shape: Shape, verbs: list[str], humans: list[int], targets: list[int | None]
    ) -> None:
        if len(verbs) > 1 and len(targets) > 1:
            message = f"which of the verbs {', '.join(verbs)} is of which of the objects?"
            self._report(shape, "unclear relation", message)
            return
        for verb in verbs:
            for target in targets:
                self.builder.add_triplet(
                    humans[0], target, verb, image=self.image, field=shape.field
                )

    def _report(self, shape: Shape, kind: str, message: str) -> None:
        self.builder.problems.add(kind, message, image=self.image, field=shape.field)
