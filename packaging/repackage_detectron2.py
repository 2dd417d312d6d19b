"""Install Detectron2 from PyPI where there is none: the copy that LabGym's wheel carries.

Detectron2 is not on PyPI. The wheel ``labgym`` (quantification of animal behaviour, University of
Michigan) holds a pure-Python copy of it under the name ``LabGym.detectron2``. This program takes
that folder alone, gives it its own name back, and has pip install the result as a distribution
named ``detectron2``: nothing at run time knows where it came from. The custom operators of an
official build (``detectron2._C``: rotated boxes, deformable convolutions) are not in it; the rest
runs on torchvision's.

A Detectron2 that can already be imported is left alone.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import importlib.metadata
import importlib.util
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from pathlib import Path

SOURCE = "labgym==3.1.2"
SOURCE_SHA256 = "a2900cff8a3fb508e1975f19b5f9abd9f261966db87b0c332697fb4138c1cb2b"
SOURCE_NAME = "LabGym.detectron2"
SOURCE_FOLDER = "LabGym/detectron2/"
SOURCE_PACKAGE = b"LabGym"

# Detectron2's own version, and where this copy comes from; the last number is this program's.
VERSION = "0.6+labgym3.1.2.1"
REQUIRES = (
    "black",
    "cloudpickle",
    "fvcore>=0.1.5,<0.1.6",
    "hydra-core>=1.1",
    "iopath>=0.1.7",
    "matplotlib",
    "omegaconf>=2.1,<2.4",
    "packaging",
    "pillow>=7.1",
    "pycocotools>=2.0.2",
    "setuptools<81",
    "tabulate",
    "tensorboard",
    "termcolor>=1.1",
    "torch",
    "torchvision",
    "tqdm>4.29.0",
    "yacs>=0.1.8",
)
NOTICE = f"""\
Detectron2
Copyright (c) Facebook, Inc. and its affiliates.
https://github.com/facebookresearch/detectron2, licensed under the Apache License, Version 2.0.

These files were taken from the folder {SOURCE_FOLDER} of the wheel {SOURCE} on PyPI, whose authors
had changed the package's name in them to {SOURCE_NAME}. choi_d2's packaging program changed the
name back to detectron2 in every file where it stood, and changed nothing else. Nothing else of
that wheel is included.
"""
LICENSE_FILE = Path(__file__).resolve().parent.parent / "LICENSE"


class InstallError(Exception):
    """The installation cannot go on; the message says what the user can do."""


def importable() -> str | None:
    """Where ``import detectron2`` leads in this environment, or None.

    Files in this environment's site-packages that no distribution claims are the remains of an
    interrupted installation, not a Detectron2.
    """
    importlib.invalidate_caches()
    spec = importlib.util.find_spec("detectron2")
    if spec is None or spec.origin is None:
        return None
    site_packages = Path(sysconfig.get_path("purelib")).resolve()
    ours = site_packages in Path(spec.origin).resolve().parents
    return None if ours and installed_version() is None else spec.origin


def installed_version() -> str | None:
    """The version of the installed distribution ``detectron2``, or None."""
    try:
        return importlib.metadata.version("detectron2")
    except importlib.metadata.PackageNotFoundError:
        return None


def is_repackaged(version: str | None) -> bool:
    """Does this version stand for a copy that this program, or an older one, has made?"""
    return version is not None and version.startswith("0.6+labgym")


def download(folder: Path) -> Path:
    """Have pip put the source wheel into ``folder``.

    Raises:
        InstallError: pip could not get it.
    """
    # The wheel asks for a Python < 3.11, for LabGym's sake; its Detectron2 does not need that.
    command = [sys.executable, "-m", "pip", "download", SOURCE, "--dest", str(folder)]
    command += ["--no-deps", "--ignore-requires-python", "--only-binary", ":all:", "--quiet"]
    done = subprocess.run([*command, "--disable-pip-version-check"], stdin=subprocess.DEVNULL)
    wheels = list(folder.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        raise InstallError(
            f"pip could not download {SOURCE} (see above), which holds the copy of Detectron2. "
            "Connect to PyPI or a mirror of it and try again, or install a Detectron2 of your "
            "own: make install DETECTRON2=<pip requirement>"
        )
    return wheels[0]


def verify(wheel: Path, sha256: str = SOURCE_SHA256) -> None:
    """Check that the wheel is the very file that this program was written for.

    Raises:
        InstallError: it is another one.
    """
    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if found != sha256:
        raise InstallError(
            f"{wheel.name}: expected sha256 {sha256}, found {found}. This is not the file that "
            "PyPI published: look at the index or mirror that pip uses, and at its cache "
            "(pip cache purge)"
        )


def rewrite(source: Path, folder: Path) -> Path:
    """Make the wheel of ``detectron2`` from the wheel that carries it.

    Args:
        source: the wheel that holds ``LabGym/detectron2/``.
        folder: where the new wheel goes.

    Returns:
        The new wheel. The same source gives the same bytes.

    Raises:
        InstallError: the folder is not there, or the old name is left in a file.
    """
    contents = {}
    with zipfile.ZipFile(source) as archive:
        for name in archive.namelist():
            if name.startswith(SOURCE_FOLDER) and not name.endswith("/"):
                content = archive.read(name).replace(SOURCE_NAME.encode(), b"detectron2")
                if SOURCE_PACKAGE in content:
                    raise InstallError(f"{source.name}: {name} still names {SOURCE_PACKAGE!r}")
                contents["detectron2/" + name[len(SOURCE_FOLDER) :]] = content
    if "detectron2/__init__.py" not in contents:
        raise InstallError(f"{source.name}: expected {SOURCE_FOLDER}__init__.py, found none")

    info = f"detectron2-{VERSION}.dist-info"
    metadata = ["Metadata-Version: 2.1", "Name: detectron2", f"Version: {VERSION}"]
    metadata += ["Summary: Detectron2, pure Python, repackaged by choi_d2", "License: Apache-2.0"]
    metadata += ["License-File: LICENSE", "License-File: NOTICE"]
    metadata += [f"Requires-Dist: {requirement}" for requirement in REQUIRES]
    wheel_tag = ["Wheel-Version: 1.0", "Generator: choi_d2", "Root-Is-Purelib: true"]
    wheel_tag += ["Tag: py3-none-any"]
    contents[f"{info}/licenses/LICENSE"] = LICENSE_FILE.read_bytes()
    contents[f"{info}/licenses/NOTICE"] = NOTICE.encode()
    contents[f"{info}/METADATA"] = "\n".join([*metadata, ""]).encode()
    contents[f"{info}/WHEEL"] = "\n".join([*wheel_tag, ""]).encode()
    record = [f"{name},sha256={_digest(c)},{len(c)}" for name, c in contents.items()]
    contents[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,", ""]).encode()

    target = folder / f"detectron2-{VERSION}-py3-none-any.whl"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            # ZipInfo's default date is fixed.
            entry = zipfile.ZipInfo(name)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return target


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def install_if_missing() -> None:
    """Install the copy, unless a Detectron2 is there.

    Raises:
        InstallError: it could not be had or installed.
    """
    place, version = importable(), installed_version()
    if place and (version == VERSION or not is_repackaged(version)):
        print(f"Detectron2 {version or ''} is there already and stays: {place}")
        return
    with tempfile.TemporaryDirectory(prefix="choi_d2-") as folder:
        source = download(Path(folder))
        verify(source)
        made = Path(folder) / "made"
        made.mkdir()
        rewrite(source, made)
        if place is None:
            _remove_remains()
        command = [sys.executable, "-m", "pip", "install", f"detectron2=={VERSION}", "--quiet"]
        command += ["--no-index", "--find-links", str(made), "--no-deps", "--force-reinstall"]
        command += ["--disable-pip-version-check"]
        if subprocess.run(command, stdin=subprocess.DEVNULL).returncode:
            raise InstallError("pip could not install the copy of Detectron2 (see above)")
    print(f"Detectron2 {VERSION} was made from PyPI's {SOURCE} and installed")


def _remove_remains() -> None:
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(Path(sysconfig.get_path("purelib")) / "detectron2")


if __name__ == "__main__":
    try:
        install_if_missing()
    except InstallError as error:
        sys.exit(f"error: {error}")
