"""Where the names of one vocabulary are in another.

Names are compared as they are written: ``Person`` is not ``person``. What differs in case, spaces
or punctuation alone is no match, but it is said.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Sequence

from .vocabulary import Vocabulary

NOWHERE = -1
"""The place of a name that the other vocabulary has not."""


def places(names: Iterable[str], among: Sequence[str]) -> list[int]:
    """For each name its place in ``among``, or :data:`NOWHERE`."""
    place = {name: index for index, name in enumerate(among)}
    return [place.get(name, NOWHERE) for name in names]


def missing(names: Iterable[str], among: Sequence[str]) -> list[str]:
    """The names that are not in ``among``."""
    known = set(among)
    return [name for name in names if name not in known]


def repeated(vocabulary: Vocabulary) -> list[str]:
    """The names that two classes, or two verbs, have: nothing can be joined by them."""
    return [
        name
        for names in (vocabulary.classes, vocabulary.verbs)
        for name, count in Counter(names).items()
        if count > 1
    ]


def spelling(name: str) -> str:
    """What is left of a name without case, spaces and punctuation."""
    return re.sub(r"[^\w]|_", "", name.casefold())


def near_matches(names: Iterable[str], among: Sequence[str]) -> list[tuple[str, str]]:
    """(name, what may be meant in ``among``) for the names that have something near.

    Near is what differs in case, spaces or punctuation alone, or else in a letter or two.
    """
    by_spelling = {spelling(name): name for name in reversed(among)}
    pairs = []
    for name in names:
        close = difflib.get_close_matches(spelling(name), by_spelling, n=1, cutoff=0.85)
        if close:
            pairs.append((name, by_spelling[close[0]]))
    return pairs


def describe_difference(
    kind: str, first: Sequence[str], of_first: str, second: Sequence[str], of_second: str
) -> str:
    """Both lists, what only one of them has, and what may be the same with another spelling.

    Args:
        kind: "classes" or "verbs".
        first, second: the names.
        of_first, of_second: whose they are, as in "of the model".
    """
    only_first, only_second = missing(first, second), missing(second, first)
    parts = []
    for only, of_whom in ((only_first, of_first), (only_second, of_second)):
        if only:
            parts.append(f"only {of_whom}: {', '.join(map(repr, only))}")
    text = f"the {kind} differ ({'; '.join(parts) or 'in their order'})"
    near = near_matches(only_first, only_second)
    if near:
        same = ", ".join(f"{a!r} and {b!r}" for a, b in near)
        text += f"; the same, spelled otherwise? {same}"
    lists = f"{kind} {of_first}: {', '.join(first)}; {of_second}: {', '.join(second)}"
    return f"{text}. {lists}"


def differences(first: Vocabulary, of_first: str, second: Vocabulary, of_second: str) -> list[str]:
    """What hinders two vocabularies from being the same up to the order of their names.

    Args:
        first, second: the vocabularies.
        of_first, of_second: whose they are, as in "of the model".

    Returns:
        one text for each difference: of classes, of verbs, of the human class, of which verbs take
        an object, of whether humans are objects; none where names can be joined one to one.
    """
    texts = []
    for kind in ("classes", "verbs"):
        mine, theirs = getattr(first, kind), getattr(second, kind)
        if set(mine) != set(theirs):
            texts.append(describe_difference(kind, mine, of_first, theirs, of_second))
    texts += rule_differences(first, of_first, second, of_second)
    if first.humans_as_objects != second.humans_as_objects:
        can, cannot = (of_first, of_second)[:: 1 if first.humans_as_objects else -1]
        texts.append(f"humans can be objects {can}, and cannot {cannot} (humans_as_objects)")
    return texts


def rule_differences(
    first: Vocabulary, of_first: str, second: Vocabulary, of_second: str
) -> list[str]:
    """Names that both have and that mean different things: the human class, a verb's object.

    Nothing is said of a vocabulary of detection alone, which has no verbs.
    """
    texts = []
    if not (first.verbs and second.verbs):
        return texts
    if first.human != second.human:
        texts.append(
            f"the human class is {first.human!r} {of_first}, and {second.human!r} {of_second}"
        )
    mine, theirs = set(first.verbs_without_object), set(second.verbs_without_object)
    for odd, of_whom, of_other in (
        (sorted((mine - theirs) & set(second.verbs)), of_first, of_second),
        (sorted((theirs - mine) & set(first.verbs)), of_second, of_first),
    ):
        if odd:
            names = ", ".join(map(repr, odd))
            texts.append(f"{names} take no object {of_whom}, and one {of_other} (takes_object)")
    return texts


def united(vocabularies: Sequence[Vocabulary]) -> Vocabulary:
    """The names of all: those of the first, then the new ones of each in their order.

    Humans are called as in the first; they can be objects if they can in one of them. Rules have to
    agree, see :func:`rule_differences`.
    """
    classes = tuple(dict.fromkeys(name for each in vocabularies for name in each.classes))
    verbs = tuple(dict.fromkeys(name for each in vocabularies for name in each.verbs))
    objectless = {name for each in vocabularies for name in each.verbs_without_object}
    return Vocabulary(
        classes,
        verbs,
        classes.index(vocabularies[0].human),
        any(each.humans_as_objects for each in vocabularies),
        tuple(index for index, verb in enumerate(verbs) if verb in objectless),
    )
