"""From a wheel that carries Detectron2 under another name to a distribution of its own."""

import subprocess
import sys
import zipfile

import pytest

SOURCES = {
    "LabGym/__init__.py": "raise ImportError('this is not wanted')\n",
    "LabGym/gui.py": "from LabGym import detectron2\n",
    "LabGym/detectron2/__init__.py": '__version__ = "0.6"\n',
    "LabGym/detectron2/layers/__init__.py": "from LabGym.detectron2.layers.ops import add\n",
    "LabGym/detectron2/layers/ops.py": (
        "import logging\n\nimport LabGym.detectron2 as d2\n\n"
        'logger = logging.getLogger("LabGym.detectron2.layers")\n\n\n'
        "def add(a, b):\n    return a + b, d2.__version__, logger.name\n"
    ),
    "LabGym/detectron2/model_zoo/configs/Base.yaml": "VERSION: 2\n",
    "labgym-3.1.2.dist-info/METADATA": "Name: LabGym\n",
}


@pytest.fixture
def repackage(program):
    return program("repackage_detectron2")


@pytest.fixture
def wheel(tmp_path):
    return write_wheel(tmp_path / "labgym-3.1.2-py3-none-any.whl", SOURCES)


def write_wheel(path, sources):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in sources.items():
            archive.writestr(name, content)
    return path


def test_only_detectron2_is_taken_and_has_its_own_name(repackage, wheel, tmp_path):
    made = repackage.rewrite(wheel, tmp_path)
    with zipfile.ZipFile(made) as archive:
        files = {name: archive.read(name).decode() for name in archive.namelist()}
    info = f"detectron2-{repackage.VERSION}.dist-info"
    assert made.name == f"detectron2-{repackage.VERSION}-py3-none-any.whl"
    assert {name for name in files if not name.startswith(info)} == {
        "detectron2/__init__.py",
        "detectron2/layers/__init__.py",
        "detectron2/layers/ops.py",
        "detectron2/model_zoo/configs/Base.yaml",
    }
    assert files["detectron2/layers/__init__.py"] == "from detectron2.layers.ops import add\n"
    assert not any("LabGym" in files[name] for name in files if name.startswith("detectron2/"))
    assert "Apache License" in files[f"{info}/licenses/LICENSE"]
    assert "Copyright (c) Facebook" in files[f"{info}/licenses/NOTICE"]


def test_the_same_source_gives_the_same_bytes(repackage, wheel, tmp_path):
    made = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        made.append(repackage.rewrite(wheel, tmp_path / name).read_bytes())
    assert made[0] == made[1]


def test_pip_installs_the_result_and_it_can_be_used(repackage, wheel, tmp_path, run_python):
    made = repackage.rewrite(wheel, tmp_path)
    target = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--no-deps", "--no-index", "--target", target, made], check=True)
    code = "from detectron2.layers import add; print(add(1, 2), add.__module__)"
    code += "; from importlib.metadata import version; print(version('detectron2'))"
    assert run_python("-S", "-c", code, path=[target]).splitlines() == [
        "(3, '0.6', 'detectron2.layers') detectron2.layers.ops",
        repackage.VERSION,
    ]


def test_a_name_that_is_left_is_an_error(repackage, tmp_path):
    sources = {**SOURCES, "LabGym/detectron2/odd.py": "from LabGym import detectron2\n"}
    with pytest.raises(repackage.InstallError, match=r"odd\.py still names"):
        repackage.rewrite(write_wheel(tmp_path / "a.whl", sources), tmp_path)


def test_a_wheel_without_detectron2_is_an_error(repackage, tmp_path):
    sources = {"LabGym/gui.py": "", "LabGym/detectron2/config.py": ""}
    with pytest.raises(repackage.InstallError, match="found none"):
        repackage.rewrite(write_wheel(tmp_path / "a.whl", sources), tmp_path)


def test_another_file_is_refused_and_nothing_installed(repackage, wheel, monkeypatch):
    monkeypatch.setattr(repackage, "importable", lambda: None)
    monkeypatch.setattr(repackage, "download", lambda folder: wheel)
    monkeypatch.setattr(repackage.subprocess, "run", lambda *_, **__: pytest.fail("ran a program"))
    with pytest.raises(repackage.InstallError, match="expected sha256 a2900cff"):
        repackage.install_if_missing()


def test_without_a_network_the_error_says_what_to_do(repackage, monkeypatch):
    monkeypatch.setattr(repackage, "importable", lambda: None)
    failed = subprocess.CompletedProcess([], returncode=1)
    monkeypatch.setattr(repackage.subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(repackage.InstallError, match="make install DETECTRON2="):
        repackage.install_if_missing()


# What is there, decided by a Python of its own: this one has a Detectron2.
DECIDE = """
import sysconfig
{setup}
import repackage_detectron2
repackage_detectron2.subprocess.run = None  # nothing may be run
place = repackage_detectron2.importable()
print(place)
if place:
    repackage_detectron2.install_if_missing()
"""


@pytest.fixture
def decide(repository, tmp_path, run_python):
    """What the program says of a fake site-packages."""

    def decide(setup="", folder=tmp_path):
        paths = [repository / "packaging", folder]
        return run_python("-S", "-c", DECIDE.format(setup=setup), path=paths).splitlines()

    return decide


def make_fake(folder, version=None):
    package = folder / "detectron2" / "__init__.py"
    package.parent.mkdir()
    package.touch()
    if version:
        info = folder / f"detectron2-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: detectron2\nVersion: {version}\n"
        )
    return package


def test_an_official_one_stays(decide, tmp_path):
    package = make_fake(tmp_path, "0.6+cu118")
    place, message = decide(setup=f"sysconfig.get_path = lambda name: {str(tmp_path)!r}")
    assert place == str(package)
    assert "0.6+cu118 is there already and stays" in message


def test_a_source_tree_on_the_path_stays(decide, tmp_path):
    package = make_fake(tmp_path)
    place, message = decide()
    assert place == str(package)
    assert "stays" in message


def test_the_remains_of_an_interrupted_installation_are_none(decide, tmp_path):
    make_fake(tmp_path)
    assert decide(setup=f"sysconfig.get_path = lambda name: {str(tmp_path)!r}") == ["None"]


def test_a_folder_of_that_name_is_none(decide, tmp_path):
    (tmp_path / "detectron2").mkdir()
    assert decide() == ["None"]


def test_where_there_is_nothing_it_is_none(decide):
    assert decide() == ["None"]


def test_an_older_copy_of_its_own_is_replaced(repackage, wheel, monkeypatch):
    calls = []
    monkeypatch.setattr(repackage, "importable", lambda: "/somewhere")
    monkeypatch.setattr(repackage, "installed_version", lambda: "0.6+labgym3.1.1.1")
    monkeypatch.setattr(repackage, "download", lambda folder: wheel)
    monkeypatch.setattr(repackage, "verify", lambda wheel: None)

    def run(command, **_):
        calls.append(command)
        return subprocess.CompletedProcess(command, returncode=0)

    monkeypatch.setattr(repackage.subprocess, "run", run)
    repackage.install_if_missing()
    assert len(calls) == 1
    assert f"detectron2=={repackage.VERSION}" in calls[0] and "--force-reinstall" in calls[0]
