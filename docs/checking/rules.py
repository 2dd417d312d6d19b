"""What becomes of a command: it is run as it is, made short, or only parsed, and why."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .blocks import Command

PARSED_ONLY = (
    (r"^(OMP_NUM_THREADS=\d )?make |^\.ci/", "is a target of the Makefile"),
    (r"^(pip|git|tensorboard|eval) ", "is another program's"),
    (r"num-gpus 8(?!.*--dry-run)|nproc_per_node 8", "wants eight GPUs"),
    (
        r"(train|samples|--eval-only) .*configs/(HOIW|PIC|VCOCO|HICODET|photos)/|output/photos",
        "wants its photos",
    ),
    (
        r"prepare_\w+\.py|/data/|hoiw_train|vcoco_photos_|--split trainval|pic_v1",
        "wants a real data set",
    ),
    (r"--detections boxes\.json", "wants another detector's boxes"),
    (r"validate hicodet", "wants HICO-DET's photos"),
    (r"synthetic --benchmark|\.\.\./model_final", "wants the benchmark's 2,080 scenes"),
)
"""Patterns, and the reason for not running what they are found in; the first that fits counts."""

SHORT_TRAINING = (
    "SOLVER.MAX_ITER 2 SOLVER.IMS_PER_BATCH 2 SOLVER.WARMUP_ITERS 1 INPUT.MIN_SIZE_TRAIN '(64,)' "
    "INPUT.MIN_SIZE_TEST 64 TEST.DETECTIONS_PER_IMAGE 20 DATALOADER.NUM_WORKERS 0"
)

MADE_SHORT = (
    (r"choi synthetic\b", "--train 6 --val 3 --test 3 --workers 1"),
    (r"(choi|choi_d2) train .*EVAL_PERIOD", f"{SHORT_TRAINING} TEST.EVAL_PERIOD 1 VIS_PERIOD 1"),
    (r"(choi|choi_d2) train ", SHORT_TRAINING),
    (r"choi eval model ", "INPUT.MIN_SIZE_TEST 64 DATALOADER.NUM_WORKERS 0"),
    (r"choi reproduce (?!.*--dry-run)", "--dry-run"),
    (r"choi benchmark memory ", "INPUT.MIN_SIZE_TEST 64 INPUT.MAX_SIZE_TEST 96"),
    (r"choi benchmark ", "--only head --rounds 1 --crowds 2 --size 64x96 --no-memory"),
)
"""Patterns, and words behind the command, where later options and keys win."""

_FIXTURES = "tests/fixtures"
REPLACED = (
    ("--gt DIR --pred DIR", f"--gt {_FIXTURES}/pic/gt --pred {_FIXTURES}/pic/pred"),
    ("--images DIR", ""),
    ("--vsrl VCOCO.json --coco INSTANCES.json --ids IDS --pred PRED.pkl",
     f"--vsrl {_FIXTURES}/vcoco/vcoco.json --coco {_FIXTURES}/vcoco/instances.json "
     f"--ids {_FIXTURES}/vcoco/ids.txt --pred {_FIXTURES}/vcoco/pred.json"),
    ("--gt GT --train TRAIN --labels LABELS --pred PRED",
     "--gt instances_test2015.json --train instances_train2015.json --labels anno.mat "
     "--pred detections.json"),
    ("--config-file CONFIG --weights MODEL",
     "--config-file configs/synthetic/choi_R_18_FPN.yaml --weights model_final.pth"),
    ("--num-gpus 2", "--num-gpus 2 --dist-url auto"),
    ("--detector centerface", "--detector haar"),
)  # fmt: skip
"""Words of a synopsis, and what is not on every machine."""


@dataclass(frozen=True)
class Verdict:
    """What becomes of a command.

    Attributes:
        text: what is run; "" where it is only parsed.
        remark: how it differs from what the document says, or why it is not run.
    """

    text: str
    remark: str = ""


def judge(command: Command) -> Verdict:
    """By the first pattern that fits."""
    if command.language == "python":
        return Verdict(command.text)
    for pattern, reason in PARSED_ONLY:
        if re.search(pattern, command.text):
            return Verdict("", reason)
    text = command.text
    for words, others in REPLACED:
        text = text.replace(words, others)
    for pattern, more in MADE_SHORT:
        if re.search(pattern, text):
            return Verdict(f"{text} {more}", "made short")
    return Verdict(text, "" if text == command.text else "with other files")
