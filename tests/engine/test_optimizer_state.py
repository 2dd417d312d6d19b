"""A training whose optimizer was another one, or over other parameters, is not resumed."""

import sys
from pathlib import Path

import pytest

from choi_d2.engine import HOITrainer
from choi_d2.engine.optimizer_state import check_optimizer_state
from choi_d2.utils import InputError

sys.path.insert(0, str(Path(__file__).parents[1] / "modeling"))
from tiny import make_input, tiny_config  # noqa: E402


class Trainer(HOITrainer):
    @classmethod
    def build_train_loader(cls, cfg):
        return iter([[make_input()]] * 4)


def trainer_of(folder, *opts):
    cfg = tiny_config("SOLVER.MAX_ITER", 1, "OUTPUT_DIR", str(folder), *opts)
    cfg.DATASETS.TRAIN = cfg.DATASETS.TEST = ()
    return Trainer(cfg)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Folders of trainings that were saved before their first step: as usual, and frozen."""
    folders = {False: tmp_path_factory.mktemp("whole"), True: tmp_path_factory.mktemp("frozen")}
    for frozen, folder in folders.items():
        trainer = trainer_of(folder, "MODEL.LOCALIZATION_FROZEN", frozen)
        trainer.iter = 0
        trainer.checkpointer.save("model_0000000", iteration=0)
    return folders


@pytest.mark.parametrize(
    "frozen, opts, key",
    [
        (False, ["MODEL.LOCALIZATION_FROZEN", True], "MODEL.LOCALIZATION_FROZEN False"),
        (True, ["MODEL.LOCALIZATION_FROZEN", False], "MODEL.LOCALIZATION_FROZEN True"),
        (False, ["SOLVER.OPTIMIZER", "AdamW"], "SOLVER.OPTIMIZER SGD"),
        (False, ["MODEL.BACKBONE.FREEZE_AT", 2], "MODEL.BACKBONE.FREEZE_AT"),
        (False, ["SOLVER.WEIGHT_DECAY_BIAS", 0.0], "WEIGHT_DECAY_BIAS"),
    ],
)
def test_the_key_that_was_changed_is_named(runs, frozen, opts, key):
    with pytest.raises(InputError, match="model_0000000.pth") as caught:
        trainer_of(runs[frozen], *opts).resume_or_load(resume=True)
    assert key in str(caught.value) and "another OUTPUT_DIR" in str(caught.value)


@pytest.mark.parametrize("frozen", [False, True])
def test_the_same_training_goes_on(runs, frozen):
    trainer = trainer_of(runs[frozen], "MODEL.LOCALIZATION_FROZEN", frozen)
    trainer.resume_or_load(resume=True)
    assert trainer.start_iter == 1


def test_mixed_precision_that_is_new(runs):
    trainer = trainer_of(runs[False])
    trainer.cfg.SOLVER.AMP.ENABLED = True
    state = trainer._trainer.state_dict()
    with pytest.raises(InputError, match="SOLVER.AMP.ENABLED False"):
        check_optimizer_state(trainer.cfg, trainer.model, trainer.optimizer, state, "a.pth")
