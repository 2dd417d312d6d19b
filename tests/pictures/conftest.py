import sys
from pathlib import Path

# pytest's importlib mode puts no folder on the path; the tests here share a module.
sys.path.append(str(Path(__file__).parent))
