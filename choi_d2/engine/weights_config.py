"""The config of a model whose weights are all that is at hand."""

from __future__ import annotations

import argparse
import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from detectron2.config import CfgNode

from choi_d2.utils import InputError

from .config_numbers import check_numbers
from .model_card import read_card
from .setup import check_config, finish_config, load_config, new_config
from .weight_files import read_weights
from .weights_path import check_weights_path

logger = logging.getLogger(__name__)

_CONFIG = "config.yaml"
"""What a training writes beside its checkpoints."""


def load_prediction_config(
    config_file: str | os.PathLike, weights: str | os.PathLike, opts: Sequence[str] = ()
) -> CfgNode:
    """The config of a command line that predicts.

    Args:
        config_file: YAML; "" for the one that the weights carry.
        weights: a checkpoint; "" for the ``MODEL.WEIGHTS`` of the config.
        opts: KEY VALUE pairs that override it.

    Raises:
        InputError: neither is given, the file is no checkpoint, or the config is broken.
    """
    if not config_file and not weights:
        raise InputError(
            "no model is given", hint="Give --weights model_final.pth, or --config-file."
        )
    if not config_file:
        return load_weights_config(weights, opts)
    named = ["MODEL.WEIGHTS", os.fspath(weights)] if weights else []
    return load_config(config_file, [*opts, *named], data_sets=False)


def load_weights_config(weights: str | os.PathLike, opts: Sequence[str] = ()) -> CfgNode:
    """The config that a checkpoint was trained with, ready to predict.

    It is the one in the checkpoint; for an older checkpoint the ``config.yaml`` beside it. No data
    set has to be registered, and none of the training's files is needed.

    Args:
        weights: the checkpoint, a local file.
        opts: KEY VALUE pairs that override it.

    Raises:
        InputError: no such file, no checkpoint, one without a config, or one with a broken one.
    """
    weights = os.fspath(weights)
    if "://" in weights:
        raise InputError(
            "an address does not say its config",
            path=weights,
            hint="Give the config as --config-file, or download the file.",
        )
    check_weights_path(weights, field="--weights")
    card = read_card(weights)
    cfg = new_config()
    if card is not None and card.config:
        _merge_known(cfg, _parse(card.config, weights), weights)
        check_numbers(cfg, weights)
    else:
        beside = Path(weights).parent / _CONFIG
        if not beside.is_file():
            read_weights(weights)  # which says what else may be wrong with it
            raise InputError(
                "does not say its config, and there is no config.yaml beside it",
                path=weights,
                hint="Give the config that it was trained with, as --config-file.",
            )
        logger.info("%s does not say its config: taken from %s", weights, beside)
        cfg = load_config(beside, data_sets=False)
    cfg.MODEL.WEIGHTS = weights
    _forget_training(cfg)
    return finish_config(cfg, opts, data_sets=False)


def run_config(args: argparse.Namespace) -> CfgNode:
    """The checked config of a training or evaluation.

    Args:
        args: as :func:`choi_d2.engine.running.train_or_evaluate` takes them.

    Raises:
        InputError: the config, or the checkpoint that has it, is broken.
    """
    model = getattr(args, "model", None)
    if not model or args.config_file:
        return load_config(args.config_file, args.opts)
    cfg = load_weights_config(model, args.opts)
    check_config(cfg)
    return cfg


def _forget_training(cfg: CfgNode) -> None:
    """Drop what a config names that is on the training's machine alone."""
    cfg.DATASETS.TRAIN = cfg.DATASETS.TEST = ()
    cfg.OUTPUT_DIR = new_config().OUTPUT_DIR
    if cfg.INPUT.FACES.DETECTOR != "file":
        cfg.INPUT.FACES.FILES = ()


def _parse(text: str, path: str) -> dict[str, Any]:
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise InputError(f"its config is no YAML ({reason})", path=path) from None
    if not isinstance(content, dict):
        raise InputError(f"its config is {type(content).__name__}, expected keys", path=path)
    return content


def _merge_known(cfg: CfgNode, content: Mapping[str, Any], path: str) -> None:
    """Take over the keys that this version has; those of another version are named."""
    unknown: list[str] = []
    known = _known(cfg, content, "", unknown)
    if unknown:
        message = "%s: keys of another version of choi_d2 are left out of its config: %s"
        logger.warning(message, path, ", ".join(unknown))
    try:
        cfg.merge_from_other_cfg(CfgNode(known))
    except (KeyError, ValueError, TypeError, AssertionError) as error:
        raise InputError(f"its config does not fit ({error})", path=path) from None


def _known(
    cfg: CfgNode, content: Mapping[str, Any], prefix: str, unknown: list[str]
) -> dict[str, Any]:
    known = {}
    for key, value in content.items():
        if key not in cfg:
            unknown.append(f"{prefix}{key}")
        elif isinstance(cfg[key], CfgNode) and isinstance(value, Mapping):
            known[key] = _known(cfg[key], value, f"{prefix}{key}.", unknown)
        else:
            known[key] = value
    return known
