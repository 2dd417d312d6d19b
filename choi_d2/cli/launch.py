"""The arguments of several processes, as Detectron2's ``default_argument_parser`` has them.

Written here once more, because importing Detectron2's takes seconds.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any


def add_launch_arguments(parser: argparse.ArgumentParser) -> None:
    """``--num-gpus``, ``--num-machines``, ``--machine-rank``, ``--dist-url``."""
    group = parser.add_argument_group("several processes")
    group.add_argument(
        "--num-gpus",
        type=int,
        default=1,
        metavar="N",
        help="processes on this machine; on a CPU, too (default: 1)",
    )
    group.add_argument("--num-machines", type=int, default=1, metavar="N", help="default: 1")
    group.add_argument(
        "--machine-rank", type=int, default=0, metavar="K", help="of this one, from 0"
    )
    # Detectron2's own port: the same for one user, so that orphaned processes are noticed.
    port = 2**15 + 2**14 + hash(os.getuid() if hasattr(os, "getuid") else 1) % 2**14
    group.add_argument(
        "--dist-url",
        default=f"tcp://127.0.0.1:{port}",
        metavar="URL",
        help="where the processes meet: one address for all machines",
    )


def launch_for_json(args: argparse.Namespace) -> dict[str, Any] | None:
    """Train or evaluate in all processes, with stdout left to the result where ``--json`` is given.

    Args:
        args: what :func:`choi_d2.engine.running.train_or_evaluate` takes, and ``json``.

    Returns:
        for ``--json``, in the first of all processes: ``output``, the folder, and what
        ``results.json`` in it says; otherwise None.
    """
    from choi_d2.engine import launch_or_join
    from choi_d2.engine.results import RESULTS_FILE
    from choi_d2.engine.running import train_or_evaluate
    from choi_d2.engine.weights_config import run_config
    from choi_d2.utils import read_json

    from .logs import stdout_kept_for_json

    # Of torchrun's processes each has come here; of several machines each prints for itself.
    first = int(os.environ.get("RANK", 0)) == 0 and args.machine_rank == 0
    with stdout_kept_for_json(args.json):
        launch_or_join(train_or_evaluate, args)
        if not (args.json and first):
            return None
        folder = run_config(args).OUTPUT_DIR
    return {"output": folder, **read_json(Path(folder, RESULTS_FILE), dict)}
