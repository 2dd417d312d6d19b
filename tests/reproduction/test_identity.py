"""What a training depends on, and what it does not."""

import sys
from pathlib import Path

import pytest
import torch
from detectron2.modeling import build_model
from detectron2.utils.events import EventStorage

from choi_d2.engine import load_config
from choi_d2.reproduction.identity import (
    INFERENCE_KEYS,
    NEGATIVES_KEYS,
    changed_settings,
    fingerprint,
    inference_settings,
    training_name,
    training_settings,
)

sys.path.insert(0, str(Path(__file__).parents[1] / "modeling"))

from tiny import make_input, tiny_config  # noqa: E402

HEAD = "MODEL.ROI_INTERACTION_HEAD"
OTHER_VALUES = {
    "DATASETS.TEST": ("DATASETS.TEST", ("hoiw_test",)),
    "INPUT.MAX_SIZE_TEST": ("INPUT.MAX_SIZE_TEST", 77),
    "INPUT.MIN_SIZE_TEST": ("INPUT.MIN_SIZE_TEST", 55),
    f"{HEAD}.PAIRS_PER_CHUNK": (f"{HEAD}.PAIRS_PER_CHUNK", 1),
    f"{HEAD}.RCM.FUSION": (f"{HEAD}.RCM.FUSION", "v+g+s"),
    f"{HEAD}.RRM.TOPK": (f"{HEAD}.RRM.TOPK", 1),
    f"{HEAD}.SCORE_THRESH_TEST": (f"{HEAD}.SCORE_THRESH_TEST", 0.9),
    f"{HEAD}.TRIPLET_SCORE": (f"{HEAD}.TRIPLET_SCORE", ("verb", "rank")),
    "MODEL.INFERENCE": ("MODEL.INFERENCE.FOLD_NORM", True),
    "MODEL.ROI_BOX_CASCADE_HEAD.MERGE": ("MODEL.ROI_BOX_CASCADE_HEAD.MERGE", "union"),
    "MODEL.ROI_HEADS.NMS_THRESH_TEST": ("MODEL.ROI_HEADS.NMS_THRESH_TEST", 0.1),
    "MODEL.ROI_HEADS.SCORE_THRESH_TEST": ("MODEL.ROI_HEADS.SCORE_THRESH_TEST", 0.9),
    "MODEL.RPN.POST_NMS_TOPK_TEST": ("MODEL.RPN.POST_NMS_TOPK_TEST", 3),
    "MODEL.RPN.PRE_NMS_TOPK_TEST": ("MODEL.RPN.PRE_NMS_TOPK_TEST", 3),
    "TEST": ("TEST.DETECTIONS_PER_IMAGE", 2),
}


def losses(cfg):
    """Of the first step of a training; the same seed draws weights and samples."""
    torch.manual_seed(3)
    model = build_model(cfg).train()
    with EventStorage():
        return {name: loss.item() for name, loss in model([make_input()]).items()}


@pytest.fixture(scope="module")
def plain_losses():
    return losses(tiny_config())


def test_every_inference_key_is_tried():
    assert set(OTHER_VALUES) == set(INFERENCE_KEYS)


@pytest.mark.parametrize("name", sorted(OTHER_VALUES))
def test_no_loss_depends_on_an_inference_key(name):
    matched = (f"{HEAD}.UNMATCHED_NEGATIVES", False)
    plain, cfg = tiny_config(*matched), tiny_config(*matched, *OTHER_VALUES[name])
    assert inference_settings(cfg) != inference_settings(plain)
    assert training_settings(cfg) == training_settings(plain)
    assert losses(cfg) == losses(plain)


@pytest.mark.parametrize("key", NEGATIVES_KEYS)
def test_unmatched_negatives_are_chosen_as_at_inference(key):
    value = dict(OTHER_VALUES.values())[key]
    assert training_settings(tiny_config(key, value)) != training_settings(tiny_config())
    localization = tiny_config("MODEL.INTERACTION_ON", False)
    other = tiny_config("MODEL.INTERACTION_ON", False, key, value)
    assert training_settings(other) == training_settings(localization)


def test_losses_are_sensitive_to_what_is_no_inference_key(plain_losses):
    cfg = tiny_config(f"{HEAD}.RCM.LOSS_WEIGHT", 2.0)
    assert training_settings(cfg) != training_settings(tiny_config())
    assert losses(cfg) != plain_losses


def test_fusion_is_not_a_part_of_the_training(repository):
    rows = repository / "configs/ablations/table7/HOIW"
    settings = [
        training_settings(load_config(rows / f"{name}.yaml"))
        for name in ("4_fusion_sum", "5_fusion_product", "6_fusion_eq16", "3_only_visual")
    ]
    assert settings[0] == settings[1] == settings[2] != settings[3]


def test_first_phase_does_not_know_the_interaction_networks(repository):
    path = repository / "configs/HOIW/choi_R_50_FPN_phase1.yaml"
    plain = training_settings(load_config(path))
    assert training_settings(load_config(path, [f"{HEAD}.VISUAL.DIM", "7"])) == plain
    assert training_settings(load_config(path, ["SOLVER.MAX_ITER", "7"])) != plain


def test_keys_that_are_as_the_defaults_are_no_part_of_it(repository):
    path = repository / "configs/HOIW/choi_R_50_FPN.yaml"
    plain = training_settings(load_config(path))
    assert training_settings(load_config(path, [f"{HEAD}.IHSM.SIMILARITY", "dot"])) == plain
    assert training_settings(load_config(path, [f"{HEAD}.IHSM.SIMILARITY", "scaled"])) != plain


def test_a_frozen_rpn_proposes_in_training_as_at_inference(repository):
    path = repository / "configs/HOIW/choi_R_50_FPN.yaml"
    few = ["MODEL.RPN.POST_NMS_TOPK_TEST", "9"]
    assert training_settings(load_config(path, few)) == training_settings(load_config(path))
    frozen = ["MODEL.LOCALIZATION_FROZEN", "True"]
    settings = [training_settings(load_config(path, [*frozen, *opts])) for opts in ([], few)]
    assert settings[0] != settings[1]


def test_other_scenes_are_another_training(repository, monkeypatch):
    from choi_d2.synthetic import benchmark

    cfg = load_config(repository / "configs/synthetic/benchmark.yaml")
    before = fingerprint(training_settings(cfg)), fingerprint(inference_settings(cfg))
    monkeypatch.setitem(benchmark.SHA256, "train.json", "0" * 64)
    after = fingerprint(training_settings(cfg)), fingerprint(inference_settings(cfg))
    assert before[0] != after[0] and before[1] == after[1]


def test_changed_settings(repository):
    path = repository / "configs/HOIW/choi_R_50_FPN.yaml"
    now = load_config(path)
    assert changed_settings(load_config(path, ["MODEL.WEIGHTS", "x", "SEED", "4"]), now) == []
    old = load_config(path, ["SOLVER.MAX_ITER", "9", f"{HEAD}.IHSM.SIMILARITY", "scaled"])
    assert changed_settings(old, now) == [
        f"{HEAD}.IHSM.SIMILARITY was scaled, is the default",
        "SOLVER.MAX_ITER was 9, is 17363",
    ]


def test_names(repository):
    def name(path, *opts):
        return training_name(load_config(repository / "configs" / path, opts))

    assert name("HOIW/choi_R_50_FPN_phase1.yaml") == "phase1_R50_T3"
    assert name("photos/choi_MNV2_FPN_phase1.yaml") == "phase1_mobilenet_v2_T3"
    assert name("ablations/table4/HOIW/3_efra.yaml") == "phase2_R50_T1_efra"
    other = name("ablations/table6/PIC/X_101_T_1.yaml")
    assert other == "phase2_X101_T1_mask_ihsm_efra_rrm_on_mask"
