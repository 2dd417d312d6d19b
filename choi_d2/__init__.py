"""choi_d2: Cascaded Human-Object Interaction Recognition (CVPR 2020) on Detectron2."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .inference import HOIPredictor, HOIResult

__version__ = "0.1.0"
__all__ = ["HOIPredictor", "HOIResult", "__version__"]


def __getattr__(name: str) -> Any:
    # Torch and Detectron2 are imported when they are needed: command lines start without.
    if name in ("HOIPredictor", "HOIResult"):
        from . import inference

        return getattr(inference, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
