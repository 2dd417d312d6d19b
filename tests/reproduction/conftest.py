import sys
from pathlib import Path

# tests/ is no package (importlib mode): helpers that several files share are imported by name.
sys.path.insert(0, str(Path(__file__).parent))

from fake_runs import configs_are_read_once, fake_root, table4  # noqa: E402, F401 (fixtures)
