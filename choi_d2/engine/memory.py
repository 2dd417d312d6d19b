"""Peak memory of interaction recognition in a crowd, beside the plain detector's."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence

import torch
from detectron2.config import CfgNode
from detectron2.modeling import build_model
from detectron2.structures import Boxes, Instances

import choi_d2.modeling  # noqa: F401 (registers the model)
from choi_d2.utils.memory import peak_memory_here

from .setup import load_config


def measure_memory(
    config_file: str, opts: Sequence[str] = (), *, humans: int = 60, objects: int = 60
) -> dict[str, int]:
    """Run the config's model with random weights twice, each time in a process of its own.

    As it is, and without its interaction networks (``MODEL.INTERACTION_ON`` False). Both detect in
    one image of the config's test size and then look at the same given instances.

    Args:
        config_file: the model.
        opts: KEY VALUE pairs that override it.
        humans, objects: the given instances.

    Returns:
        ``detector_alone`` and ``with_interaction``: peaks in bytes; resident memory on the CPU,
        allocated memory on a GPU.

    Raises:
        InputError: the config is wrong.
    """
    load_config(config_file, opts)  # complain here, not in a process
    peaks = {}
    for name, interaction in (("detector_alone", False), ("with_interaction", True)):
        context = multiprocessing.get_context("spawn")
        receiver, sender = context.Pipe(duplex=False)
        arguments = (config_file, list(opts), humans, objects, interaction, sender)
        process = context.Process(target=_measure, args=arguments)
        process.start()
        sender.close()
        peaks[name] = receiver.recv()
        process.join()
    return peaks


def _measure(
    config_file: str, opts: list[str], humans: int, objects: int, interaction: bool, sender
) -> None:
    cfg = load_config(config_file, [*opts, "MODEL.INTERACTION_ON", str(interaction)])
    torch.manual_seed(0)
    model = build_model(cfg).eval()
    size = cfg.INPUT.MIN_SIZE_TEST, cfg.INPUT.MAX_SIZE_TEST
    image = torch.randint(0, 256, (3, *size), dtype=torch.uint8)
    with torch.no_grad():
        model([{"image": image}])
        model.inference([{"image": image}], [_crowd(cfg, size, humans, objects)])
    sender.send(peak_memory_here(model.device))


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
