import sys
from pathlib import Path

import pytest
from detectron2.config import get_cfg

# tests/ is no package (importlib mode): helpers that several files share are imported by name.
sys.path.insert(0, str(Path(__file__).parent))

from stub_model import OPTIONS, stub_dataset  # noqa: E402, F401 (a fixture)

from choi_d2.config import add_choi_config  # noqa: E402


@pytest.fixture
def stub_cfg(stub_dataset):  # noqa: F811
    cfg = get_cfg()
    add_choi_config(cfg)
    cfg.merge_from_list([part for option in OPTIONS.items() for part in option])
    return cfg
