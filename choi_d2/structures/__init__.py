"""Ground truth of human-object interactions as typed structures."""

from .annotations import HOIAnnotations

__all__ = ["HOIAnnotations"]
