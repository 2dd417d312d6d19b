"""A trained model: built, with its weights, and with its words."""

from __future__ import annotations

import logging
from typing import Any, NamedTuple

from detectron2.config import CfgNode
from detectron2.data import DatasetCatalog, Metadata
from detectron2.modeling import build_model
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from choi_d2.structures import Vocabulary, dataset_vocabulary
from choi_d2.utils import InputError

from .checkpoint import HOICheckpointer
from .config_numbers import check_numbers
from .model_card import follow_card, read_card
from .setup import check_vocabulary

logger = logging.getLogger(__name__)


class Trained(NamedTuple):
    """A model that was loaded.

    Attributes:
        cfg: that it was built from: the one that was given, with the facts of the weights.
        model: in training mode, as Detectron2 builds it; ``vocabulary_of`` knows its words.
        vocabulary: its words; None where nobody knows them.
        source: the file; "" for random weights.
        rest: what the file holds beside the weights: ``iteration``, ...
    """

    cfg: CfgNode
    model: nn.Module
    vocabulary: Vocabulary | None
    source: str
    rest: dict[str, Any]


def load_trained(cfg: CfgNode, *, resume: bool = False) -> Trained:
    """Build the model of ``MODEL.WEIGHTS`` and load it.

    Classes, verbs and how pictures are prepared are those that the checkpoint says. One that does
    not say them is taken for a model of the config's data sets, with a warning.

    Args:
        cfg: the config; it is copied.
        resume: load the last checkpoint in ``OUTPUT_DIR``, if there is one.

    Raises:
        InputError: the file is not there, is no checkpoint, or is one of another model; or a number
            of the config is none.
    """
    lookout = HOICheckpointer(nn.Identity(), cfg.OUTPUT_DIR)
    if resume and not lookout.has_checkpoint():
        logger.warning("%s has no checkpoint: loading MODEL.WEIGHTS", cfg.OUTPUT_DIR)
        resume = False
    path = lookout.get_checkpoint_file() if resume else cfg.MODEL.WEIGHTS
    card = read_card(path) if path else None
    if card is not None:
        cfg = follow_card(cfg, card, path)
    check_numbers(cfg, path or None)
    model = build_model(cfg)
    checkpointer = HOICheckpointer(model, cfg.OUTPUT_DIR)
    rest = checkpointer.resume_or_load(cfg.MODEL.WEIGHTS, resume=resume)
    vocabulary = checkpointer.card.vocabulary if checkpointer.card is not None else None
    if vocabulary is None:
        vocabulary = _assumed_vocabulary(cfg, checkpointer.source)
    if vocabulary is not None:
        check_vocabulary(cfg, vocabulary, checkpointer.source or "the data set")
    set_vocabulary(model, vocabulary)
    return Trained(cfg, model, vocabulary, checkpointer.source, rest)


def set_vocabulary(model: nn.Module, vocabulary: Vocabulary | None) -> None:
    """Tell a model its words."""
    unwrapped(model).vocabulary = vocabulary


def vocabulary_of(model: nn.Module) -> Vocabulary | None:
    """The words that :func:`set_vocabulary` told; None where nobody did."""
    return getattr(unwrapped(model), "vocabulary", None)


def unwrapped(model: nn.Module) -> nn.Module:
    """The model itself, without what several processes wrap it in."""
    return model.module if isinstance(model, DistributedDataParallel) else model


def metadata_of(vocabulary: Vocabulary, name: str) -> Metadata:
    """A model's words as what drawing takes: the metadata of a data set that nobody registered."""
    return Metadata(name=name, **vocabulary.as_metadata())


def _assumed_vocabulary(cfg: CfgNode, source: str) -> Vocabulary | None:
    """The words of the first data set of the config that says them."""
    for name in dict.fromkeys((*cfg.DATASETS.TRAIN, *cfg.DATASETS.TEST)):
        vocabulary = dataset_vocabulary(name) or _read_vocabulary(name)
        if vocabulary is not None:
            logger.warning(
                "%s does not say its classes and verbs: those of data set %r are assumed, in its "
                "order",
                source or "A model without weights",
                name,
            )
            return vocabulary
    return None


def _read_vocabulary(name: str) -> Vocabulary | None:
    """Of a data set whose names are in its file."""
    if name not in DatasetCatalog:
        return None
    try:
        DatasetCatalog.get(name)
    except (InputError, OSError):
        return None
    return dataset_vocabulary(name)
