import sys
from pathlib import Path

# docs/ is no package: its script imports what is beside it.
sys.path.insert(0, str(Path(__file__).parents[2] / "docs"))
