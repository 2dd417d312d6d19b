"""A whole training or evaluation, as every process of it runs it.

``train_net.py`` and ``choi train`` read the arguments and come here, through
:func:`choi_d2.engine.launch_or_join`.
"""

from __future__ import annotations

import argparse
from typing import Any

from detectron2.config import CfgNode
from detectron2.engine import default_setup
from detectron2.evaluation import verify_results
from detectron2.utils import comm
from detectron2.utils.logger import setup_logger

from choi_d2.utils.said import saying_once

from .loading import load_trained
from .own_data import register_own_data
from .results import write_results
from .trainer import HOITrainer
from .weights_config import run_config


def set_up(args: argparse.Namespace) -> CfgNode:
    """The frozen config of this run, logged and saved in OUTPUT_DIR."""
    cfg = run_config(args)
    cfg.freeze()
    default_setup(cfg, args)
    setup_logger(cfg.OUTPUT_DIR, distributed_rank=comm.get_rank(), name="choi_d2")
    return cfg


def evaluate(cfg: CfgNode, *, resume: bool = False) -> dict[str, Any]:
    """Evaluate MODEL.WEIGHTS, or with ``resume`` the last checkpoint in OUTPUT_DIR.

    Returns:
        the metrics, in percent; they are also written to ``OUTPUT_DIR/results.json``.
    """
    trained = load_trained(cfg, resume=resume)
    results = HOITrainer.test(trained.cfg, trained.model)
    if comm.is_main_process():
        iteration = trained.rest.get("iteration")
        write_results(cfg, results, weights=trained.source, iteration=iteration)
        verify_results(cfg, results)
    return results


def train_or_evaluate(args: argparse.Namespace) -> dict[str, Any]:
    """Train, or evaluate with ``eval_only``.

    Args:
        args: of Detectron2's ``default_argument_parser``; perhaps ``own_data``, files to register,
            and ``model``, a checkpoint whose config is taken where there is no ``config_file``.

    Returns:
        the metrics of the last evaluation, in percent.
    """
    with saying_once():
        own_data = getattr(args, "own_data", None)
        if own_data is not None:
            # Each process for itself: catalogs are not shared.
            register_own_data(own_data)
        cfg = set_up(args)
        if args.eval_only:
            return evaluate(cfg, resume=args.resume)
        trainer = HOITrainer(cfg)
        trainer.resume_or_load(resume=args.resume)
        return trainer.train()
