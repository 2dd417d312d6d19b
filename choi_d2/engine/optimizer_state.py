"""Can a training go on with a checkpoint's optimizer? The keys that have to be the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from detectron2.config import CfgNode
from torch import nn

from choi_d2.utils import InputError

# In the names of the parameters that MODEL.LOCALIZATION_FROZEN leaves to be trained.
_NOT_FROZEN = "roi_heads.interaction_heads."


def check_optimizer_state(
    cfg: CfgNode,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    state: Mapping[str, Any],
    path: str,
) -> None:
    """Is this the state of an optimizer like ours, over the same parameters?

    Args:
        cfg: of the training that is to go on.
        model: its model.
        optimizer: its optimizer.
        state: of Detectron2's inner trainer: ``optimizer``, and with AMP ``grad_scaler``.
        path: the checkpoint that it is from.

    Raises:
        InputError: names the key that has been changed.
    """
    groups = state["optimizer"]["param_groups"]
    kind, other = _kind(optimizer.state_dict()["param_groups"]), _kind(groups)
    if kind != other:
        raise _changed("SOLVER.OPTIMIZER", other, kind, path)
    if cfg.SOLVER.AMP.ENABLED and "grad_scaler" not in state:
        raise _changed("SOLVER.AMP.ENABLED", False, True, path)
    ours = [len(group["params"]) for group in optimizer.param_groups]
    theirs = [len(group["params"]) for group in groups]
    if ours == theirs:
        return
    heads = sum(_NOT_FROZEN in name for name, _ in model.named_parameters())
    frozen = cfg.MODEL.LOCALIZATION_FROZEN
    if sum(ours) != sum(theirs) and (frozen or sum(theirs) == heads):
        raise _changed("MODEL.LOCALIZATION_FROZEN", not frozen, frozen, path)
    raise InputError(
        f"this checkpoint's optimizer has groups of {theirs} parameters, that of this config "
        f"groups of {ours}",
        path=path,
        field="SOLVER",
        hint="MODEL.BACKBONE.FREEZE_AT says what is trained, SOLVER.WEIGHT_DECAY, "
        "WEIGHT_DECAY_NORM, WEIGHT_DECAY_BIAS, BIAS_LR_FACTOR and ATTENTION_LR_FACTOR what makes "
        f"a group of its own: resume with those of that training. {_elsewhere(path)}",
    )


def _kind(groups: list[Mapping[str, Any]]) -> str:
    """``SOLVER.OPTIMIZER`` of an optimizer's groups."""
    return "AdamW" if "betas" in groups[0] else "SGD"


def _changed(key: str, before: object, now: object, path: str) -> InputError:
    return InputError(
        f"this checkpoint was trained with {key} {before}, now it is {now}",
        path=path,
        field=key,
        hint=f"Resume with {key} {before}. {_elsewhere(path)}",
    )


def _elsewhere(path: str) -> str:
    return f"To start from its weights, set MODEL.WEIGHTS to {path}, in another OUTPUT_DIR."
