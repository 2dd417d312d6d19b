"""Checkpoints: weights of other models are fitted, files written whole, damaged ones passed by."""

from __future__ import annotations

import contextlib
import logging
import os
from collections import OrderedDict
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

from detectron2.checkpoint import DetectionCheckpointer
from detectron2.checkpoint.c2_model_loading import align_and_update_state_dicts
from torch import nn

from choi_d2.utils import InputError, atomic_path

from .checkpoint_files import (
    check_finite,
    last_checkpoint,
    named_last,
    others_from_newest,
    remove_halves,
    write_checkpoint,
)
from .checkpoint_names import NEW_NAMES, joined_names
from .model_card import CARD, ModelCard
from .torchvision_weights import with_model_names
from .weight_files import read_weights
from .weight_report import weight_report
from .weights import as_tensors, fit_weights
from .weights_path import check_weights_address, check_weights_path

logger = logging.getLogger(__name__)

# What Detectron2's files hold beside weights: the model makes these itself.
_NOT_WEIGHTS = ("pixel_mean", "pixel_std", "anchor_generator.cell_anchors")


class DamagedCheckpoint(InputError):
    """A file that cannot be read as a checkpoint: cut short, empty, or something else."""


class HOICheckpointer(DetectionCheckpointer):
    """Detectron2's checkpointer for C-HOI models.

    It loads what Detectron2's does: its model zoo (``detectron2://...``), ImageNet weights, local
    files. Moreover:

    - ``torchvision://NAME`` and files of torchvision serve backbones of torchvision.
    - Heads of one stage, and of cascades with another number of stages, serve all stages (see
      :func:`choi_d2.engine.weights.fit_weights`). One table in the log says what came of each part.
    - What has a row for each class or verb is loaded by the names, which every checkpoint has with
      it (see :class:`choi_d2.engine.model_card.ModelCard`).
    - A checkpoint is written whole or not at all, and ``last_checkpoint`` names it only then;
      weights that are no numbers are not written.
    - ``resume_or_load`` passes by a damaged last checkpoint for the one before it.

    Args:
        model: the model, wrapped for several processes or not.
        save_dir: the folder of the checkpoints.
        card: what is saved with the weights; its classes and verbs are the model's. None: the model
            takes over what the file that is loaded says.
        new_names: ``MODEL.NEW_NAMES``: "refuse" or "initialise" classes and verbs of the model that
            a file of another vocabulary does not know.
        save_to_disk: by default True on the main process.
        checkpointables: what is saved and resumed along with the model.

    Attributes:
        card: of the model.
        source: the file that was loaded last; "" if none was.
        saved_iteration: ``iteration`` of the last checkpoint that was saved; None before.
    """

    def __init__(
        self,
        model: nn.Module,
        save_dir: str = "",
        *,
        card: ModelCard | None = None,
        new_names: str = "refuse",
        save_to_disk: bool | None = None,
        **checkpointables: Any,
    ):
        super().__init__(model, save_dir, save_to_disk=save_to_disk, **checkpointables)
        if new_names not in NEW_NAMES:
            problem = f"expected one of {', '.join(map(repr, NEW_NAMES))}, got {new_names!r}"
            raise InputError(problem, field="MODEL.NEW_NAMES")
        self.card, self.new_names = card, new_names
        self.source = ""
        self.saved_iteration: int | None = None
        self._resuming = False

    @property
    def _field(self) -> str | None:
        """The key that a problem with the file is about."""
        return None if self._resuming else "MODEL.WEIGHTS"

    # ----------------------------------------------------------------------------------- save

    def save(self, name: str, **kwargs: Any) -> None:
        """Write ``{name}.pth``, whole or not at all.

        Args:
            name: of the file, without folder and extension.
            kwargs: more to be kept in it.

        Raises:
            InputError: it cannot be written, because the disk is full or for another reason; the
                checkpoints before it are as they were.
            FloatingPointError: there is NaN or infinity in the model.
        """
        if not self.save_dir or not self.save_to_disk:
            return
        content = {"model": self.model.state_dict()}
        check_finite(content["model"])
        content.update((key, x.state_dict()) for key, x in self.checkpointables.items())
        if self.card is not None:
            content[CARD] = self.card.to_dict()
        content.update(kwargs)
        path = Path(self.save_dir, f"{name}.pth")
        logger.info("Saving checkpoint to %s", path)
        try:
            write_checkpoint(path, content)
            self.tag_last_checkpoint(path.name)
        except OSError as error:
            raise InputError(
                f"the checkpoint cannot be written ({error.strerror or error})",
                path=path,
                hint="The checkpoints before it are whole: make room, and go on with --resume.",
            ) from error
        self.saved_iteration = kwargs.get("iteration")

    def tag_last_checkpoint(self, last_filename_basename: str) -> None:
        """Name the file that ``resume`` goes on from."""
        with atomic_path(Path(self.save_dir, "last_checkpoint")) as temporary:
            temporary.write_text(last_filename_basename)

    # ----------------------------------------------------------------------------------- load

    def has_checkpoint(self) -> bool:
        """Is there something to resume from, even if nothing says which is the last?"""
        return bool(self.get_checkpoint_file())

    def get_checkpoint_file(self) -> str:
        """The checkpoint that ``last_checkpoint`` names; the newest where that file is missing.

        Returns:
            its path; "" where there is none.
        """
        return last_checkpoint(self.save_dir)

    def resume_or_load(self, path: str, *, resume: bool = True) -> dict[str, Any]:
        """Go on from the last checkpoint in ``save_dir``, or load ``path``.

        Args:
            path: the weights to start from where there is nothing to resume.
            resume: go on from the last checkpoint that is not damaged, if there is one.

        Returns:
            what the file holds beside the model and the checkpointables.

        Raises:
            InputError: no such file, no weights in it, none of the checkpoints can be read, or the
                last one is of another model.
        """
        if not (resume and self.has_checkpoint()):
            if resume:
                logger.info("There is no checkpoint in %s to resume from", self.save_dir)
            return self.load(path, checkpointables=[])
        if self.checkpointables and self.save_to_disk:
            remove_halves(self.save_dir)
        last = self.get_checkpoint_file()
        for checkpoint in [last, *others_from_newest(self.save_dir, last)]:
            try:
                self._resuming = True
                rest = self.load(checkpoint)
            except DamagedCheckpoint as error:
                logger.warning("%s. It is passed by for the one before it.", error)
                continue
            finally:
                self._resuming = False
            if os.path.basename(checkpoint) != named_last(self.save_dir):
                logger.warning("Resuming from %s", checkpoint)
                if self.checkpointables and self.save_to_disk:
                    self.tag_last_checkpoint(os.path.basename(checkpoint))
            return rest
        raise InputError(
            "none of its checkpoints can be read",
            path=self.save_dir,
            hint="Start anew without --resume, or in another OUTPUT_DIR.",
        )

    def load(self, path: str, checkpointables: list[str] | None = None) -> dict[str, Any]:
        """Load a file into the model.

        Args:
            path: a local file or a URL of Detectron2; "" loads nothing.
            checkpointables: which of them to load as well; by default all.

        Returns:
            what the file holds beside the model and the checkpointables.

        Raises:
            InputError: no such file, it cannot be downloaded, or nothing in it fits the model.
            DamagedCheckpoint: it is no checkpoint, or half of one.
        """
        if path:
            self._check_there(path)
        self.source = path
        try:
            return super().load(path, checkpointables)
        finally:
            self._parsed_url_during_load = None

    def _check_there(self, path: str) -> None:
        plain = urlparse(path)._replace(query="").geturl()
        if "://" not in plain:
            if self._resuming and not os.path.isfile(plain):
                raise DamagedCheckpoint("no such file", path=plain)
            check_weights_path(plain, field=self._field)
            return
        check_weights_address(plain, self.path_manager, field=self._field)

    def _load_file(self, filename: str) -> dict[str, Any]:
        try:
            content = read_weights(filename)
            content["model"] = _ordered(content["model"])
        except InputError as error:
            raise DamagedCheckpoint(
                error.problem, path=filename, field=self._field, hint=error.hint
            ) from error
        except (OSError, TypeError) as error:
            raise DamagedCheckpoint(
                f"expected a checkpoint, but it cannot be read ({error})",
                path=filename,
                field=self._field,
            ) from error
        if parse_qs(self._parsed_url_during_load.query).get("matching_heuristics") == ["True"]:
            content["matching_heuristics"] = True
        if self._resuming and "iteration" not in content:
            raise DamagedCheckpoint("holds weights, but no state to resume from", path=filename)
        return content

    def _load_model(self, checkpoint: dict[str, Any]):
        model_state = self.model.state_dict()
        state = checkpoint["model"]
        if checkpoint.pop("matching_heuristics", False):
            state = align_and_update_state_dicts(
                model_state, state, c2_conversion=checkpoint.get("__author__") == "Caffe2"
            )
        state = with_model_names(state, model_state)
        fits = fit_weights(state, model_state, **self._names(checkpoint, model_state))
        if self._resuming and any(fit.source != fit.name or fit.value is None for fit in fits):
            raise InputError(
                "this checkpoint is of another model",
                path=self.source,
                hint="Resume with the config of that training; to start from its weights, set "
                "MODEL.WEIGHTS to it, in another OUTPUT_DIR.",
            )
        used = {fit.source for fit in fits}
        unused = [k for k in state if k not in used and not any(x in k for x in _NOT_WEIGHTS)]
        if not any(fit.value is not None for fit in fits):
            raise InputError(
                f"none of its {len(state)} tensors fits the model",
                path=self.source,
                field=self._field,
                hint=f"Its first tensor is {next(iter(state), None)!r}; a network's weights under "
                "the names of torchvision fit a backbone of torchvision "
                "(build_torchvision_fpn_backbone) of that network; for Detectron2's own ResNets "
                "they have to be converted (Detectron2's tools/convert-torchvision-to-d2.py).",
            )
        level, report = weight_report(self.source, fits, unused)
        logger.log(level, report)

        fitted = OrderedDict((fit.name, fit.value) for fit in fits if fit.value is not None)
        # Layers look up there how old their part of a file is.
        with contextlib.suppress(AttributeError):
            fitted._metadata = state._metadata
        checkpoint["model"] = fitted
        return super()._load_model(checkpoint)

    def _names(self, checkpoint: dict[str, Any], model_state: dict) -> dict:
        """The words of file and model, as ``fit_weights`` takes them.

        Raises:
            InputError: they are others, and the model does not ask for new ones.
        """
        card = None
        if CARD in checkpoint:
            card = ModelCard.from_dict(checkpoint.pop(CARD), self.source)
        if self.card is None:
            # The model becomes what the weights are.
            self.card = card
            return {}
        return joined_names(
            self.card.vocabulary,
            card,
            checkpoint,
            model_state,
            path=self.source,
            resuming=self._resuming,
            new_names=self.new_names,
        )

    def _log_incompatible_keys(self, incompatible) -> None:
        """The table has said it."""


def _ordered(state) -> OrderedDict:
    ordered = OrderedDict(as_tensors(state))
    with contextlib.suppress(AttributeError):
        ordered._metadata = state._metadata
    return ordered
