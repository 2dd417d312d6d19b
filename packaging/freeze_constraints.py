"""Write the versions of everything that choi_d2 needs, as this environment has them.

What needs a newer Python than choi_d2 itself is constrained on those Pythons only. torch's own
companions (CUDA libraries, triton) are left to torch, which pins them by machine.
"""

from __future__ import annotations

import re
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOTS = ("choi_d2[dev,faces,track]", "detectron2")
LEFT_OUT = re.compile(r"(choi-d2|detectron2|triton|nvidia-.*|cuda-.*)$")
PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
HEADER = """\
# The versions that the suite last passed with, written by `make constraints`.
# Where one of them cannot be had: make install CONSTRAINTS=
"""


def needed(requirements: tuple[str, ...]) -> dict[str, str]:
    """Name -> version of all that these requirements lead to in this environment."""
    found: dict[str, str] = {}
    seen = set()
    waiting = [Requirement(text) for text in requirements]
    while waiting:
        requirement = waiting.pop()
        name, extras = canonicalize_name(requirement.name), tuple(sorted(requirement.extras))
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        try:
            installed = distribution(name)
        except PackageNotFoundError:
            continue
        found[name] = installed.version
        for text in installed.requires or ():
            child = Requirement(text)
            if child.marker is None or any(
                child.marker.evaluate({"extra": extra}) for extra in ("", *extras)
            ):
                waiting.append(child)
    return found


def first_python(name: str) -> str:
    """The oldest Python of ``PYTHONS`` that takes the installed version of ``name``."""
    allowed = SpecifierSet(distribution(name).metadata["Requires-Python"] or "")
    return next(python for python in PYTHONS if allowed.contains(f"{python}.99"))


def constraint(name: str, version: str) -> str:
    """A line of the file."""
    # A local label (1.0+cpu) would exclude other builds of the same version.
    line = f"{name}=={version.partition('+')[0]}"
    # Each torchvision is made for one torch.
    first = first_python("torch" if name == "torchvision" else name)
    return line if first == PYTHONS[0] else f'{line}; python_version >= "{first}"'


def main() -> None:
    """Write the file that the command line names."""
    versions = needed(ROOTS)
    lines = [constraint(n, v) for n, v in sorted(versions.items()) if not LEFT_OUT.match(n)]
    Path(sys.argv[1]).write_text(HEADER + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
