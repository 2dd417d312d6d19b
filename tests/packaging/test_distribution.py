"""What the package is made of, and what its files may say."""

import shutil
import subprocess
import sys
import zipfile
from configparser import ConfigParser

import pytest
from packaging.requirements import Requirement


@pytest.fixture(scope="module")
def settings(repository):
    parser = ConfigParser()
    parser.read(repository / "setup.cfg")
    return parser


def requirements(text):
    lines = (line.strip() for line in text.splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def test_a_wheel_of_the_package_holds_all_modules_and_configs(repository, tmp_path):
    # From a copy: a build leaves things behind, and old ones would be packed again.
    source = tmp_path / "source"
    caches = shutil.ignore_patterns("__pycache__")
    for folder in ("choi_d2", "configs"):
        if (repository / folder).is_dir():
            shutil.copytree(repository / folder, source / folder, symlinks=True, ignore=caches)
    for file in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(repository / file, source)
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"]
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", tmp_path]
    subprocess.run([*pip, *options, source], check=True)

    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if name.startswith("choi_d2/")}
    modules = {str(p.relative_to(source)) for p in (source / "choi_d2").rglob("*.py")}
    configs = {f"choi_d2/{p.relative_to(source)}" for p in (source / "configs").rglob("*.yaml")}
    models = {f"choi_d2/models/{p.name}" for p in (source / "choi_d2/models").iterdir()}
    assert "choi_d2/config.py" in modules and "choi_d2/models/SHA256SUMS" in models
    assert packed == modules | configs | models | {"choi_d2/py.typed"}


def test_constraints_are_within_what_setup_cfg_asks_for(repository, settings):
    pinned = requirements((repository / "constraints.txt").read_text())
    versions = {r.name: next(iter(r.specifier)).version for r in pinned}
    extras = settings["options.extras_require"]
    needed = requirements("\n".join([settings["options"]["install_requires"], *extras.values()]))
    assert len(needed) > 20
    assert [r.name for r in needed if r.name not in versions] == []
    outside = [r for r in needed if not r.specifier.contains(versions[r.name])]
    assert [f"{r} is constrained to {versions[r.name]}" for r in outside] == []


def test_the_copy_of_detectron2_needs_nothing_that_setup_cfg_does_not(program, settings):
    needed = {r.name for r in requirements(settings["options"]["install_requires"])}
    copy = {Requirement(text).name for text in program("repackage_detectron2").REQUIRES}
    assert copy <= needed


def test_only_packaging_knows_where_the_copy_comes_from(repository):
    read, telling = 0, []
    for room in ("choi_d2", "configs", "datasets", "demo", "tests"):
        for file in (repository / room).rglob("*"):
            if file.suffix in (".py", ".yaml") and "packaging" not in file.parts:
                read += 1
                if b"labgym" in file.read_bytes().lower():
                    telling.append(str(file))
    assert read > 10
    assert telling == []


def test_imports_from_outside_are_declared(repository, settings):
    """Every module that the package imports at its top comes with a declared distribution."""
    from importlib.metadata import packages_distributions

    declared = {r.name.lower() for r in requirements(settings["options"]["install_requires"])}
    declared |= {"detectron2", "pyyaml"}  # PyYAML: fvcore's and yacs's, whose files it reads
    undeclared = set()
    distributions = packages_distributions()
    for file in (repository / "choi_d2").rglob("*.py"):
        for line in file.read_text().splitlines():
            if line.startswith(("import ", "from ")) and not line.startswith("from ."):
                name = line.split()[1].partition(".")[0].rstrip(",")
                if name in sys.stdlib_module_names or name == "choi_d2":
                    continue
                found = {d.lower() for d in distributions.get(name, [name])}
                if not found & declared:
                    undeclared.add(f"{file.name}: {name}")
    assert undeclared == set()
