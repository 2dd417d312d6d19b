"""Data sets, their loading, and the mapping of records to model inputs.

Importing this package registers the built-in data sets.
"""

from .allowed_verbs import allowed_verb_table
from .build import build_hoi_train_loader, check_registered
from .dataset_mapper import HOIDatasetMapper
from .datasets import builtin  # registers the data sets
from .datasets.builtin import register_all
from .datasets.hoi_json import register_hoi_instances
from .statistics import count_semantic_prior
from .stream import TrainingStream

__all__ = [
    "HOIDatasetMapper",
    "TrainingStream",
    "allowed_verb_table",
    "build_hoi_train_loader",
    "builtin",
    "check_registered",
    "count_semantic_prior",
    "register_all",
    "register_hoi_instances",
]
