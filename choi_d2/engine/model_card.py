"""What a checkpoint says of its model beside the weights: its words, its input, its config."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from detectron2.config import CfgNode

from choi_d2 import __version__
from choi_d2.structures import Vocabulary
from choi_d2.utils import InputError
from choi_d2.utils.commit import git_commit

from .weight_files import read_metadata, read_torch

logger = logging.getLogger(__name__)

CARD = "model_card"
"""The key in a checkpoint, beside "model"."""

_VERSION = 1

# Facts of the pictures that weights were trained with: other ones give other numbers.
_INPUT = {
    "format": "INPUT.FORMAT",
    "pixel_mean": "MODEL.PIXEL_MEAN",
    "pixel_std": "MODEL.PIXEL_STD",
    "min_size_test": "INPUT.MIN_SIZE_TEST",
    "max_size_test": "INPUT.MAX_SIZE_TEST",
}
# A choice of whoever predicts.
_SIZES = ("min_size_test", "max_size_test")


@dataclass(frozen=True)
class ModelCard:
    """All that is needed to use weights: nothing has to be registered, no config be at hand.

    Args:
        vocabulary: the model's classes and verbs; None where the training data do not say them.
        input: how pictures are prepared: ``format``, ``pixel_mean``, ``pixel_std``,
            ``min_size_test``, ``max_size_test``.
        config: the training's config, YAML.
        made_by: what trained it: ``choi_d2`` and ``torch``, versions, and ``commit``, of a clone.
    """

    vocabulary: Vocabulary | None
    input: Mapping[str, Any]
    config: str
    made_by: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, cfg: CfgNode, vocabulary: Vocabulary | None) -> ModelCard:
        """The card of a model that is trained with this config."""
        pictures = {name: _get(cfg, key) for name, key in _INPUT.items()}
        return cls(vocabulary, pictures, cfg.dump(), _versions())

    def to_dict(self) -> dict[str, Any]:
        """Strings, numbers, lists and dicts alone: ``torch.load(weights_only=True)`` reads it."""
        words = {} if self.vocabulary is None else self.vocabulary.to_dict()
        return {
            "version": _VERSION,
            **words,
            "input": dict(self.input),
            "config": self.config,
            "made_by": dict(self.made_by),
        }

    @classmethod
    def from_dict(cls, content: Any, path: str | os.PathLike) -> ModelCard:
        """What :meth:`to_dict` gave.

        Args:
            content: what a checkpoint has under :data:`CARD`.
            path: the checkpoint, for messages.

        Raises:
            InputError: it is no card.
        """
        try:
            if not isinstance(content, Mapping):
                raise InputError(f"expected a dict, found {type(content).__name__}")
            version = content.get("version", _VERSION)
            if not isinstance(version, int) or version > _VERSION:
                raise InputError(f"its version is {version!r}, expected at most {_VERSION}")
            config, pictures = content.get("config", ""), content.get("input", {})
            made_by = content.get("made_by", {})
            dicts = isinstance(pictures, Mapping) and isinstance(made_by, Mapping)
            if not isinstance(config, str) or not dicts:
                raise InputError("expected 'config' as a text, 'input' and 'made_by' as dicts")
            vocabulary = Vocabulary.from_dict(content) if "classes" in content else None
        except InputError as error:
            place = f"{CARD}.{error.field}" if error.field else CARD
            raise InputError(error.problem, path=path, field=place) from None
        return cls(vocabulary, pictures, config, made_by)


def read_card(path: str | os.PathLike) -> ModelCard | None:
    """The card of a checkpoint, without its weights, which may be large.

    Args:
        path: a local file.

    Returns:
        None where there is none: an older checkpoint, safetensors that are no bundle, weights of
        Detectron2's model zoo, an address on the network, or a file that cannot be read, which
        loading it will say.

    Raises:
        InputError: the card is broken.
    """
    if not os.path.isfile(path):
        return None
    texts = read_metadata(path)
    if texts is not None:
        return _card_of_texts(texts, path)
    try:
        content = read_torch(path, mmap=True)
    except InputError:
        return None
    if not isinstance(content, Mapping) or CARD not in content:
        return None
    return ModelCard.from_dict(content[CARD], path)


def _card_of_texts(texts: Mapping[str, str], path: str | os.PathLike) -> ModelCard | None:
    if CARD not in texts:
        return None
    try:
        content = json.loads(texts[CARD])
    except ValueError as error:
        raise InputError(f"expected JSON ({error})", path=path, field=CARD) from None
    return ModelCard.from_dict(content, path)


def follow_card(cfg: CfgNode, card: ModelCard, source: str) -> CfgNode:
    """A config in which the facts of the model are its card's.

    Args:
        cfg: it is copied.
        card: of the weights.
        source: their file, for the log.

    Returns:
        the config with the card's classes, verbs and pictures. The sizes of pictures at test time
        stay: they are a choice. What differs is logged.

    Raises:
        InputError: a fact of the card is of another type than its key.
    """
    facts = {
        _INPUT[name]: value
        for name, value in card.input.items()
        if name in _INPUT and name not in _SIZES
    }
    if card.vocabulary is not None:
        facts |= vocabulary_facts(card.vocabulary)
    cfg = cfg.clone()
    cfg.defrost()
    for key, value in facts.items():
        before = _get(cfg, key)
        if _plain(before) != _plain(value):
            logger.warning("%s is %r, as %s has it, and not %r", key, value, source, before)
            try:
                cfg.merge_from_list([key, value])
            except ValueError as error:
                problem, place = f"no value of {key} ({error})", f"{CARD}.input"
                raise InputError(problem, path=source, field=place) from None
    return cfg


def vocabulary_facts(vocabulary: Vocabulary) -> dict[str, Any]:
    """Config key -> what it is for a model with this vocabulary.

    Keys of verbs are left out for one of detection alone.
    """
    head = "MODEL.ROI_INTERACTION_HEAD."
    facts: dict[str, Any] = {"MODEL.ROI_HEADS.NUM_CLASSES": len(vocabulary.classes)}
    if vocabulary.verbs:
        facts |= {
            f"{head}NUM_VERBS": len(vocabulary.verbs),
            f"{head}HUMAN_CLASS": vocabulary.human_class,
            f"{head}HUMANS_AS_OBJECTS": vocabulary.humans_as_objects,
            f"{head}OBJECTLESS_VERBS": vocabulary.objectless_verbs,
        }
    return facts


def _versions() -> dict[str, str]:
    versions = {"choi_d2": __version__, "torch": str(torch.__version__)}
    commit = git_commit(Path(__file__).resolve().parents[2])
    return versions if commit is None else {**versions, "commit": commit}


def _get(cfg: CfgNode, key: str) -> Any:
    for part in key.split("."):
        cfg = cfg[part]
    return _plain(cfg) if isinstance(cfg, list) else cfg


def _plain(value: Any) -> Any:
    return [_plain(x) for x in value] if isinstance(value, list | tuple) else value
