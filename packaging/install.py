"""Install choi_d2 and all that it stands on into the environment whose Python runs this file.

``make install`` calls it. It is quick when nothing has changed since the last time: a stamp in the
environment holds a fingerprint of what the installation depends on, and is complete only after
everything was installed and could be imported. The choices made on the command line are kept in the
stamp too, so that ``make test`` does not undo what ``make install CONSTRAINTS=`` did.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import importlib.util
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from repackage_detectron2 import (
    InstallError,
    importable,
    install_if_missing,
    installed_version,
    is_repackaged,
)

ROOT = Path(__file__).resolve().parent.parent
STAMP = Path(sys.prefix) / ".choi_d2-install.json"
CHOICES = {"extras": "dev,faces,track", "constraints": "constraints.txt", "detectron2": ""}
CHECK = "import detectron2.engine, detectron2.model_zoo, choi_d2; print(detectron2.__file__)"


def fingerprint(choices: dict) -> str:
    """A digest of everything that an installation follows from."""
    settings = (str(ROOT), sys.version_info[:2], sorted(choices.items()))
    digest = hashlib.sha256(repr(settings).encode())
    files = [ROOT / "setup.cfg", ROOT / "pyproject.toml", ROOT / "LICENSE"]
    files += sorted((ROOT / "packaging").glob("*.py"))
    if choices["constraints"]:
        files.append(ROOT / choices["constraints"])
    for file in files:
        if not file.is_file():
            raise InstallError(f"{file}: no such file")
        digest.update(file.read_bytes())
    return digest.hexdigest()


def read_stamp() -> dict:
    """What the last installation left, or {}."""
    try:
        return json.loads(STAMP.read_text())
    except (FileNotFoundError, ValueError):
        return {}


def write_stamp(choices: dict, complete: str | None) -> None:
    """Keep the choices, and the fingerprint of a complete installation."""
    STAMP.write_text(json.dumps({"choices": choices, "complete": complete}, indent=1) + "\n")


def pip(*arguments: str) -> None:
    """Call this environment's pip."""
    command = [sys.executable, "-m", "pip", *arguments, "--disable-pip-version-check"]
    if subprocess.run(command, stdin=subprocess.DEVNULL, cwd=ROOT).returncode:
        raise InstallError(
            "pip failed (see above). If a version that constraints.txt names cannot be had for "
            "this Python or machine, let pip choose: make install CONSTRAINTS="
        )


def ensure_pip() -> None:
    """An interrupted or curtailed venv has no pip."""
    if importlib.util.find_spec("pip") is None:
        command = [sys.executable, "-m", "ensurepip", "--upgrade"]
        if subprocess.run(command, stdin=subprocess.DEVNULL).returncode:
            raise InstallError(
                f"{sys.prefix} has no pip. Delete that folder, install Python's venv module "
                "(Debian, Ubuntu: apt install python3-venv) and try again"
            )


def install(choices: dict, asked_for_detectron2: bool) -> None:
    """Install everything, step by step; any step may be repeated.

    Args:
        choices: extras, constraints and Detectron2 requirement.
        asked_for_detectron2: install the requirement even over a Detectron2 that is there. A
            requirement that is only remembered leaves in peace what it once installed.
    """
    ensure_pip()
    constraints = ["--constraint", choices["constraints"]] if choices["constraints"] else []
    extras = f"[{choices['extras']}]" if choices["extras"] else ""
    # The first time there are gigabytes to wait for, and pip's progress is good to see.
    quiet = ["--quiet"] if importlib.util.find_spec("torch") else []
    pip("install", "--editable", f".{extras}", *constraints, *quiet)
    missing = importable() is None or is_repackaged(installed_version())
    if choices["detectron2"] and (missing or asked_for_detectron2):
        # Its build needs the torch that is here, so no build isolation; --force-reinstall: the copy
        # from PyPI may be in its place.
        options = ["--no-build-isolation", "--force-reinstall", "--no-deps"]
        pip("install", choices["detectron2"], *options)
        pip("install", "detectron2", *constraints, *quiet)
    else:
        install_if_missing()
    with tempfile.TemporaryDirectory() as elsewhere:
        command = [sys.executable, "-W", "ignore", "-c", CHECK]
        if subprocess.run(command, stdin=subprocess.DEVNULL, cwd=elsewhere).returncode:
            raise InstallError(
                "the installed packages cannot be imported (see above). If the Detectron2 is not "
                "one you want, uninstall it (pip uninstall detectron2) and try again"
            )
    if "faces" in choices["extras"].split(","):
        fetch_face_detector()


def fetch_face_detector() -> None:
    """Put CenterFace into torch.hub's cache. Without it there are others: no error."""
    command = [sys.executable, "-W", "ignore", "-m", "choi_d2", "models", "--fetch-faces"]
    if subprocess.run(command, stdin=subprocess.DEVNULL).returncode:
        print(
            "Note: there is no CenterFace to find faces with; `choi models --fetch-faces` gets it"
        )


def is_present() -> bool:
    """Are both packages still there? Someone may have uninstalled one."""
    try:
        importlib.metadata.version("choi_d2")
    except importlib.metadata.PackageNotFoundError:
        return False
    return importable() is not None


def main() -> None:
    """Read the command line and install what is not installed yet."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--extras", help="comma-separated extras of setup.cfg")
    parser.add_argument("--constraints", help="pip constraints file; empty: none")
    parser.add_argument("--detectron2", help="pip requirement of the Detectron2 to install")
    given = {key: value for key, value in vars(parser.parse_args()).items() if value is not None}
    stamp = read_stamp()
    choices = {**CHOICES, **stamp.get("choices", {}), **given}
    wanted = fingerprint(choices)
    if stamp.get("complete") == wanted and is_present():
        print(f"choi_d2 is installed in {sys.prefix}")
        return
    write_stamp(choices, complete=None)
    install(choices, asked_for_detectron2="detectron2" in given)
    write_stamp(choices, complete=wanted)
    print(f"choi_d2 was installed in {sys.prefix}")


if __name__ == "__main__":
    if sys.version_info < (3, 10):  # noqa: UP036 (the active environment's may be older)
        sys.exit(f"error: choi_d2 needs Python 3.10 or newer; {sys.executable} is older")
    try:
        main()
    except InstallError as error:
        sys.exit(f"error: {error}")
