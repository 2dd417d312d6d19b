"""Training and evaluation of C-HOI models, as Detectron2's users know them."""

from __future__ import annotations

import logging
import os
import re
import weakref
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import torch
from detectron2.config import CfgNode
from detectron2.data import DatasetCatalog, MetadataCatalog, build_detection_test_loader
from detectron2.engine import AMPTrainer, DefaultTrainer, HookBase, SimpleTrainer
from detectron2.engine.hooks import EvalHook
from detectron2.evaluation import DatasetEvaluator
from detectron2.solver.build import get_default_optimizer_params, maybe_add_gradient_clipping
from detectron2.utils import comm
from detectron2.utils.events import CommonMetricPrinter, EventWriter
from detectron2.utils.logger import setup_logger
from torch import nn

import choi_d2.modeling  # noqa: F401 (registers the models)
from choi_d2.data import (
    HOIDatasetMapper,
    allowed_verb_table,
    build_hoi_train_loader,
    count_semantic_prior,
)
from choi_d2.data.vocabularies import training_records, training_vocabulary
from choi_d2.evaluation import build_evaluator
from choi_d2.evaluation.by_name import EvaluatorByName, join_for_evaluation
from choi_d2.evaluation.verbs_by_class import VerbsByClass
from choi_d2.modeling.fast import prepare_for_inference
from choi_d2.modeling.meta_arch import with_augmentation
from choi_d2.structures import Vocabulary, dataset_vocabulary
from choi_d2.utils import InputError

from .checkpoint import HOICheckpointer
from .distributed import distribute, share_state
from .given_detections import with_given_detections
from .hooks import extend_hooks
from .interruption import StopOnSignal
from .loading import set_vocabulary, unwrapped, vocabulary_of
from .loss_guard import LossGuard
from .model_card import ModelCard
from .optimizer_state import check_optimizer_state
from .reproducibility import Reproducibility, fix_seed
from .results import ResultsWriter
from .setup import check_datasets, check_training
from .watching import CompactPrinter

logger = logging.getLogger(__name__)

ATTENTIONS = re.compile(r"\.visual\.face_(aware|agnostic)\.")
"""Of Eqs. 8 and 9."""


class HOITrainer(DefaultTrainer):
    """Detectron2's default trainer with HOI data, evaluators, and the counted X_s."""

    def __init__(self, cfg: CfgNode):
        """Initialize.

        Detectron2's own ``__init__``, but a model on the CPU can be trained by several processes,
        too.

        Args:
            cfg: for ``SOLVER.REFERENCE_WORLD_SIZE`` processes, if that is not 0: with others its
                batch, learning rate and schedule are scaled.

        Raises:
            InputError: the config cannot be trained by so many processes, or not on this device.
        """
        super(DefaultTrainer, self).__init__()
        if not logging.getLogger("detectron2").isEnabledFor(logging.INFO):
            setup_logger()
        check_training(cfg, comm.get_world_size())
        cfg = fix_seed(self.auto_scale_workers(cfg, comm.get_world_size()))
        model = self.build_model(cfg)
        optimizer = self.build_optimizer(cfg, model)
        data_loader = self.build_train_loader(cfg)
        self.vocabulary = training_vocabulary(cfg.DATASETS.TRAIN, cfg.DATASETS.VOCABULARY)
        set_vocabulary(model, self.vocabulary)
        check_test_sets(cfg, self.vocabulary)
        trainer = AMPTrainer if cfg.SOLVER.AMP.ENABLED else SimpleTrainer
        self._trainer = trainer(distribute(model), data_loader, optimizer)
        self.scheduler = self.build_lr_scheduler(cfg, optimizer)
        self.checkpointer = HOICheckpointer(
            self.model,
            cfg.OUTPUT_DIR,
            card=ModelCard.of(cfg, self.vocabulary),
            new_names=cfg.MODEL.NEW_NAMES,
            trainer=weakref.proxy(self),
        )
        self.start_iter, self.max_iter = 0, cfg.SOLVER.MAX_ITER
        self.cfg = cfg
        self.register_hooks(self.build_hooks())

    def build_hooks(self) -> list[HookBase]:
        """Detectron2's, around a checkpointer that knows C-HOI's heads."""
        hooks = extend_hooks(self.cfg, super().build_hooks(), self.checkpointer)
        evaluation = next(i for i, hook in enumerate(hooks) if isinstance(hook, EvalHook))
        self._stop_on_signal = StopOnSignal(self.checkpointer)
        hooks.insert(evaluation, self._stop_on_signal)
        return [Reproducibility(self.cfg), LossGuard(), *hooks, ResultsWriter()]

    def build_writers(self) -> list[EventWriter]:
        """Detectron2's, with a shorter line in the log."""
        return [
            CompactPrinter(self.max_iter) if isinstance(writer, CommonMetricPrinter) else writer
            for writer in super().build_writers()
        ]

    def train(self) -> dict[str, Any]:
        """As Detectron2's; Ctrl-C and SIGTERM save a checkpoint and end the process.

        Raises:
            BrokenLoss: a loss became NaN or infinite.
            SystemExit: see :class:`StopOnSignal`.
        """
        with self._stop_on_signal.handling():
            return super().train()

    def after_train(self) -> None:
        """As Detectron2's; a training that broke off in its last iteration is not evaluated."""
        if self.iter == self.max_iter - 1:
            # Hooks take it for the end otherwise.
            self.iter -= 1
        super().after_train()

    def resume_or_load(self, resume: bool = True) -> None:
        """As Detectron2's; a training that starts anew counts X_s on its training split, and takes
        over which verbs it allows.

        Args:
            resume: go on from the last checkpoint in ``OUTPUT_DIR``, if there is one.

        Raises:
            InputError: the localization is to stay as it is, but there are no weights of one.
        """
        resumed = resume and self.checkpointer.has_checkpoint()
        if self.cfg.MODEL.LOCALIZATION_FROZEN and not (resumed or self.cfg.MODEL.WEIGHTS):
            raise InputError(
                "MODEL.LOCALIZATION_FROZEN needs weights of trained localization networks",
                field="MODEL.WEIGHTS",
                hint="Set it to the model_final.pth of a first phase.",
            )
        super().resume_or_load(resume)
        if not resumed and self.cfg.MODEL.INTERACTION_ON:
            set_semantic_prior(self.cfg, self.checkpointer.model)
            set_allowed_verbs(self.cfg, self.checkpointer.model)

    def load_state_dict(self, state_dict: dict) -> None:
        """Take over what :class:`HOICheckpointer` kept of a training that is resumed.

        Raises:
            InputError: it was trained in another way; the message names the key.
        """
        inner, file = state_dict["_trainer"], self.checkpointer.source
        check_optimizer_state(self.cfg, self.model, self.optimizer, inner, file)
        super().load_state_dict(state_dict)

    @classmethod
    def build_train_loader(cls, cfg: CfgNode) -> Iterable[list[dict[str, Any]]]:
        """Batches of mapped training images, for ever."""
        loader = build_hoi_train_loader(cfg)
        check_datasets(cfg)
        return loader

    @classmethod
    def build_test_loader(cls, cfg: CfgNode, dataset_name: str) -> Iterable[list[dict[str, Any]]]:
        """The mapped images of a data set, once each."""
        return build_detection_test_loader(
            cfg, dataset_name, mapper=HOIDatasetMapper(cfg, is_train=False)
        )

    @classmethod
    def build_evaluator(cls, cfg: CfgNode, dataset_name: str) -> DatasetEvaluator:
        """What the data set's ``evaluator_type`` asks for; results in ``OUTPUT_DIR/inference``."""
        return build_evaluator(
            dataset_name,
            os.path.join(cfg.OUTPUT_DIR, "inference"),
            certainty_thresh=cfg.INPUT.CERTAINTY_THRESH,
        )

    @classmethod
    def test(
        cls,
        cfg: CfgNode,
        model: nn.Module,
        evaluators: Sequence[DatasetEvaluator] | None = None,
    ) -> dict[str, Any]:
        """As Detectron2's, with the main process's weights in all processes.

        Predictions are joined with each data set by the names of classes and verbs. The detections
        of ``TEST.DETECTIONS`` take the place of the model's own. Where
        ``MODEL.INFERENCE`` changes the model, a copy is evaluated; where ``TEST.AUG`` is enabled,
        it looks at several views of each image.

        Raises:
            InputError: model and data set have names that cannot be joined, or there are no such
                detections.
        """
        share_state(model)
        names, vocabulary = cfg.DATASETS.TEST, vocabulary_of(model)
        if evaluators is None:
            evaluators = [
                EvaluatorByName(partial(cls.build_evaluator, cfg, name), name, vocabulary)
                for name in names
            ]
            if cfg.TEST.VERBS_BY_CLASS:
                prior = unwrapped(model).roi_heads.semantic_prior
                evaluators = [VerbsByClass(each, prior) for each in evaluators]
        model = with_augmentation(prepare_for_inference(unwrapped(model), cfg), cfg)
        if not cfg.TEST.DETECTIONS:
            return super().test(cfg, model, evaluators)
        evaluators = [evaluators] if isinstance(evaluators, DatasetEvaluator) else evaluators
        results = {}
        for name, evaluator in zip(names, evaluators, strict=True):
            alone = cfg.clone()
            alone.defrost()
            alone.DATASETS.TEST = (name,)
            given = with_given_detections(cfg, name, model, vocabulary)
            results[name] = super().test(alone, given, [evaluator])
        return results[names[0]] if len(names) == 1 else results

    @classmethod
    def build_optimizer(cls, cfg: CfgNode, model: nn.Module) -> torch.optim.Optimizer:
        """``SOLVER.OPTIMIZER``: Detectron2's SGD or AdamW, with its parameter groups and clipping.

        Raises:
            InputError: another name.
        """
        solver = cfg.SOLVER
        if solver.OPTIMIZER not in ("SGD", "AdamW"):
            raise InputError(
                f"expected 'SGD' or 'AdamW', got {solver.OPTIMIZER!r}", field="SOLVER.OPTIMIZER"
            )
        params = get_default_optimizer_params(
            model,
            base_lr=solver.BASE_LR,
            weight_decay_norm=solver.WEIGHT_DECAY_NORM,
            bias_lr_factor=solver.BIAS_LR_FACTOR,
            weight_decay_bias=solver.WEIGHT_DECAY_BIAS,
            lr_factor_func=lambda name: _rate_factor(cfg, name),
        )
        common = {
            "lr": solver.BASE_LR,
            "weight_decay": solver.WEIGHT_DECAY,
            # One pass over the weights, which takes a CPU a seventh of the time. AMP's scaler would
            # leave it to unscale the gradients as it steps: too late for clipping, and not what the
            # optimizer of an older checkpoint does, whose options a resumed training takes over.
            "fused": not solver.AMP.ENABLED,
        }
        if solver.OPTIMIZER == "SGD":
            momentum = {"momentum": solver.MOMENTUM, "nesterov": solver.NESTEROV}
            optimizer = torch.optim.SGD(params, **common, **momentum)
        else:
            optimizer = torch.optim.AdamW(params, **common)
        return maybe_add_gradient_clipping(cfg, optimizer)


def _rate_factor(cfg: CfgNode, name: str) -> float:
    if name.startswith("backbone.bottom_up."):
        return cfg.SOLVER.BACKBONE_LR_FACTOR
    return cfg.SOLVER.ATTENTION_LR_FACTOR if ATTENTIONS.search(name) else 1.0


def check_test_sets(cfg: CfgNode, vocabulary: Vocabulary | None) -> None:
    """Can a model be evaluated on ``DATASETS.TEST``? Found out before it is trained.

    Args:
        cfg: names the data sets.
        vocabulary: the model's.

    Raises:
        InputError: model and data set have names that cannot be joined, or the data set is broken.
    """
    for name in cfg.DATASETS.TEST if vocabulary is not None else ():
        if dataset_vocabulary(name) is None:
            DatasetCatalog.get(name)  # its file tells the names
        join_for_evaluation(vocabulary, name)


def set_semantic_prior(cfg: CfgNode, model: nn.Module) -> None:
    """Count X_s on the training splits and put it into the model's buffer (Sec. 3.3.1).

    Args:
        cfg: names the training splits.
        model: with interaction networks.
    """
    records = training_records(cfg)
    prior = model.roi_heads.semantic_prior
    objectless = cfg.MODEL.ROI_INTERACTION_HEAD.OBJECTLESS_VERBS
    table = count_semantic_prior(records, *prior.shape, objectless_verbs=objectless)
    prior.copy_(table.to(prior))
    logger.info("X_s: p(verb | object class) counted on %d training images", len(records))


def set_allowed_verbs(cfg: CfgNode, model: nn.Module) -> None:
    """Put the (verb, object) combinations of the training splits into the model's buffer.

    A split whose metadata has no ``allowed_interactions`` allows all of them.

    Args:
        cfg: names the training splits.
        model: with interaction networks.
    """
    allowed = model.roi_heads.allowed_verbs
    given = [MetadataCatalog.get(x).get("allowed_interactions") for x in cfg.DATASETS.TRAIN]
    if None in given:
        allowed.fill_(True)
        return
    # By name: the data sets may number them otherwise than the model.
    words = training_vocabulary(cfg.DATASETS.TRAIN, cfg.DATASETS.VOCABULARY)
    allowed.fill_(False)
    for combinations in given:
        table = allowed_verb_table(words.classes, words.verbs, combinations, words.objectless_verbs)
        allowed |= table.to(allowed)
    share = f"{int(allowed.sum())} of {allowed.numel()}"
    logger.info("%s combinations of object class and verb are allowed", share)
