import os
from types import SimpleNamespace

import pytest
import torch
from detectron2.data import MetadataCatalog
from detectron2.engine import HookBase, hooks
from detectron2.utils.events import EventStorage

from choi_d2.engine import HOICheckpointer
from choi_d2.engine.hooks import BestCheckpointer, RecentCheckpointer, best_metric, extend_hooks
from choi_d2.engine.model_card import ModelCard
from choi_d2.engine.watching import PairStatistics, TripletPictures
from choi_d2.utils import InputError


class Counter:
    """Something that is resumed along with the model."""

    def __init__(self):
        self.count = 0

    def state_dict(self):
        return {"count": self.count}

    def load_state_dict(self, state):
        self.count = state["count"]


def make_checkpointer(folder):
    return HOICheckpointer(torch.nn.Linear(1, 1), str(folder), trainer=Counter())


def names(folder):
    return sorted(path.name for path in folder.iterdir() if path.suffix == ".pth")


# ------------------------------------------------------------------------------------ the latest


def train(folder, iterations, *, start=0, total=100, keep=2, period=2):
    hook = RecentCheckpointer(make_checkpointer(folder), period, keep)
    hook.trainer = SimpleNamespace(start_iter=start, max_iter=total)
    hook.before_train()
    for hook.trainer.iter in range(start, iterations):
        hook.after_step()
        last = folder / "last_checkpoint"
        assert not last.exists() or (folder / last.read_text()).exists()
    return hook


def test_the_latest_checkpoints_and_the_final_one_stay(tmp_path):
    train(tmp_path, 10, total=10)
    assert names(tmp_path) == ["model_0000007.pth", "model_0000009.pth", "model_final.pth"]
    assert (tmp_path / "last_checkpoint").read_text() == "model_final.pth"


def test_zero_keeps_all(tmp_path):
    train(tmp_path, 8, keep=0)
    assert len(names(tmp_path)) == 4


def test_a_resumed_training_counts_its_earlier_checkpoints_and_no_other_file(tmp_path):
    train(tmp_path, 8, keep=3)
    # Of a training that was given up, and of the user's.
    others = ["model_0000099.pth", "model_best.pth", "model_final.pth", "phase1.pth"]
    for name in others:
        (tmp_path / name).write_bytes(b"")
    train(tmp_path, 9, start=8)
    assert names(tmp_path) == ["model_0000005.pth", "model_0000007.pth", *others]
    train(tmp_path, 10, start=8)
    assert names(tmp_path) == ["model_0000007.pth", "model_0000009.pth", *others]


def test_a_training_that_starts_anew_deletes_none_of_an_earlier_one(tmp_path):
    (tmp_path / "model_0009999.pth").write_bytes(b"")
    train(tmp_path, 8)
    assert names(tmp_path) == ["model_0000005.pth", "model_0000007.pth", "model_0009999.pth"]


def test_nothing_is_deleted_before_the_new_one_is_whole(tmp_path, monkeypatch):
    hook = train(tmp_path, 4)
    before = names(tmp_path)

    def fail(content, file):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", fail)
    hook.trainer.iter = 5
    with pytest.raises((OSError, InputError)):
        hook.after_step()
    assert names(tmp_path) == before
    assert (tmp_path / "last_checkpoint").read_text() == "model_0000003.pth"


@pytest.mark.parametrize("keep", [1, -1])
def test_a_single_checkpoint_is_too_few(stub_cfg, tmp_path, keep):
    stub_cfg.SOLVER.KEEP_CHECKPOINTS = keep
    with pytest.raises(InputError, match=r"SOLVER\.KEEP_CHECKPOINTS.*at least 2, got"):
        extend_hooks(stub_cfg, [], make_checkpointer(tmp_path))


# -------------------------------------------------------------------------------------- the best

METRIC = "hoi/mAP_rel"


class Evaluations:
    """A training, evaluated after every iteration; the weight is the number of the iteration."""

    def __init__(self, folder, *, start=0, total=100, metric=METRIC):
        self.model = torch.nn.Linear(1, 1, bias=False)
        self.hook = BestCheckpointer(
            1, self.model, folder, metric, card=ModelCard(None, {}, "A: 1")
        )
        self.storage = EventStorage(start)
        self.hook.trainer = SimpleNamespace(start_iter=start, max_iter=total, storage=self.storage)
        self.hook.before_train()
        self.iter = start

    def give(self, *values, name=METRIC):
        for value in values:
            self.hook.trainer.iter = self.storage.iter = self.iter
            torch.nn.init.constant_(self.model.weight, self.iter)
            self.storage.put_scalar(name, value, smoothing_hint=False)
            self.hook.after_step()
            self.iter += 1


def read_best(folder):
    content = torch.load(folder / "model_best.pth", weights_only=True)
    assert set(content) == {"model", "model_card", "best"}
    return (
        content["best"]["value"],
        content["best"]["iterations"],
        content["model"]["weight"].item(),
    )


def test_the_best_weights_are_kept_and_no_training_resumes_from_them(tmp_path):
    (tmp_path / "last_checkpoint").write_text("model_0000001.pth")
    Evaluations(tmp_path).give(10.0, 30.0, 20.0, 30.0, float("nan"))
    assert read_best(tmp_path) == (30.0, 2, 1.0)
    assert (tmp_path / "last_checkpoint").read_text() == "model_0000001.pth"


def test_the_evaluation_at_the_end_counts(tmp_path):
    training = Evaluations(tmp_path, total=3)
    training.give(10.0, 20.0)
    training.hook.trainer.iter = training.storage.iter = 3
    training.storage.put_scalar(METRIC, 30.0, smoothing_hint=False)
    training.hook.after_train()
    assert read_best(tmp_path)[:2] == (30.0, 3)


def test_the_best_outlives_an_interruption(tmp_path):
    Evaluations(tmp_path).give(10.0, 30.0)
    resumed = Evaluations(tmp_path, start=1)
    resumed.give(20.0)
    assert read_best(tmp_path) == (30.0, 2, 1.0)
    resumed.give(31.0)
    assert read_best(tmp_path) == (31.0, 3, 2.0)


def test_another_training_or_metric_or_a_broken_file_has_no_say(tmp_path, caplog):
    Evaluations(tmp_path).give(30.0)
    Evaluations(tmp_path).give(5.0)
    assert read_best(tmp_path)[0] == 5.0
    Evaluations(tmp_path, start=7, metric="bbox/AP").give(2.0, name="bbox/AP")
    assert read_best(tmp_path) == (2.0, 8, 7.0) and f"best by {METRIC}" in caplog.text
    (tmp_path / "model_best.pth").write_bytes(b"half")
    Evaluations(tmp_path, start=9).give(1.0)
    assert read_best(tmp_path)[0] == 1.0 and "cannot be read" in caplog.text


def test_a_metric_that_is_not_there_is_named_with_those_that_are(tmp_path, caplog):
    training = Evaluations(tmp_path, metric="hoi/mAP")
    training.storage.put_scalar("stage0/pairs/sampled", 1, smoothing_hint=False)
    training.give(1.0)
    assert "gave no 'hoi/mAP'" in caplog.text and f"It gave: {METRIC}" in caplog.text
    assert "sampled" not in caplog.text and names(tmp_path) == []


def test_where_the_last_checkpoint_is_damaged_the_best_is_passed_by(tmp_path):
    hook = train(tmp_path, 4)
    Evaluations(tmp_path).give(1.0)
    os.utime(tmp_path / "model_best.pth", (2e9, 2e9))
    (tmp_path / "model_0000003.pth").write_bytes(b"half")
    rest = make_checkpointer(tmp_path).resume_or_load("", resume=True)
    assert rest["iteration"] == 1 and hook.max_to_keep == 2


@pytest.mark.parametrize(
    "evaluator,interaction,own,expected",
    [
        ("hoiw", True, "", "hoi/mAP_rel"),
        ("hoi", True, "", "hoi/mAP_rel"),
        ("pic", True, "", "hoi/R@100"),
        ("vcoco", True, "", "hoi/AP_role_S1"),
        (("box_recall", "pic"), True, "", "recall/R@100"),
        ("vcoco", False, "", "bbox/AP"),
        ("vcoco", True, "bbox/AP50", "bbox/AP50"),
        (None, True, "", None),
    ],
)
def test_the_metric_is_the_tasks(stub_cfg, stub_dataset, evaluator, interaction, own, expected):
    if evaluator:
        MetadataCatalog.get(stub_dataset).evaluator_type = evaluator
    stub_cfg.MODEL.INTERACTION_ON, stub_cfg.TEST.BEST_METRIC = interaction, own
    assert best_metric(stub_cfg) == expected


def test_of_several_test_sets_the_first_one_chooses(stub_cfg, stub_dataset):
    MetadataCatalog.get(stub_dataset).evaluator_type = "pic"
    stub_cfg.DATASETS.TEST = (stub_dataset, "another")
    assert best_metric(stub_cfg) == f"{stub_dataset}/hoi/R@100"
    stub_cfg.DATASETS.TEST = ()
    assert best_metric(stub_cfg) is None


# ------------------------------------------------------------------------------------- together


@pytest.mark.parametrize("period,pictures", [(0, 0), (5, 3)])
def test_every_hook_is_in_its_place(stub_cfg, stub_dataset, tmp_path, period, pictures):
    MetadataCatalog.get(stub_dataset).evaluator_type = "hoiw"
    stub_cfg.TEST.EVAL_PERIOD, stub_cfg.VIS_PERIOD = period, pictures
    checkpointer = make_checkpointer(tmp_path)
    default = [
        HookBase(),
        None,
        hooks.PeriodicCheckpointer(checkpointer, 7),
        hooks.EvalHook(period, dict),
        hooks.PeriodicWriter([]),
    ]
    extended = extend_hooks(stub_cfg, default, checkpointer)
    best = [BestCheckpointer] if period else []
    drawing = [TripletPictures] if pictures else []
    kinds = [HookBase, RecentCheckpointer, hooks.EvalHook, PairStatistics, *best, *drawing]
    assert [type(hook) for hook in extended] == [*kinds, hooks.PeriodicWriter]
    assert extended[1].max_to_keep == stub_cfg.SOLVER.KEEP_CHECKPOINTS
