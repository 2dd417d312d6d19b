#!/usr/bin/env python
"""Peak memory of interaction recognition in a crowd, beside the plain detector's.

    python tools/measure_memory.py --config-file configs/HOIW/choi_R_50_FPN.yaml \\
        --humans 60 --objects 60

Runs the config's model with random weights twice, each time in a process of its own: as it is, and
without its interaction networks (MODEL.INTERACTION_ON False). Both detect in one image of the
config's test size and then look at the same given instances. Prints the peaks and their difference:
resident memory on the CPU, allocated memory on a GPU.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
from collections.abc import Sequence

import torch
from detectron2.config import CfgNode
from detectron2.modeling import build_model
from detectron2.structures import Boxes, Instances

import choi_d2.modeling  # noqa: F401 (registers the model)
from choi_d2.engine import load_config
from choi_d2.utils import clean_exit

GIB = 2**30


def main(arguments: Sequence[str] | None = None) -> dict[str, float]:
    """Run the command line; returns the peaks in GiB."""
    args = _parser().parse_args(arguments)
    load_config(args.config_file, args.opts)  # complain here, not in a process
    peaks = {}
    for name, interaction in (("detector alone", False), ("with interaction", True)):
        context = multiprocessing.get_context("spawn")
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(target=_measure, args=(args, interaction, sender))
        process.start()
        sender.close()
        peaks[name] = receiver.recv() / GIB
        process.join()
        print(f"{name:>18}: {peaks[name]:6.2f} GiB", flush=True)
    difference = peaks["with interaction"] - peaks["detector alone"]
    people = f"{args.humans} humans, {args.objects} other instances, "
    print(f"{'difference':>18}: {difference:6.2f} GiB ({people}{args.humans * args.objects} pairs)")
    return peaks


def _measure(args: argparse.Namespace, interaction: bool, sender) -> None:
    cfg = load_config(args.config_file, [*args.opts, "MODEL.INTERACTION_ON", str(interaction)])
    torch.manual_seed(0)
    model = build_model(cfg).eval()
    size = cfg.INPUT.MIN_SIZE_TEST, cfg.INPUT.MAX_SIZE_TEST
    image = torch.randint(0, 256, (3, *size), dtype=torch.uint8)
    with torch.no_grad():
        model([{"image": image}])
        model.inference([{"image": image}], [_crowd(cfg, size, args.humans, args.objects)])
    on_gpu = model.device.type == "cuda"
    peak = torch.cuda.max_memory_allocated() if on_gpu else _peak_resident()
    sender.send(float(peak))


def _peak_resident() -> int:
    """Bytes; Linux tells kibibytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _crowd(cfg: CfgNode, size: tuple[int, int], humans: int, objects: int) -> Instances:
    """Random boxes of people and other things."""
    count = humans + objects
    extent = torch.tensor([size[1], size[0]], dtype=torch.float32)
    corners = torch.rand(count, 2) * extent * 0.7
    boxes = torch.cat([corners, corners + (0.05 + torch.rand(count, 2) * 0.25) * extent], dim=1)
    human = cfg.MODEL.ROI_INTERACTION_HEAD.HUMAN_CLASS
    other = next(k for k in range(cfg.MODEL.ROI_HEADS.NUM_CLASSES) if k != human)
    classes = torch.tensor([human] * humans + [other] * objects)
    return Instances(size, pred_boxes=Boxes(boxes), pred_classes=classes)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config-file", required=True, metavar="FILE")
    parser.add_argument("--humans", type=int, default=60)
    parser.add_argument("--objects", type=int, default=60)
    parser.add_argument(
        "opts", nargs=argparse.REMAINDER, metavar="KEY VALUE", help="config keys to override"
    )
    return parser


if __name__ == "__main__":
    with clean_exit():
        main()
