"""The commands in the documents' fenced blocks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

FOLDERS = (".", "docs", "datasets", "configs", "demo")

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_VARIABLE = re.compile(r"^([A-Z_]+)=(\S+)$")
_SYNOPSIS_PROGRAMS = ("choi ", "python ")
"""In a block without a language other lines are output, or the tree of a folder."""


@dataclass(frozen=True)
class Command:
    """A line for a shell, or a document's Python.

    Attributes:
        document: its path in the repository.
        line: where it is, from 1.
        language: "sh" or "python".
        text: what is typed; of a synopsis, with what it has in brackets and the first of `a|b`.
    """

    document: str
    line: int
    language: str
    text: str


def documents(root: Path) -> list[Path]:
    """All documents of the repository."""
    return sorted(path for folder in FOLDERS for path in (root / folder).glob("*.md"))


def commands(path: Path, root: Path) -> list[Command]:
    """The commands of a document, in their order; its Python comes last, as one program."""
    text = path.read_text("utf-8")
    name = str(path.relative_to(root) if path.is_relative_to(root) else path)
    found, programs = [], []
    for match in _BLOCK.finditer(text):
        line = text.count("\n", 0, match.start()) + 2
        if match[1] == "python":
            programs.append((line, match[2]))
        elif match[1] in ("sh", ""):
            found += _shell_commands(match[2], name, line, synopsis=not match[1])
    if programs:
        program = "\n".join(text for _, text in programs)
        found.append(Command(name, programs[0][0], "python", program))
    return found


def _shell_commands(block: str, document: str, first: int, *, synopsis: bool) -> list[Command]:
    found, variables = [], {}
    lines = block.splitlines()
    for number, line in enumerate(lines):
        if number and lines[number - 1].endswith("\\"):
            continue
        words = line
        for more in lines[number + 1 :]:
            if not words.endswith("\\"):
                break
            words = words[:-1] + more
        words = " ".join(re.sub(r"(^|\s)#\s.*$", "", words).split())
        variable = _VARIABLE.match(words)
        if variable:
            variables["$" + variable[1]] = variable[2]
            continue
        for name, value in variables.items():
            words = words.replace(name, value)
        if synopsis:
            if not words.startswith(_SYNOPSIS_PROGRAMS):
                continue
            words = re.sub(r"\|[\w.|]+", "", words.replace("[", "").replace("]", ""))
        if words:
            found.append(Command(document, first + number, "sh", words))
    return found
