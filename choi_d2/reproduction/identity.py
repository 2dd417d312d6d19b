"""When are two trainings, or two evaluations, the same?

A training is what its config says, without the keys that only inference reads. Only what is not as
by default counts, so that a key that a later version adds does not make finished runs strangers.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from detectron2.config import CfgNode, get_cfg

from choi_d2.config import add_choi_config
from choi_d2.synthetic import benchmark

HEAD = "MODEL.ROI_INTERACTION_HEAD"
INFERENCE_KEYS = (
    "DATASETS.TEST",
    "INPUT.MAX_SIZE_TEST",
    "INPUT.MIN_SIZE_TEST",
    f"{HEAD}.PAIRS_PER_CHUNK",
    f"{HEAD}.RCM.FUSION",
    f"{HEAD}.RRM.TOPK",
    f"{HEAD}.SCORE_THRESH_TEST",
    f"{HEAD}.TRIPLET_SCORE",
    "MODEL.INFERENCE",
    "MODEL.ROI_BOX_CASCADE_HEAD.MERGE",
    "MODEL.ROI_HEADS.NMS_THRESH_TEST",
    "MODEL.ROI_HEADS.SCORE_THRESH_TEST",
    "MODEL.RPN.POST_NMS_TOPK_TEST",
    "MODEL.RPN.PRE_NMS_TOPK_TEST",
    "TEST",
)
"""What no loss depends on; a name stands for all keys below it."""

NEGATIVES_KEYS = (
    f"{HEAD}.SCORE_THRESH_TEST",
    "MODEL.ROI_HEADS.NMS_THRESH_TEST",
    "TEST.DETECTIONS_PER_IMAGE",
)
"""Of these, what a training depends on all the same where unmatched detections are the ends of
negative pairs (``UNMATCHED_NEGATIVES``): they are chosen as at inference."""

ELSEWHERE_KEYS = (
    "MODEL.DEVICE",
    "MODEL.LOCALIZATION_CACHE",
    "MODEL.LOCALIZATION_CACHE_GB",
    "OUTPUT_DIR",
    "SEED",
    "SOLVER.CHECKPOINT_PERIOD",
)
"""What the runner sets itself, and what changes no result."""


def settings(cfg: CfgNode) -> dict[str, Any]:
    """The keys that differ from the defaults, flat, as JSON knows them."""
    default_of = _defaults()
    return {
        key: value for key, value in _flat(cfg) if key not in default_of or default_of[key] != value
    }


def training_settings(cfg: CfgNode) -> dict[str, Any]:
    """What a training depends on, its seed and the weights of a first phase apart."""
    leave_out = [*INFERENCE_KEYS, *ELSEWHERE_KEYS]
    if cfg.MODEL.LOCALIZATION_FROZEN:
        # A frozen RPN proposes as at inference, in training as well.
        leave_out = [key for key in leave_out if not key.startswith("MODEL.RPN.")]
    if not cfg.MODEL.INTERACTION_ON:
        # The localization networks alone: there is no interaction network to be set.
        leave_out.append(HEAD)
    found = settings(cfg)
    kept = _without(found, leave_out)
    if cfg.MODEL.INTERACTION_ON and cfg.MODEL.ROI_INTERACTION_HEAD.UNMATCHED_NEGATIVES:
        kept |= {key: found[key] for key in NEGATIVES_KEYS if key in found}
    return kept | _scenes(cfg.DATASETS.TRAIN)


def inference_settings(cfg: CfgNode) -> dict[str, Any]:
    """What an evaluation of given weights depends on."""
    leave_out = [*ELSEWHERE_KEYS, "SOLVER", "DATALOADER", "DATASETS.TRAIN", "MODEL.WEIGHTS"]
    return _without(settings(cfg), leave_out) | _scenes(cfg.DATASETS.TEST)


def changed_settings(old: CfgNode, new: CfgNode) -> list[str]:
    """``KEY was X, is Y`` for what a training depends on; where it started from is left out."""
    was, now = training_settings(old), training_settings(new)
    keys = sorted({*was, *now} - {"MODEL.WEIGHTS"})
    return [
        f"{key} was {was.get(key, 'the default')}, is {now.get(key, 'the default')}"
        for key in keys
        if was.get(key) != now.get(key)
    ]


def fingerprint(content: Mapping[str, Any]) -> str:
    """Eight hexadecimal digits that stand for the content."""
    text = json.dumps(content, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def training_name(cfg: CfgNode) -> str:
    """What a training is, for people: ``phase2_R50_T3_ihsm_efra_rrm``."""
    model = cfg.MODEL
    parts = [backbone_name(cfg), f"T{len(model.ROI_BOX_CASCADE_HEAD.IOUS)}"]
    if model.MASK_ON:
        parts.append("mask")
    if not model.INTERACTION_ON:
        return "_".join(["phase1", *parts])
    head = model.ROI_INTERACTION_HEAD
    parts += [name.lower() for name in ("IHSM", "EFRA", "RRM") if head[name].ENABLED]
    if len(head.RCM.STREAMS) < 3:
        parts += ["only", *head.RCM.STREAMS]
    if model.MASK_ON:
        parts += ["on", head.REPRESENTATION]
    return "_".join(["phase2", *parts])


def backbone_name(cfg: CfgNode) -> str:
    """``R50``, ``X101``, or what torchvision calls its network."""
    if cfg.MODEL.BACKBONE.NAME == "build_torchvision_fpn_backbone":
        return cfg.MODEL.TORCHVISION.NAME
    resnet = cfg.MODEL.RESNETS
    return f"{'X' if resnet.NUM_GROUPS > 1 else 'R'}{resnet.DEPTH}"


def inference_name(cfg: CfgNode) -> str:
    """What an evaluation is, for people."""
    fusions = {"(v+g)*s": "eq16", "v+g+s": "sum", "v*g*s": "product"}
    return f"eval_{fusions.get(cfg.MODEL.ROI_INTERACTION_HEAD.RCM.FUSION, 'other')}"


@lru_cache(maxsize=1)
def _defaults() -> dict[str, Any]:
    cfg = get_cfg()
    add_choi_config(cfg)
    return dict(_flat(cfg))


def _flat(node: CfgNode, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in node.items():
        if isinstance(value, CfgNode):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, json.loads(json.dumps(value))


def _scenes(names: Sequence[str]) -> dict[str, Any]:
    """Which scenes the synthetic benchmark's name stands for."""
    known = {f"scenes.{name}": benchmark.checksum_of(name) for name in names}
    return {name: checksum for name, checksum in known.items() if checksum}


def _without(content: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
    below = tuple(f"{name}." for name in names)
    return {k: v for k, v in content.items() if k not in names and not k.startswith(below)}
