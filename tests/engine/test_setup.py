import pytest

from choi_d2.engine import load_config
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
        (("DATASETS.TRAIN", "('synthetic_hoiw_trian',)"), "DATASETS"),
    ],
)
def test_keys_that_do_not_go_together(repository, opts, field):
    assert f"field '{field}'" in complaint(repository / SLIM, *opts)
