"""NaN, infinity and divisors of zero in a config: refused by name at every entrance."""

import argparse

import pytest
import torch

from choi_d2.cli.main import main
from choi_d2.engine import HOITrainer, load_config
from choi_d2.engine.config_numbers import check_numbers
from choi_d2.engine.loading import load_trained
from choi_d2.engine.model_card import CARD, ModelCard
from choi_d2.engine.running import train_or_evaluate
from choi_d2.engine.setup import new_config
from choi_d2.engine.weights_config import load_weights_config
from choi_d2.utils import InputError

HEAD = "MODEL.ROI_INTERACTION_HEAD"


@pytest.mark.parametrize(
    "key, value, found",
    [
        ("SOLVER.BASE_LR", "1e999", "inf"),
        ("SOLVER.WEIGHT_DECAY", "-1e999", "-inf"),
        ("SOLVER.MOMENTUM", "1e999", "inf"),
        ("SOLVER.STEPS", "(1e999,)", "inf"),
        ("MODEL.RPN.LOSS_WEIGHT", "1e999", "inf"),
        (f"{HEAD}.LOSS_WEIGHTS", "(1.0, 1e999, 1.0)", "inf"),
        (f"{HEAD}.RRM.MARGIN", "1e999", "inf"),
        ("MODEL.PIXEL_MEAN", "[0.0, 0.0, 1e999]", "inf"),
        ("MODEL.PIXEL_STD", "[1.0, 0.0, 1.0]", "0.0"),
        ("MODEL.PIXEL_STD", "[1, 0, 1]", "0"),
        ("MODEL.ANCHOR_GENERATOR.SIZES", "[[32], [0]]", "0"),
        (
            "MODEL.ROI_BOX_CASCADE_HEAD.BBOX_REG_WEIGHTS",
            "((10., 10., 5., 5.), (20., 20., 0., 10.), (30., 30., 15., 15.))",
            "0.0",
        ),
    ],
)
def test_the_command_line(key, value, found):
    with pytest.raises(InputError, match=f"the command line, field '{key}': .*, found {found}$"):
        load_config("", [key, value])


@pytest.mark.parametrize("key", ["BASE_LR: .nan", "GAMMA: .inf", "STEPS: [3, .nan]"])
def test_a_file_and_its_line(tmp_path, key):
    (tmp_path / "a.yaml").write_text(f"SOLVER:\n  {key}\n")
    (tmp_path / "b.yaml").write_text("_BASE_: a.yaml\n")
    name = key.partition(":")[0]
    for config in ("a.yaml", "b.yaml"):
        message = f"a.yaml, field 'SOLVER.{name}': line 2: expected a finite number"
        with pytest.raises(InputError, match=message):
            load_config(tmp_path / config)


INFINITE = {
    "SOLVER.CLIP_GRADIENTS.NORM_TYPE": "1e999",
    "SOLVER.CLIP_GRADIENTS.CLIP_VALUE": "1e999",
    "MODEL.IGNORED.IOU": "1e999",
    "MODEL.IGNORED.CROWD_COVERAGE": "1e999",
    f"{HEAD}.IGNORE_IOU": "1e999",
    f"{HEAD}.SCORE_THRESH_TEST": "-1e999",
    "MODEL.ROI_HEADS.NMS_THRESH_TEST": "1e999",
    "MODEL.RPN.IOU_THRESHOLDS": "[0.3, 1e999]",
    "INPUT.CERTAINTY_THRESH": "-1e999",
    "INPUT.FACES.SCORE_THRESH": "-1e999",
    "TEST.TRIPLET_SCORE_THRESH": "1e999",
}


def test_what_is_compared_may_be_infinite_but_not_nan():
    cfg = load_config("", [word for item in INFINITE.items() for word in item])
    assert cfg.SOLVER.CLIP_GRADIENTS.NORM_TYPE == float("inf")
    for key in INFINITE:
        *nodes, name = key.split(".")
        cfg = new_config()
        node = cfg
        for each in nodes:
            node = node[each]
        node[name] = [0.3, float("nan")] if name == "IOU_THRESHOLDS" else float("nan")
        with pytest.raises(InputError, match=f"field '{key}': expected a finite number, found nan"):
            check_numbers(cfg)


@pytest.mark.parametrize("eval_only", [False, True])
def test_a_training_and_an_evaluation_end_before_anything_is_built(tmp_path, eval_only):
    (tmp_path / "a.yaml").write_text("SOLVER: {BASE_LR: .nan}\n")
    output = tmp_path / "output"
    args = argparse.Namespace(
        config_file=str(tmp_path / "a.yaml"),
        opts=["OUTPUT_DIR", str(output), "MODEL.DEVICE", "cpu"],
        eval_only=eval_only,
        resume=False,
    )
    with pytest.raises(InputError, match="SOLVER.BASE_LR"):
        train_or_evaluate(args)
    assert not output.exists()


@pytest.mark.parametrize("command", [["train"], ["eval", "model"]])
def test_commands(command, capsys):
    words = [*command, "--config-file", "configs/synthetic/choi_R_18_FPN.yaml"]
    assert main([*words, "MODEL.DEVICE", "cpu", "SOLVER.BASE_LR", "1e999"]) == 2
    error = capsys.readouterr().err
    assert "field 'SOLVER.BASE_LR': expected a finite number, found inf" in error


def test_a_config_of_ones_own():
    cfg = new_config()
    cfg.SOLVER.BASE_LR = float("nan")
    for use in (HOITrainer, load_trained):
        with pytest.raises(InputError, match="SOLVER.BASE_LR"):
            use(cfg)


def test_a_checkpoint(tmp_path):
    cfg = new_config()
    cfg.MODEL.PIXEL_STD = [1.0, float("nan"), 1.0]
    path = tmp_path / "model.pth"
    torch.save({"model": {}, CARD: ModelCard.of(cfg, None).to_dict()}, path)
    with pytest.raises(InputError, match="model.pth, field 'MODEL.PIXEL_STD'.*found nan"):
        load_weights_config(path)
    cfg = new_config()
    cfg.MODEL.WEIGHTS = str(path)
    with pytest.raises(InputError, match="model.pth, field 'MODEL.PIXEL_STD'.*found nan"):
        load_trained(cfg)
