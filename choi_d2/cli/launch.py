"""The arguments of several processes, as Detectron2's ``default_argument_parser`` has them.

Written here once more, because importing Detectron2's takes seconds.
"""

from __future__ import annotations

import argparse
import os


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
