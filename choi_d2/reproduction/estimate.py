"""How long is a table going to take?"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from pathlib import Path

from detectron2.config import CfgNode

from choi_d2.synthetic.benchmark import PARTS

from .identity import backbone_name
from .plan import Evaluation, Plan, Training
from .results import (
    EVALUATION_FILE,
    TRAINING_FILE,
    is_evaluated,
    is_trained,
    last_iteration,
    read_note,
)
from .tables import SYNTHETIC

SECONDS_PER_IMAGE = {"R18": 0.25, "mobilenet_v2": 0.1, "R50": 0.14, "R101": 0.19, "X101": 0.38}
"""Assumed, of training and one stage, by backbone: ResNet-18 of the synthetic configs and
MobileNetV2 of the photos' on CPU cores, the others of the paper's configs on one V100-like GPU."""

STAGE_PART = 0.15
"""Assumed: every further stage adds this part."""

TEST_SECONDS_PER_IMAGE = 0.2
"""Assumed, of evaluation on one GPU (Table 5 has 198 ms)."""

TEST_IMAGES = {"hoiw": 9999, "pic": 1977, "vcoco": 4946, "photos": 100}
TEST_IMAGES |= dict.fromkeys(SYNTHETIC, PARTS[""].sizes["test"])


@dataclass
class Estimate:
    """Hours that runs lack.

    Attributes:
        plan: of the table.
        num_gpus: of each run; iterations grow as Detectron2 scales them for fewer GPUs.
        measured: phase -> seconds an iteration, the median of this plan's finished trainings.
    """

    plan: Plan
    num_gpus: int = 1

    def __post_init__(self):
        rates: dict[bool, list[float]] = {}
        for training in _trainings(self.plan):
            note = read_note(training.folder / TRAINING_FILE)
            if is_trained(training) and note.get("iterations"):
                rate = note["seconds"] / note["iterations"]
                rates.setdefault(training.start is None, []).append(rate)
        self.measured = {phase: statistics.median(values) for phase, values in rates.items()}
        seconds = [
            read_note(evaluation.folder / EVALUATION_FILE).get("seconds")
            for row in self.plan.rows
            for evaluation in row.evaluations
        ]
        seconds = [value for value in seconds if value]
        self.measured_evaluation = statistics.median(seconds) if seconds else None

    def training_hours(self, training: Training) -> float:
        """That the training still lacks."""
        if is_trained(training):
            return 0.0
        iterations = training.cfg.SOLVER.MAX_ITER * self._scale(training.cfg)
        lacking = max(iterations - last_iteration(training), 0)
        rate = self.measured.get(training.start is None)
        if rate is None:
            rate = self._assumed_rate(training.cfg)
        return lacking * rate / 3600

    def evaluation_hours(self, evaluation: Evaluation) -> float:
        """Of an evaluation that is not there yet."""
        if is_evaluated(evaluation):
            return 0.0
        if self.measured_evaluation is not None:
            return self.measured_evaluation / 3600
        images = TEST_IMAGES[self.plan.dataset]
        return images * TEST_SECONDS_PER_IMAGE / max(self.num_gpus, 1) / 3600

    def basis(self) -> str:
        """Where the hours come from."""
        words = {True: "first", False: "second"}
        known = [
            f"{rate:.2f} s an iteration in the {words[phase]} phase, measured here"
            for phase, rate in self.measured.items()
        ]
        if len(known) < 2:
            rates = ", ".join(f"{name} {rate} s" for name, rate in SECONDS_PER_IMAGE.items())
            known.append(
                f"assumed for one image in training on one device: {rates}, and {STAGE_PART:.0%} "
                "more for each further stage (ResNet-18 and MobileNetV2: the slim models on CPU "
                "cores; the others: a V100)"
            )
        if self.measured_evaluation is None:
            known.append(f"assumed for one image in evaluation: {TEST_SECONDS_PER_IMAGE} s")
        return "; ".join(known)

    def _scale(self, cfg: CfgNode) -> float:
        reference = cfg.SOLVER.REFERENCE_WORLD_SIZE
        return reference / max(self.num_gpus, 1) if reference else 1.0

    def _assumed_rate(self, cfg: CfgNode) -> float:
        backbone = backbone_name(cfg)
        stages = len(cfg.MODEL.ROI_BOX_CASCADE_HEAD.IOUS)
        reference = cfg.SOLVER.REFERENCE_WORLD_SIZE or max(self.num_gpus, 1)
        images = cfg.SOLVER.IMS_PER_BATCH / reference
        return images * SECONDS_PER_IMAGE.get(backbone, 0.2) * (1 + STAGE_PART * (stages - 1))


def _trainings(plan: Plan) -> list[Training]:
    found: dict[Path, Training] = {}
    for row in plan.rows:
        for evaluation in row.evaluations:
            training = evaluation.training
            found.setdefault(training.folder, training)
            if training.start is not None:
                found.setdefault(training.start.folder, training.start)
    return list(found.values())
