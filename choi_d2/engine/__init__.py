"""Training, evaluation and prediction."""

from .checkpoint import HOICheckpointer
from .distributed import launch_or_join
from .loading import load_trained
from .results import write_results
from .setup import check_config, load_config
from .trainer import HOITrainer, set_allowed_verbs, set_semantic_prior
from .weights_config import load_prediction_config

__all__ = [
    "HOICheckpointer",
    "HOITrainer",
    "check_config",
    "launch_or_join",
    "load_config",
    "load_prediction_config",
    "load_trained",
    "set_allowed_verbs",
    "set_semantic_prior",
    "write_results",
]
