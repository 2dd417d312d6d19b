import pytest

from choi_d2.data.synthetic import scene_at


@pytest.fixture(scope="session")
def scenes():
    """Twelve rounds of the verbs' turns."""
    return [scene_at(0, "val", index) for index in range(132)]
