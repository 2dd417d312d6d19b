"""Stops a training whose loss is no number any more, and says why."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from detectron2.engine import HookBase
from detectron2.utils import comm
from torch import Tensor, nn


class BrokenLoss(FloatingPointError):
    """A loss became NaN or infinite: names the iteration, the terms and the images."""


class LossGuard(HookBase):
    """Looks at the losses before anything is made of them: weights and optimizer stay as they were.

    If a process meets NaN or infinity, all of them stop in the same iteration.

    Raises:
        BrokenLoss: in every process, with what each that met it has to say.
    """

    def before_train(self) -> None:
        """Watch the model's losses."""
        self._handle = self.trainer.model.register_forward_hook(self._check)

    def after_train(self) -> None:
        """Leave the model."""
        self._handle.remove()

    def _check(self, model: nn.Module, inputs: tuple, losses: Mapping[str, Tensor] | Tensor):
        if not model.training:
            return
        if isinstance(losses, Tensor):
            losses = {"total_loss": losses}
        reports = comm.all_gather(_report(inputs[0], losses))
        broken = {rank: report for rank, report in enumerate(reports) if report is not None}
        if not broken:
            return
        several = len(reports) > 1
        lines = [f"The loss became infinite or NaN in iteration {self.trainer.iter}."]
        for rank, report in broken.items():
            lines.append(f"  process {rank}: {report}" if several else f"  {report}")
        weights = [name for name, x in model.named_parameters() if not x.isfinite().all()]
        if weights:
            lines.append(
                f"  {len(weights)} weights had broken in an iteration before, {weights[0]} first."
            )
        lines.append(
            "The checkpoints are whole, but --resume alone meets it again: look at the images, set "
            "SOLVER.CLIP_GRADIENTS.ENABLED to True, or start anew with a lower SOLVER.BASE_LR."
        )
        raise BrokenLoss("\n".join(lines))


def _report(batch: list[dict], losses: Mapping[str, Tensor]) -> str | None:
    """What is wrong in a process's losses; None if nothing is."""
    values = torch.stack([loss.detach().float().reshape(()) for loss in losses.values()])
    # Once for all of them: a GPU is waited for.
    if values.sum().isfinite() or values.isfinite().all():
        return None
    broken = [f"{k} = {v}" for k, v in zip(losses, values.tolist()) if not _is_finite(v)]
    images = [str(each.get("file_name", each.get("image_id", "?"))) for each in batch]
    return f"{', '.join(broken)} ({len(losses)} terms); images: {', '.join(images)}"


def _is_finite(value: float) -> bool:
    return value - value == 0
