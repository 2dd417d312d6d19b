"""A trained model in the form that answers fastest: ``MODEL.INFERENCE``."""

from .norm_folding import fold_batch_norms
from .precision import resolve_precision
from .profile import InferenceProfile, prepare_for_inference

__all__ = [
    "InferenceProfile",
    "fold_batch_norms",
    "prepare_for_inference",
    "resolve_precision",
]
