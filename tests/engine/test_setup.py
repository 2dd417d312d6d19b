import pytest

from choi_d2.engine import HOITrainer, load_config
from choi_d2.engine.setup import check_training
from choi_d2.utils import InputError

SLIM = "configs/synthetic/choi_R_18_FPN.yaml"


def complaint(config_file, *opts):
    with pytest.raises(InputError) as error:
        load_config(config_file, opts)
    return str(error.value)


def test_options_override_the_file(repository):
    cfg = load_config(repository / SLIM, ["SOLVER.MAX_ITER", "7"])
    assert cfg.SOLVER.MAX_ITER == 7 and cfg.MODEL.META_ARCHITECTURE == "CHOIRCNN"


def test_no_such_file():
    assert "nope.yaml: no such config file" in complaint("nope.yaml")


def test_broken_yaml(tmp_path):
    (tmp_path / "a.yaml").write_text("MODEL: [1, {")
    assert "expected YAML" in complaint(tmp_path / "a.yaml")


def test_unknown_key_and_the_nearest_one(repository, tmp_path):
    message = complaint("", "MODEL.ROI_HEADS.NUM_CLASES", "3")
    assert "Did you mean MODEL.ROI_HEADS.NUM_CLASSES?" in message
    (tmp_path / "a.yaml").write_text("MODEL:\n  RESNETS:\n    DEPHT: 50\n")
    message = complaint(tmp_path / "a.yaml")
    assert str(tmp_path / "a.yaml") in message and "MODEL.RESNETS.DEPHT" in message


def test_value_of_another_type():
    assert "SOLVER.MAX_ITER" in complaint("", "SOLVER.MAX_ITER", "many")


def test_half_a_pair():
    assert "KEY VALUE pairs" in complaint("", "SOLVER.MAX_ITER")


@pytest.mark.parametrize(
    "opts, field",
    [
        (("MODEL.ROI_HEADS.NUM_CLASSES", "3"), "MODEL.ROI_HEADS.NUM_CLASSES"),
        (("MODEL.ROI_INTERACTION_HEAD.NUM_VERBS", "3"), "MODEL.ROI_INTERACTION_HEAD.NUM_VERBS"),
        (
            ("MODEL.ROI_BOX_CASCADE_HEAD.IOUS", "(0.5, 0.6)"),
            "MODEL.ROI_BOX_CASCADE_HEAD.BBOX_REG_WEIGHTS",
        ),
        (
            ("MODEL.ROI_INTERACTION_HEAD.LOSS_WEIGHTS", "(1.0,)"),
            "MODEL.ROI_INTERACTION_HEAD.LOSS_WEIGHTS",
        ),
        (
            ("MODEL.ROI_INTERACTION_HEAD.REPRESENTATION", "mask"),
            "MODEL.ROI_INTERACTION_HEAD.REPRESENTATION",
        ),
        (("TEST.BOXES_FROM_MASKS", "True"), "TEST.BOXES_FROM_MASKS"),
        (("TEST.AUG.ENABLED", "True", "TEST.AUG.SCALES", "()"), "TEST.AUG.SCALES"),
        (
            ("MODEL.LOCALIZATION_FROZEN", "True", "MODEL.INTERACTION_ON", "False"),
            "MODEL.LOCALIZATION_FROZEN",
        ),
        (("DATASETS.TRAIN", "('synthetic_hoiw_trian',)"), "DATASETS"),
    ],
)
def test_keys_that_do_not_go_together(repository, opts, field):
    assert f"field '{field}'" in complaint(repository / SLIM, *opts)


def test_each_stages_masks_have_a_weight(repository):
    weights = ("MODEL.ROI_MASK_HEAD.LOSS_WEIGHTS", "(1.0, 0.5)")
    load_config(repository / SLIM, weights)
    masked = repository / "configs" / "synthetic" / "choi_R_18_FPN_mask.yaml"
    assert "field 'MODEL.ROI_MASK_HEAD.LOSS_WEIGHTS'" in complaint(masked, *weights)


# Phase 1 of HOIW on 8, 2 and 1 GPUs: the same epochs, learning rate by batch.
PHASE_1 = {
    8: {"batch": 16, "lr": 0.02, "iterations": 14882, "steps": (9922, 13642), "warmup": 1000},
    2: {"batch": 4, "lr": 0.005, "iterations": 59528, "steps": (39688, 54568), "warmup": 4000},
    1: {"batch": 2, "lr": 0.0025, "iterations": 119056, "steps": (79376, 109136), "warmup": 8000},
}


@pytest.mark.parametrize("processes, expected", PHASE_1.items())
def test_the_schedule_of_other_numbers_of_gpus(repository, processes, expected):
    config = repository / "configs" / "HOIW" / "choi_R_50_FPN_phase1.yaml"
    cfg = load_config(config, ["TEST.EVAL_PERIOD", "2500"])
    check_training(cfg, processes)
    scaled = HOITrainer.auto_scale_workers(cfg, processes)
    solver = scaled.SOLVER
    assert expected == {
        "batch": solver.IMS_PER_BATCH,
        "lr": pytest.approx(solver.BASE_LR),
        "iterations": solver.MAX_ITER,
        "steps": solver.STEPS,
        "warmup": solver.WARMUP_ITERS,
    }
    assert solver.CHECKPOINT_PERIOD * processes == 8 * cfg.SOLVER.CHECKPOINT_PERIOD
    assert scaled.TEST.EVAL_PERIOD * processes == 8 * 2500
    check_training(scaled, processes)


def test_the_schedule_of_another_batch(repository):
    config = repository / "configs" / "HOIW" / "choi_R_50_FPN.yaml"
    cfg = load_config(config, ["SOLVER.REFERENCE_WORLD_SIZE", "2"])
    solver = HOITrainer.auto_scale_workers(cfg, 1).SOLVER
    assert (solver.IMS_PER_BATCH, solver.BASE_LR, solver.MAX_ITER) == (4, 0.01, 2 * 17363)


def test_slim_configs_are_not_scaled(repository):
    cfg = load_config(repository / SLIM)
    assert HOITrainer.auto_scale_workers(cfg, 2) is cfg


@pytest.mark.parametrize(
    "opts, processes, expected",
    [
        (("SOLVER.REFERENCE_WORLD_SIZE", "8"), 1, "multiple of 8, SOLVER.REFERENCE_WORLD_SIZE"),
        ((), 3, "multiple of 3, the number of processes"),
        (("SOLVER.IMS_PER_BATCH", "0"), 1, "multiple of 1, the number of processes"),
    ],
)
def test_batches_that_cannot_be_divided(repository, opts, processes, expected):
    cfg = load_config(repository / SLIM, opts)
    with pytest.raises(InputError, match=f"SOLVER.IMS_PER_BATCH.*{expected}, got [04]"):
        check_training(cfg, processes)


@pytest.mark.parametrize("part", ["ATTENTION", "BACKBONE"])
def test_all_learns_at_the_same_rate_with_sgd(repository, part):
    opts = [f"SOLVER.{part}_LR_FACTOR", "0.05"]
    check_training(load_config(repository / SLIM, [*opts, "SOLVER.OPTIMIZER", "AdamW"]), 1)
    same = ["SOLVER.ATTENTION_LR_FACTOR", "1.0", "SOLVER.OPTIMIZER", "SGD"]
    with pytest.raises(InputError, match=f"SOLVER.{part}_LR_FACTOR.*got 0.05"):
        check_training(load_config(repository / SLIM, [*same, *opts]), 1)


def test_mixed_precision_needs_a_gpu(repository):
    cfg = load_config(repository / SLIM, ["SOLVER.AMP.ENABLED", "True", "MODEL.DEVICE", "cpu"])
    with pytest.raises(InputError, match="SOLVER.AMP.ENABLED.*'cpu'"):
        check_training(cfg, 1)
    cfg.MODEL.DEVICE = "cuda"
    check_training(cfg, 1)
