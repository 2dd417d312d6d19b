"""Which device a model runs on."""

from __future__ import annotations

import logging

import torch
from detectron2.config import CfgNode

from choi_d2.utils import InputError

logger = logging.getLogger(__name__)


def resolve_device(cfg: CfgNode) -> str:
    """Make ``cfg.MODEL.DEVICE`` a device that is there, in place, frozen or not.

    Detectron2's default is "cuda"; where PyTorch finds no GPU it becomes "cpu", and a message says
    so.

    Returns:
        the device.

    Raises:
        InputError: the name is no device's, or a numbered GPU is not there though others are.
    """
    wanted = cfg.MODEL.DEVICE
    try:
        device = torch.device(wanted)
    except (RuntimeError, TypeError):
        raise InputError(
            f"expected a PyTorch device such as 'cuda', 'cuda:1' or 'cpu', found {wanted!r}",
            field="MODEL.DEVICE",
        ) from None
    if device.type != "cuda":
        return wanted
    if torch.cuda.is_available():
        if (device.index or 0) >= torch.cuda.device_count():
            raise InputError(
                f"{wanted!r} is not there, PyTorch finds {torch.cuda.device_count()} GPU(s), "
                "counted from 0",
                field="MODEL.DEVICE",
            )
        return wanted
    logger.warning("MODEL.DEVICE is %r, but PyTorch finds no GPU: running on the CPU", wanted)
    frozen = cfg.is_frozen()
    cfg.defrost()
    cfg.MODEL.DEVICE = "cpu"
    if frozen:
        cfg.freeze()
    return "cpu"
