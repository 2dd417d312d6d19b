"""Which verbs a data set knows for each class of objects."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch

from choi_d2.utils import InputError


def allowed_verb_table(
    thing_classes: Sequence[str],
    verb_classes: Sequence[str],
    allowed_interactions: Iterable[tuple[str, str]] | None,
    objectless_verbs: Iterable[int] = (),
) -> torch.Tensor:
    """The (verb, object) combinations of a data set as a table, by their names.

    Args:
        thing_classes, verb_classes: the names of the K classes and N verbs.
        allowed_interactions: (verb, object), all that there are; None allows every one.
        objectless_verbs: ids of the verbs that take no object; they are always allowed.

    Returns:
        Tensor[K, N] bool: can an object of the class have the verb?

    Raises:
        InputError: a combination names an unknown class or verb.
    """
    shape = len(thing_classes), len(verb_classes)
    if allowed_interactions is None:
        return torch.ones(shape, dtype=torch.bool)
    rows = {name: row for row, name in enumerate(thing_classes)}
    columns = {name: column for column, name in enumerate(verb_classes)}
    table = torch.zeros(shape, dtype=torch.bool)
    table[:, list(objectless_verbs)] = True
    for verb, thing in allowed_interactions:
        if verb not in columns or thing not in rows:
            what = f"verb {verb!r}" if verb not in columns else f"class {thing!r}"
            raise InputError(
                f"({verb!r}, {thing!r}): the data set has no {what}", field="allowed_interactions"
            )
        table[rows[thing], columns[verb]] = True
    return table
