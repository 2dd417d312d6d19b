"""What C-HOI costs, beside the detector that it extends and beside its own plain forms."""

from .run import run_benchmark
from .sections import SECTIONS

__all__ = ["SECTIONS", "run_benchmark"]
