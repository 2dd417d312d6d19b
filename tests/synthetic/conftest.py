import pytest

from choi_d2.synthetic import scene_at


@pytest.fixture(scope="session")
def scenes():
    """Twelve rounds of the verbs' turns."""
    return [scene_at(0, "val", index) for index in range(132)]


@pytest.fixture(scope="session")
def written():
    """``written(folder)``: {path below the folder: its bytes} of a data set, without caches."""

    def read(folder):
        paths = (p for p in folder.rglob("*") if ".choi_d2_cache" not in p.parts)
        return {p.relative_to(folder): p.read_bytes() for p in paths if p.is_file()}

    return read
