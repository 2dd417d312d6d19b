import os
import sys
from pathlib import Path

import pytest
import torch
from detectron2.utils import comm
from small_trainer import SmallTrainer

from choi_d2.engine import HOITrainer
from choi_d2.engine.loss_guard import BrokenLoss, LossGuard

sys.path.insert(0, str(Path(__file__).parents[1] / "modeling"))
from tiny import make_input, tiny_config  # noqa: E402

NAN, INF = float("nan"), float("inf")


def guarded(values, folder):
    return SmallTrainer(values, folder, lambda trainer: [LossGuard()])


@pytest.mark.parametrize("value", [NAN, INF])
def test_it_names_iteration_terms_and_images(tmp_path, value):
    trainer = guarded([1.0, 1.0, 2.0, 2.0, 1.0, value, 1.0, 1.0], tmp_path)
    with pytest.raises(BrokenLoss) as error:
        trainer.train()
    lines = str(error.value).splitlines()
    assert lines[0] == "The loss became infinite or NaN in iteration 2."
    named = f"loss_a = {value}, loss_b = {value} (2 terms); images: 4.png, 5.png"
    assert lines[1].strip() == named
    assert len(lines) == 3 and "--resume" in lines[2]
    assert trainer.model.weight.isfinite(), "a step was made of it"
    assert "forward" not in vars(trainer.model)


def test_only_the_terms_that_broke_are_named(tmp_path, monkeypatch):
    trainer = guarded([1.0, 1.0], tmp_path)
    forward = trainer.model.forward

    def half_broken(batch):
        losses = forward(batch)
        return {**losses, "loss_b": losses["loss_b"] * INF}

    monkeypatch.setattr(trainer.model, "forward", half_broken)
    with pytest.raises(BrokenLoss, match=r" loss_b = inf \(2 terms\); images: 0.png, 1.png"):
        trainer.train()


def test_large_losses_are_no_error(tmp_path):
    """Their sum is infinite in float32; each of them is not."""
    trainer = guarded([2e38] * 4, tmp_path)
    trainer.optimizer.param_groups[0]["lr"] = 0
    trainer._write_metrics = lambda *args: None
    trainer.train()


def test_broken_weights_are_told_from_broken_images(tmp_path):
    trainer = guarded([1.0, 1.0, 1.0, 1.0], tmp_path)
    trainer.model.weight.register_hook(lambda gradient: gradient * NAN)
    with pytest.raises(BrokenLoss, match="iteration 1") as error:
        trainer.train()
    assert "1 weights had broken in an iteration before, weight first" in str(error.value)
    with pytest.raises(FloatingPointError):
        trainer.checkpointer.save("model_0000000", iteration=0)
    assert not os.listdir(tmp_path)


def test_a_process_stops_for_another_ones_loss(tmp_path, monkeypatch):
    monkeypatch.setattr(comm, "all_gather", lambda own: [own, "loss_a = nan; images: far.png"])
    with pytest.raises(BrokenLoss, match="process 1: loss_a = nan; images: far.png"):
        guarded([1.0, 1.0], tmp_path).train()


def test_evaluation_is_not_looked_at(tmp_path):
    trainer = guarded([1.0, 1.0], tmp_path)
    for hook in trainer._hooks:
        hook.before_train()
    trainer.model.eval()
    assert torch.isnan(trainer.model([{"value": NAN}])["loss_a"])


@pytest.mark.parametrize("period", [1, 100])
def test_weights_that_break_are_neither_saved_nor_evaluated(tmp_path, monkeypatch, period):
    """The gradient of iteration 1 is NaN: the checkpoint of it, or the next loss, tells."""
    batches = [[{**make_input(), "file_name": f"{i}.png"}] for i in range(3)]
    monkeypatch.setattr(HOITrainer, "build_train_loader", staticmethod(lambda cfg: batches))
    opts = ("OUTPUT_DIR", str(tmp_path), "SOLVER.MAX_ITER", 3, "SOLVER.CHECKPOINT_PERIOD", period)
    trainer = HOITrainer(tiny_config(*opts, "DATASETS.TRAIN", (), "DATASETS.TEST", ()))
    trainer.test = lambda *args: pytest.fail("evaluated")
    trainer.model.proposal_generator.rpn_head.conv.weight.register_hook(
        lambda gradient: gradient * (NAN if trainer.iter == 1 else 1)
    )
    with pytest.raises(FloatingPointError) as error:
        trainer.train()
    assert "rpn_head.conv.weight first" in str(error.value)
    if period == 1:
        assert "this checkpoint is not written" in str(error.value)
    else:
        # Detectron2 finds it in RPN's proposals, before there is a loss.
        assert "iteration 2." in str(error.value) and "images: 2.png" in str(error.value)
    saved = ["model_0000000.pth"] if period == 1 else []
    assert [path.name for path in tmp_path.glob("*.pth")] == saved
