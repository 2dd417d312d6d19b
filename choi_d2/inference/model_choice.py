"""The model that a command line names, before it is loaded."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from detectron2.config import CfgNode

from choi_d2.data.faces import build_face_detector
from choi_d2.engine import load_prediction_config
from choi_d2.engine.profiles import profile_opts
from choi_d2.utils import InputError

from .bundles import find_model, shipped_models, shipped_words
from .model_listing import file_sha256
from .predictor import HOIPredictor

DEFAULT = "photos"
"""The shipped model that is taken where none is named."""


@dataclass(frozen=True)
class ModelChoice:
    """A model that is there.

    Attributes:
        cfg: its config, with ``MODEL.WEIGHTS``.
    """

    cfg: CfgNode

    def build(self, *, faces: bool = False) -> HOIPredictor:
        """Load it; with ``faces`` a detector looks for faces even if the model needs none.

        Raises:
            InputError: the weights cannot be loaded.
        """
        return HOIPredictor(self.cfg, build_face_detector(self.cfg) if faces else None)


def choose_model(
    model: str = "",
    config_file: str = "",
    device: str | None = None,
    opts: Sequence[str] = (),
    *,
    fast: bool = False,
    augment: bool = False,
) -> ModelChoice:
    """Find a model and read its config.

    Args:
        model: a shipped model's name, a bundle, a checkpoint; "" for the shipped :data:`DEFAULT`,
            or, with a config file, its ``MODEL.WEIGHTS``.
        config_file: YAML; "" for the one that the weights carry.
        device: "cpu", "cuda", ...; None leaves it to the config.
        opts: KEY VALUE pairs that override the config.
        fast: lay ``configs/variants/fast.yaml`` over the config.
        augment: look at the views of ``TEST.AUG``.

    Raises:
        InputError: there is no such model, or no config.
    """
    if not model and not config_file:
        if DEFAULT not in shipped_models():
            raise InputError(
                f"no model is given, and {DEFAULT!r}, which is taken then, does not come with this "
                "installation",
                field="--model",
                hint=f"{shipped_words()} `choi models` tells of them; or give a training's "
                "model_final.pth.",
            )
        model = DEFAULT
    weights = str(find_model(model)) if model else ""
    given = [*profile_opts(fast=fast, augment=augment), *opts]
    if device is not None:
        given += ["MODEL.DEVICE", device]
    return ModelChoice(load_prediction_config(config_file, weights, given))


def identity(choice: ModelChoice) -> dict[str, Any]:
    """What tells its results from another model's: digests of the weights and of the config."""
    cfg = choice.cfg.clone()
    weights, cfg.MODEL.WEIGHTS, cfg.MODEL.DEVICE, cfg.OUTPUT_DIR = cfg.MODEL.WEIGHTS, "", "", ""
    return {
        "weights": file_sha256(weights) if os.path.isfile(weights) else weights,
        "config": hashlib.sha256(cfg.dump().encode()).hexdigest(),
    }
