"""Human-object interactions as typed structures: ground truth, and the words for it."""

from .annotations import HOIAnnotations
from .vocabulary import Vocabulary, dataset_vocabulary

__all__ = ["HOIAnnotations", "Vocabulary", "dataset_vocabulary"]
