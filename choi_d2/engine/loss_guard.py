"""Stops a training whose loss is no number any more, and says why."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from detectron2.engine import HookBase
from detectron2.utils import comm
from torch import Tensor


class BrokenLoss(FloatingPointError):
    """A loss became NaN or infinite: names the iteration, the terms and the images."""


class LossGuard(HookBase):
    """Looks at the losses before anything is made of them: weights and optimizer stay as they were.

    If a process meets NaN or infinity, all of them stop in the same iteration. So they do where
    Detectron2 meets it on the way to the losses.

    Raises:
        BrokenLoss: in every process, with what each that met it has to say.
    """

    _own_forward = None

    def before_train(self) -> None:
        """Watch the model's losses."""
        model = self.trainer.model
        forward = model.forward
        self._own_forward = vars(model).get("forward")

        def guarded(batch: list[dict]):
            if not model.training:
                return forward(batch)
            losses, problem = None, None
            try:
                losses = forward(batch)
                problem = _broken_terms(losses)
            except FloatingPointError as error:
                problem = str(error)
            self._stop_if_broken(problem and f"{problem}; images: {_images(batch)}")
            return losses

        model.forward = guarded

    def after_train(self) -> None:
        """Leave the model as it was."""
        model = self.trainer.model
        vars(model).pop("forward", None)
        if self._own_forward is not None:
            model.forward = self._own_forward

    def _stop_if_broken(self, own: str | None) -> None:
        reports = comm.all_gather(own)
        if not any(reports):
            return
        lines = [f"The loss became infinite or NaN in iteration {self.trainer.iter}."]
        for rank, report in enumerate(reports):
            if report:
                lines.append(f"  process {rank}: {report}" if len(reports) > 1 else f"  {report}")
        parameters = self.trainer.model.named_parameters()
        broken = [name for name, weight in parameters if not weight.isfinite().all()]
        if broken:
            lines.append(
                f"  {len(broken)} weights had broken in an iteration before, {broken[0]} first."
            )
        lines.append(
            "The checkpoints are whole, but --resume alone meets it again: look at the images, set "
            "SOLVER.CLIP_GRADIENTS.ENABLED to True, or start anew with a lower SOLVER.BASE_LR."
        )
        raise BrokenLoss("\n".join(lines))


def _broken_terms(losses: Mapping[str, Tensor] | Tensor) -> str | None:
    """The losses that are NaN or infinite, in words; None if there are none."""
    if isinstance(losses, Tensor):
        losses = {"total_loss": losses}
    # A GPU is waited for once.
    values = torch.stack([loss.detach().float() for loss in losses.values()]).tolist()
    broken = [
        f"{name} = {value}"
        for name, value in zip(losses, values, strict=True)
        if not math.isfinite(value)
    ]
    return f"{', '.join(broken)} ({len(losses)} terms)" if broken else None


def _images(batch: list[dict]) -> str:
    return ", ".join(str(each.get("file_name", each.get("image_id", "?"))) for each in batch)
