"""Typed structures for human-object interactions."""

from .annotations import HOIAnnotations
from .ignored import IgnoredRegions

__all__ = ["HOIAnnotations", "IgnoredRegions"]
