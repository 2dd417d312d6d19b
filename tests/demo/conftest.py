import importlib.util
import sys
from pathlib import Path

import pytest
import yaml

# The stub model is shared with tests/engine; tests/ is no package (importlib mode).
sys.path.insert(0, str(Path(__file__).parents[1] / "engine"))

from stub_model import OPTIONS, stub_dataset  # noqa: E402, F401 (a fixture)


@pytest.fixture
def demo(repository, monkeypatch):
    """The module demo/demo.py; the logging of the tests that follow stays as it is."""
    spec = importlib.util.spec_from_file_location("demo", repository / "demo" / "demo.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "setup_logger", lambda **arguments: None)
    return module


@pytest.fixture
def config_file(tmp_path, stub_dataset):  # noqa: F811
    """A YAML file for the stub model."""
    content: dict = {}
    for key, value in OPTIONS.items():
        node = content
        *parents, leaf = key.split(".")
        for parent in parents:
            node = node.setdefault(parent, {})
        node[leaf] = list(value) if isinstance(value, tuple) else value
    path = tmp_path / "stub.yaml"
    path.write_text(yaml.safe_dump(content))
    return path
