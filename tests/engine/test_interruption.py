import os
import signal

import pytest
import torch
from detectron2.engine.hooks import PeriodicCheckpointer
from detectron2.utils import comm
from small_trainer import Do, SmallTrainer

from choi_d2.engine import interruption
from choi_d2.engine.interruption import StopOnSignal


def send(number=signal.SIGINT):
    os.kill(os.getpid(), number)


def interrupted(folder, hooks, **kwargs):
    """Train 6 iterations; returns the trainer and the exit status."""
    trainer = SmallTrainer([1.0] * 12, folder, hooks, **kwargs)
    stop = next(hook for hook in trainer._hooks if isinstance(hook, StopOnSignal))
    before = [signal.getsignal(number) for number in interruption.SIGNALS]
    with pytest.raises(SystemExit) as exit_info, stop.handling():
        trainer.train()
    assert [signal.getsignal(number) for number in interruption.SIGNALS] == before
    return trainer, exit_info.value.code


def saved(folder):
    return torch.load(folder / (folder / "last_checkpoint").read_text(), weights_only=False)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_iteration_is_finished_and_saved(tmp_path, number, status, caplog):
    """The signal comes before the end of iteration 2."""
    trainer, code = interrupted(
        tmp_path, lambda t: [Do(2, lambda: send(number)), StopOnSignal(t.checkpointer), Do(9, None)]
    )
    assert code == status and trainer._hooks[-1].ended == 1
    content = saved(tmp_path)
    assert content["iteration"] == content["trainer"]["iteration"] == 2
    assert sorted(os.listdir(tmp_path)) == ["last_checkpoint", "model_0000002.pth"]

    uninterrupted = SmallTrainer([1.0] * 6, tmp_path / "other")
    uninterrupted.train()
    assert content["model"]["weight"] == uninterrupted.model.weight
    name = signal.Signals(number).name
    assert f"{name}: stopping after this iteration" in caplog.text
    assert f"Stopped by {name} after iteration 2, which is saved" in caplog.text


def test_evaluation_is_not_waited_for(tmp_path):
    def evaluate():
        send()
        pytest.fail("went on")

    trainer, code = interrupted(
        tmp_path, lambda t: [StopOnSignal(t.checkpointer), Do(3, evaluate), Do(9, None)]
    )
    assert code == 130 and saved(tmp_path)["iteration"] == 3


def test_what_has_been_saved_is_not_saved_again(tmp_path):
    def hooks(trainer):
        periodic = PeriodicCheckpointer(trainer.checkpointer, 2)
        return [Do(3, send), periodic, StopOnSignal(trainer.checkpointer)]

    trainer, code = interrupted(tmp_path, hooks)
    names = ["last_checkpoint", "model_0000001.pth", "model_0000003.pth"]
    assert code == 130 and sorted(os.listdir(tmp_path)) == names
    assert trainer.iter == 3


def test_between_two_iterations_the_finished_one_counts(tmp_path):
    class Between(Do):
        def before_step(self):
            self.after_step()

    trainer, code = interrupted(
        tmp_path, lambda t: [Between(4, send), StopOnSignal(t.checkpointer)]
    )
    content = saved(tmp_path)
    assert content["iteration"] == content["trainer"]["iteration"] == 3


def test_before_the_first_iteration_nothing_is_saved(tmp_path, caplog):
    class Before(Do):
        def before_train(self):
            send()

    _, code = interrupted(tmp_path, lambda t: [Before(0, None), StopOnSignal(t.checkpointer)])
    assert code == 130 and not os.listdir(tmp_path)
    assert "before the first iteration was done" in caplog.text


def test_a_second_signal_stops_at_once(tmp_path, monkeypatch):
    def twice():
        send()
        send()  # what a launcher passes on
        monkeypatch.setattr(interruption, "REPEATED", -1.0)
        send()
        pytest.fail("went on")

    _, code = interrupted(tmp_path, lambda t: [Do(2, twice), StopOnSignal(t.checkpointer)])
    assert code == 130 and not os.listdir(tmp_path)


def test_another_process_was_told_to_stop(tmp_path, monkeypatch):
    def hooks(trainer):
        there = [None]
        monkeypatch.setattr(comm, "all_gather", lambda own: [own, there[0]])
        tell = Do(1, lambda: there.__setitem__(0, signal.SIGTERM))
        return [tell, StopOnSignal(trainer.checkpointer)]

    _, code = interrupted(tmp_path, hooks)
    assert code == 143 and saved(tmp_path)["iteration"] == 1


def test_a_full_disk_leaves_what_was_there(tmp_path, monkeypatch):
    """Checkpoints at 1, 3 and 5; the disk is full at 3."""
    from choi_d2.utils import InputError

    trainer = SmallTrainer(
        [1.0] * 12, tmp_path, lambda t: [Fill(monkeypatch), PeriodicCheckpointer(t.checkpointer, 2)]
    )
    with pytest.raises(InputError, match="model_0000003.pth.*No space left.*--resume"):
        trainer.train()
    assert sorted(os.listdir(tmp_path)) == ["last_checkpoint", "model_0000001.pth"]
    assert saved(tmp_path)["iteration"] == 1


class Fill(Do):
    def __init__(self, monkeypatch):
        super().__init__(3, lambda: monkeypatch.setattr(os, "fsync", self.refuse))

    @staticmethod
    def refuse(handle):
        raise OSError(28, "No space left on device")
