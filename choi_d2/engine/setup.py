"""From a YAML file and KEY VALUE pairs to a checked config."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import torch
from detectron2.config import CfgNode, get_cfg
from detectron2.data import DatasetCatalog

from choi_d2.config import add_choi_config
from choi_d2.data.vocabularies import training_vocabulary
from choi_d2.modeling.meta_arch import check_views
from choi_d2.pictures.formats import check_channels
from choi_d2.structures import Vocabulary, dataset_vocabulary
from choi_d2.utils import InputError

from .config_files import SafeCfgNode, read_config_file
from .config_numbers import check_numbers
from .device import resolve_device
from .model_card import vocabulary_facts
from .weights_path import SUFFIXES

# What yacs makes of keys and values that it cannot take; values that look like Python are parsed.
_MERGE_ERRORS = (KeyError, ValueError, TypeError, AssertionError, RecursionError, MemoryError)


def load_config(
    config_file: str | os.PathLike, opts: Sequence[str] = (), *, data_sets: bool = True
) -> CfgNode:
    """Read a config.

    Args:
        config_file: YAML; "" for the defaults.
        opts: KEY VALUE pairs that override it.
        data_sets: do its data sets have to be registered? Photos can be predicted without.

    Raises:
        InputError: no such file, no YAML, a tag that would run code, an unknown key, a value of
            another type, a number that nothing can be computed with, or keys that do not go
            together.
    """
    cfg = new_config()
    if config_file:
        _check_config_path(Path(config_file))
        try:
            cfg.merge_from_file(os.fspath(config_file))
        except InputError:
            raise
        except _MERGE_ERRORS as error:
            places = read_config_file(config_file).places
            raise _config_error(error, cfg, config_file, places) from None
        _check_nothing_is_null(cfg, config_file)
        check_numbers(cfg, origin=partial(_origin, config_file))
    return finish_config(cfg, opts, data_sets=data_sets)


def new_config() -> CfgNode:
    """Every key with its default."""
    cfg = get_cfg()
    add_choi_config(cfg)
    return SafeCfgNode(cfg)


def finish_config(cfg: CfgNode, opts: Sequence[str], *, data_sets: bool = True) -> CfgNode:
    """Override a config's keys and check it, in place; see :func:`load_config`."""
    if len(opts) % 2:
        raise InputError(
            f"expected KEY VALUE pairs, got {len(opts)} words: {' '.join(opts)}",
            field="opts",
            hint="Options with dashes go before them.",
        )
    try:
        cfg.merge_from_list(list(opts))
    except _MERGE_ERRORS as error:
        raise _config_error(error, cfg, "the command line", {}) from None
    _check_nothing_is_null(cfg, None)
    check_numbers(cfg, "the command line")
    check_config(cfg, data_sets=data_sets)
    resolve_device(cfg)
    return cfg


def _check_nothing_is_null(cfg: CfgNode, config_file: str | os.PathLike | None) -> None:
    """``KEY:`` with nothing behind it: yacs lets it through, and it would fail where it is used."""
    for key, default in _nulls(cfg, new_config()):
        path, place = _origin(config_file, key)
        raise InputError(
            f"{place}expected a value such as {default!r}, found none",
            path=path,
            field=key,
            hint="Leave the key out for its default.",
        )


def _origin(config_file: str | os.PathLike | None, key: str) -> tuple[str | os.PathLike, str]:
    """Where a key of a config is from: (file, "line N: "), or ("the command line", "")."""
    if not config_file:
        return "the command line", ""
    path, line = read_config_file(config_file).places.get(key, (config_file, 0))
    return path, f"line {line}: " if line else ""


def _nulls(node: CfgNode, defaults: CfgNode, prefix: str = "") -> Iterator[tuple[str, object]]:
    """(key, its default) of keys without a value that have one by default."""
    for key, value in node.items():
        default = defaults.get(key)
        if isinstance(value, CfgNode) and isinstance(default, CfgNode):
            yield from _nulls(value, default, f"{prefix}{key}.")
        elif value is None and default is not None:
            yield prefix + key, default


def _check_config_path(path: Path) -> None:
    if path.is_dir():
        found = sorted(path.glob("*.yaml"))
        hint = f"Did you mean {found[0]}?" if found else "There is no .yaml in it."
        raise InputError("expected a config, found a folder", path=path, hint=hint)
    if not path.exists():
        near = sorted(x.name for x in path.parent.glob("*.y*ml")) if path.parent.is_dir() else []
        close = difflib.get_close_matches(path.name, near, n=1)
        hint = f"Did you mean {path.parent / close[0]}?" if close else "Check --config-file."
        raise InputError("no such config file", path=path, hint=hint)
    if path.suffix in SUFFIXES:
        raise InputError(
            "expected a config, found the weights of a model",
            path=path,
            hint="Weights are given as MODEL.WEIGHTS, behind the other options. `choi predict` "
            "takes them after --model, and then needs no config.",
        )


def check_config(cfg: CfgNode, *, data_sets: bool = True) -> None:
    """Keys that have to agree with each other or with the data sets.

    Args:
        cfg: the config.
        data_sets: look at the data sets, too.

    Raises:
        InputError: names the key, what it is and what it should be.
    """
    check_channels(cfg.INPUT.FORMAT, len(cfg.MODEL.PIXEL_MEAN))
    cascade, head = cfg.MODEL.ROI_BOX_CASCADE_HEAD, cfg.MODEL.ROI_INTERACTION_HEAD
    stages = len(cascade.IOUS)
    per_stage = {
        "MODEL.ROI_BOX_CASCADE_HEAD.BBOX_REG_WEIGHTS": (cascade.BBOX_REG_WEIGHTS, "=="),
        "MODEL.ROI_BOX_CASCADE_HEAD.LOSS_WEIGHTS": (cascade.LOSS_WEIGHTS, ">="),
        "MODEL.ROI_INTERACTION_HEAD.LOSS_WEIGHTS": (head.LOSS_WEIGHTS, ">="),
    }
    if cfg.MODEL.MASK_ON:
        weights = cfg.MODEL.ROI_MASK_HEAD.LOSS_WEIGHTS
        per_stage["MODEL.ROI_MASK_HEAD.LOSS_WEIGHTS"] = (weights, ">=")
    for key, (values, relation) in per_stage.items():
        if len(values) < stages or (relation == "==" and len(values) != stages):
            raise InputError(
                f"expected {stages} values, one for each of MODEL.ROI_BOX_CASCADE_HEAD.IOUS, "
                f"got {len(values)}",
                field=key,
            )
    if cascade.IOUS[0] != cfg.MODEL.ROI_HEADS.IOU_THRESHOLDS[0]:
        raise InputError(
            f"expected MODEL.ROI_HEADS.IOU_THRESHOLDS[0] = {cfg.MODEL.ROI_HEADS.IOU_THRESHOLDS[0]},"
            f" got {cascade.IOUS[0]}",
            field="MODEL.ROI_BOX_CASCADE_HEAD.IOUS[0]",
        )
    if head.REPRESENTATION != "bbox" and not cfg.MODEL.MASK_ON:
        raise InputError(
            f"{head.REPRESENTATION!r} needs masks",
            field="MODEL.ROI_INTERACTION_HEAD.REPRESENTATION",
            hint="Set MODEL.MASK_ON to True, or use 'bbox'.",
        )
    if cfg.TEST.BOXES_FROM_MASKS and not cfg.MODEL.MASK_ON:
        raise InputError(
            "there are no masks without MODEL.MASK_ON",
            field="TEST.BOXES_FROM_MASKS",
            hint="Set MODEL.MASK_ON to True, or leave the detected boxes.",
        )
    check_views(cfg)
    if cfg.MODEL.LOCALIZATION_FROZEN and not cfg.MODEL.INTERACTION_ON:
        raise InputError(
            "there is nothing to train without MODEL.INTERACTION_ON",
            field="MODEL.LOCALIZATION_FROZEN",
            hint="Set it to False for the first phase.",
        )
    if data_sets:
        check_datasets(cfg)


def check_training(cfg: CfgNode, processes: int) -> None:
    """Can so many processes train this config, on its device?

    Args:
        cfg: the config; its ``MODEL.DEVICE`` is there, see :func:`resolve_device`.
        processes: on all machines together.

    Raises:
        InputError: names the key, what it is and what to do.
    """
    check_numbers(cfg)
    solver = cfg.SOLVER
    if solver.REFERENCE_WORLD_SIZE:
        share, whose = solver.REFERENCE_WORLD_SIZE, "SOLVER.REFERENCE_WORLD_SIZE"
        hint = (
            "It is the batch of that many GPUs; with others, batch, learning rate and iterations "
            "are scaled. Set SOLVER.REFERENCE_WORLD_SIZE to 0 to scale nothing."
        )
    else:
        share, whose = processes, "the number of processes"
        hint = "Every process gets equally many images: change one of the two."
    if solver.IMS_PER_BATCH < 1 or solver.IMS_PER_BATCH % share:
        raise InputError(
            f"expected a multiple of {share}, {whose}, got {solver.IMS_PER_BATCH}",
            field="SOLVER.IMS_PER_BATCH",
            hint=hint,
        )
    for key in ("ATTENTION_LR_FACTOR", "BACKBONE_LR_FACTOR"):
        if solver.OPTIMIZER == "SGD" and solver[key] != 1:
            raise InputError(
                f"expected 1 with SGD, got {solver[key]}",
                field=f"SOLVER.{key}",
                hint="It is for SOLVER.OPTIMIZER AdamW.",
            )
    if solver.AMP.ENABLED and torch.device(cfg.MODEL.DEVICE).type != "cuda":
        raise InputError(
            f"mixed precision needs a GPU, but MODEL.DEVICE is {cfg.MODEL.DEVICE!r}",
            field="SOLVER.AMP.ENABLED",
            hint="Set it to False.",
        )


def check_datasets(cfg: CfgNode) -> None:
    """Are the data sets registered, and do those of training agree with each other and the config?

    What only a data set's file tells is checked once that has been read; call this again then.

    Raises:
        InputError: names the key, what it is and what the data set has.
    """
    for name in (*cfg.DATASETS.TRAIN, *cfg.DATASETS.TEST):
        if name not in DatasetCatalog:
            close = difflib.get_close_matches(name, DatasetCatalog.list(), n=3)
            raise InputError(
                f"{name!r} is not a registered data set",
                field="DATASETS",
                hint=f"Did you mean {' or '.join(close)}?" if close else "See datasets/README.md.",
            )
    names, rule = cfg.DATASETS.TRAIN, cfg.DATASETS.VOCABULARY
    vocabulary = training_vocabulary(names, rule)
    if vocabulary is not None and (rule == "same" or all(map(dataset_vocabulary, names))):
        check_vocabulary(cfg, vocabulary, " and ".join(f"data set {name!r}" for name in names))


def check_vocabulary(cfg: CfgNode, vocabulary: Vocabulary, source: str) -> None:
    """Is the config one of a model with these classes and verbs?

    Args:
        cfg: the config.
        vocabulary: the model's.
        source: where it is from, for the message.

    Raises:
        InputError: names the key, what it is and what it should be.
    """
    for key, expected in vocabulary_facts(vocabulary).items():
        value = cfg
        for part in key.split("."):
            value = value[part]
        if (tuple(value) if isinstance(expected, tuple) else value) != expected:
            raise InputError(f"expected {expected}, as {source} has it, got {value}", field=key)


def _config_error(
    error: Exception,
    cfg: CfgNode,
    source: str | os.PathLike,
    places: Mapping[str, tuple[str, int]],
) -> InputError:
    """yacs' complaint as an error that names the file, the line and the nearest key."""
    message = str(error.args[0]) if error.args else type(error).__name__
    named = message.rsplit(": ", 1)[-1].strip()
    if named in places:
        source, line = places[named]
        message = f"line {line}: {message}"
    hint = None
    if isinstance(error, (KeyError, AssertionError)) and "Non-existent" in message:
        close = difflib.get_close_matches(named, list(_keys(cfg)), n=1, cutoff=0.4)
        hint = f"Did you mean {close[0]}?" if close else None
    return InputError(message, path=source, hint=hint)


def _keys(node: CfgNode, prefix: str = "") -> Iterator[str]:
    for key, value in node.items():
        yield prefix + key
        if isinstance(value, CfgNode):
            yield from _keys(value, f"{prefix}{key}.")
