"""Names of classes and verbs for forms that have numbers alone.

A list is a file: text with one name a line, counted from 1, or with ``NUMBER NAME`` on every line;
JSON with a list of names, counted from 1, a list of ``{"id", "name"}``, or an object ``{"1":
"person"}``. Lists that are known go by their data set's name.
"""

from __future__ import annotations

import os
from pathlib import Path

from detectron2.data.datasets.builtin_meta import COCO_CATEGORIES

from choi_d2.categories import hicodet, hoiw, vcoco
from choi_d2.data.validation import Problems
from choi_d2.utils import InputError, read_json
from choi_d2.utils.files import read_text

COCO = {each["id"]: each["name"] for each in COCO_CATEGORIES if each["isthing"]}
_IN_ORDER = [
    f"{action}_{role}" if role else action
    for action, roles in vcoco.ACTIONS
    for role in (roles or ("",))
]
KNOWN_OBJECTS = {
    "coco": COCO,
    "hoiw": dict(enumerate(hoiw.OBJECTS, 1)),
    "hicodet": dict(sorted(zip(hicodet.COCO_IDS, hicodet.OBJECTS, strict=True))),
}
KNOWN_VERBS = {
    "hoiw": dict(enumerate(hoiw.VERBS, 1)),
    "hicodet": dict(enumerate(hicodet.VERBS, 1)),
    # As QPIC numbers V-COCO's.
    "vcoco": dict(enumerate(_IN_ORDER)),
}


def read_names(
    names: str | os.PathLike, known: dict[str, dict[int, str]], option: str
) -> dict[int, str]:
    """Number -> name.

    Args:
        names: a key of ``known``, or a file.
        known: lists by their data set's name.
        option: what it was given for, for messages.

    Raises:
        InputError: there is no such file or list, it is empty, or a number or name is there twice.
    """
    if str(names) in known and not Path(names).exists():
        return known[str(names)]
    if not Path(names).is_file():
        hint = f"Known lists are {', '.join(known)}; any other is a file, one name a line."
        raise InputError("no such file, and no known list", path=names, field=option, hint=hint)
    is_json = Path(names).suffix.lower() == ".json"
    pairs = _of_json(names) if is_json else _of_text(read_text(names))
    pairs = [(number, name.strip()) for number, name in pairs]
    for what, values in zip(("number", "name"), zip(*pairs, strict=True), strict=False):
        twice = next((value for value in values if values.count(value) > 1), None)
        if twice is not None:
            raise InputError(f"the {what} {twice!r} is there twice", path=names, field=option)
    if not pairs or not all(name for _, name in pairs):
        raise InputError("expected a name on each line", path=names, field=option)
    return dict(pairs)


def _of_text(text: str) -> list[tuple[int, str]]:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    split = [line.replace("\t", " ").replace(":", " ", 1).partition(" ") for line in lines]
    if lines and all(number.isdecimal() and name.strip() for number, _, name in split):
        return [(int(number), name) for number, _, name in split]
    return list(enumerate(lines, 1))


def _of_json(path: str | os.PathLike) -> list[tuple[int, str]]:
    problems, content = Problems(path), read_json(path)
    if isinstance(content, dict):
        content = [{"id": number, "name": name} for number, name in content.items()]
    if not isinstance(content, list):
        raise InputError("expected a list of names", path=path)
    if content and all(isinstance(name, str) for name in content):
        return list(enumerate(content, 1))
    return [
        (
            problems.integer(entry, "id", where=f"[{position}]"),
            problems.value(entry, "name", str, where=f"[{position}]"),
        )
        for position, entry in enumerate(content)
    ]
