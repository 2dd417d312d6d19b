"""Every YAML of the repository is a config that loads and builds."""

from pathlib import Path

import pytest
import torch
import yaml
from detectron2.modeling import build_model
from detectron2.solver import build_lr_scheduler

from choi_d2.engine import load_config
from choi_d2.engine.config_files import read_config_file
from choi_d2.engine.profiles import FAST

CONFIGS = Path(__file__).parents[1] / "configs"
VARIANTS = sorted((CONFIGS / "variants").glob("*.yaml"))
WHOLE = sorted(path for path in CONFIGS.rglob("*.yaml") if path.parent.name != "variants")
TRAINVAL_IMAGES = 29842  # HOIW's train and val
TRAINING_IMAGES = {"HOIW": 19843, "PIC": 12654, "VCOCO": 5400, "HICODET": 37633}


def names(paths):
    return [str(path.relative_to(CONFIGS)) for path in paths]


def rows(table, data):
    return sorted((CONFIGS / "ablations" / table / data).glob("*.yaml"))


def build(cfg):
    """The model, without memory for its weights."""
    cfg.MODEL.DEVICE = "meta"
    with torch.device("meta"):
        return build_model(cfg)


@pytest.mark.parametrize("path", WHOLE, ids=names(WHOLE))
def test_loads_and_builds(path):
    cfg = load_config(path)
    model = build(cfg)
    heads = model.roi_heads
    stages = len(cfg.MODEL.ROI_BOX_CASCADE_HEAD.IOUS)
    assert len(heads.box_head) == stages
    assert len(heads.interaction_heads) == (stages if cfg.MODEL.INTERACTION_ON else 0)
    assert heads.mask_on == cfg.MODEL.MASK_ON
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=cfg.SOLVER.BASE_LR)
    build_lr_scheduler(cfg, optimizer)


def test_every_variant_is_in_use():
    used = {FAST.resolve()}
    for path in WHOLE:
        bases = yaml.safe_load(path.read_text()).get("_BASE_", [])
        for base in [bases] if isinstance(bases, str) else bases:
            used.add((path.parent / base).resolve())
    assert set(VARIANTS) <= used


def test_variants_hold_only_what_they_change():
    for path in VARIANTS:
        content = read_config_file(path).content
        assert "_BASE_" not in yaml.safe_load(path.read_text()), path
        assert set(content) <= {"MODEL", "INPUT", "SOLVER", "DATASETS"}, path


@pytest.mark.parametrize("data", sorted(TRAINING_IMAGES))
def test_iterations_are_the_papers_epochs(data):
    for path in (CONFIGS / data).glob("choi_[RX]_*.yaml"):
        cfg = load_config(path)
        images = TRAINVAL_IMAGES if "_trainval" in path.stem else TRAINING_IMAGES[data]
        batch, epochs = (16, 12) if path.stem.endswith("_phase1") else (8, 7)
        assert batch == cfg.SOLVER.IMS_PER_BATCH and cfg.SOLVER.BASE_LR == 0.02, path
        assert abs(cfg.SOLVER.MAX_ITER * batch / images - epochs) < batch / images, path
        assert cfg.MODEL.INTERACTION_ON == (epochs == 7), path
        drops = [8, 11] if epochs == 12 else []
        assert [round(x * batch / images, 3) for x in cfg.SOLVER.STEPS] == pytest.approx(
            drops, abs=batch / images
        ), path


def test_phases_differ_only_in_what_is_trained():
    for path in WHOLE:
        # The benchmark's first phase serves models of boxes and of masks, the photos' has data of
        # its own.
        if not path.stem.endswith("_phase1") or path.parent.name in ("synthetic", "photos"):
            continue
        first = load_config(path)
        second = load_config(path.with_name(path.name.replace("_phase1", "")))
        for cfg in (first, second):
            cfg.merge_from_list(["MODEL.INTERACTION_ON", True, "INPUT.FACES.SOURCE", "none"])
            cfg.merge_from_list(["SOLVER.IMS_PER_BATCH", 8, "SOLVER.MAX_ITER", 1])
            cfg.SOLVER.STEPS = ()
        assert first.dump() == second.dump(), path


@pytest.mark.parametrize("data", ["HOIW", "PIC", "synthetic", "synthetic_sparse"])
def test_rows_of_table_4(data):
    switches = []
    for path in rows("table4", data):
        cfg = load_config(path)
        head = cfg.MODEL.ROI_INTERACTION_HEAD
        switches.append(
            (
                head.IHSM.ENABLED,
                head.EFRA.ENABLED,
                head.RRM.ENABLED,
                len(cfg.MODEL.ROI_BOX_CASCADE_HEAD.IOUS) == 3,
            )
        )
    assert switches == [
        (False, False, False, False),
        (True, False, False, False),
        (False, True, False, False),
        (True, True, False, False),
        (True, True, True, False),
        (True, True, True, True),
    ]


@pytest.mark.parametrize("data", ["HOIW", "PIC", "synthetic"])
def test_rows_of_table_5(data):
    for stages in range(1, 6):
        cfg = load_config(CONFIGS / "ablations" / "table5" / data / f"T_{stages}.yaml")
        cascade = cfg.MODEL.ROI_BOX_CASCADE_HEAD
        assert list(cascade.IOUS) == [0.5, 0.6, 0.7, 0.75, 0.8][:stages]
        assert [w[0] for w in cascade.BBOX_REG_WEIGHTS] == [10, 20, 30, 35, 40][:stages]


@pytest.mark.parametrize("data", ["HOIW", "PIC"])
def test_rows_of_table_6(data):
    found = {}
    for path in rows("table6", data):
        cfg = load_config(path)
        resnet = cfg.MODEL.RESNETS
        cascade = len(cfg.MODEL.ROI_BOX_CASCADE_HEAD.IOUS)
        found[path.stem] = (resnet.DEPTH, resnet.NUM_GROUPS, cascade, cfg.MODEL.INTERACTION_ON)
    assert found == {
        "R_50_T_1": (50, 1, 1, True),
        "R_50_T_3": (50, 1, 3, True),
        "R_101_T_1": (101, 1, 1, True),
        "R_101_T_1_phase1": (101, 1, 1, False),
        "R_101_T_3": (101, 1, 3, True),
        "X_101_T_1": (101, 32, 1, True),
        "X_101_T_1_phase1": (101, 32, 1, False),
        "X_101_T_3": (101, 32, 3, True),
    }


@pytest.mark.parametrize("data", ["HOIW", "PIC", "synthetic"])
def test_rows_of_table_7(data):
    found, without_visual = [], []
    for path in rows("table7", data):
        cfg = load_config(path)
        rcm = cfg.MODEL.ROI_INTERACTION_HEAD.RCM
        found.append(rcm.STREAMS if len(rcm.STREAMS) == 1 else rcm.FUSION)
        without_visual += [head.visual is None for head in build(cfg).roi_heads.interaction_heads]
    assert found == [("semantic",), ("geometric",), ("visual",), "v+g+s", "v*g*s", "(v+g)*s"]
    # Pairs of the rows of X_s and X_g are not ranked by X-bar_v either.
    assert without_visual == [True] * 6 + [False] * 12


def test_the_challenges_hoiw_trains_on_train_and_val():
    for name in ("choi_R_50_FPN_trainval", "choi_R_50_FPN_trainval_phase1"):
        cfg = load_config(CONFIGS / "HOIW" / f"{name}.yaml")
        assert cfg.DATASETS.TRAIN == ("hoiw_train", "hoiw_val")
        assert cfg.DATASETS.TEST == ("hoiw_test",)
        assert TRAINVAL_IMAGES == 19843 + 9999
        if cfg.INPUT.FACES.SOURCE == "file":
            named = {file.split("=")[0] for file in cfg.INPUT.FACES.FILES}
            assert named == {"hoiw_train", "hoiw_val", "hoiw_test"}


def test_v_cocos_masks_are_evaluated_by_their_boxes():
    cfg = load_config(CONFIGS / "VCOCO" / "choi_R_50_FPN_mask.yaml")
    assert cfg.MODEL.MASK_ON and cfg.TEST.BOXES_FROM_MASKS


def test_rows_of_table_8():
    configs = [load_config(path) for path in rows("table8", "PIC")]
    representations = [cfg.MODEL.ROI_INTERACTION_HEAD.REPRESENTATION for cfg in configs]
    assert representations == ["bbox", "mask", "max", "sum"]
    # "The detected entities are the same for all the baselines" (Sec. 4.3).
    assert all(cfg.MODEL.LOCALIZATION_FROZEN for cfg in configs)
