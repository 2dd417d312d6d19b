"""A training that is killed or interrupted goes on as if it had not been; a seed repeats one."""

import logging
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from one_thread import one_thread
from recorded_training import RecordedTrainer, read_losses

from choi_d2.data import register_all
from choi_d2.synthetic import make_dataset
from choi_d2.utils import InputError

sys.path.insert(0, str(Path(__file__).parents[1] / "modeling"))
from tiny import tiny_config  # noqa: E402

ITERATIONS, PERIOD, COMPARED = 34, 5, 20


@pytest.fixture(scope="module")
def data_root(tmp_path_factory):
    """The built-in data sets are looked for there; seven images make no whole number of batches."""
    root = tmp_path_factory.mktemp("datasets")
    sizes = {"train": 7, "val": 1}
    make_dataset(root / "synthetic_hoiw", seed=3, sizes=sizes, workers=1, progress=False)
    register_all(root)
    yield root
    register_all(os.getenv("DETECTRON2_DATASETS", "datasets"))


def config(output, *opts):
    """Everything that draws random numbers: scales, flips, crops, proposals, pairs."""
    options = {
        "OUTPUT_DIR": str(output),
        "SEED": 5,
        "DATASETS.TRAIN": ("synthetic_hoiw_train",),
        "DATASETS.TEST": ("synthetic_hoiw_val",),
        "DATALOADER.NUM_WORKERS": 0,
        "INPUT.MIN_SIZE_TRAIN": (48, 56, 64),
        "INPUT.MIN_SIZE_TEST": 48,
        "INPUT.CROP.ENABLED": True,
        "MODEL.ROI_HEADS.NUM_CLASSES": 11,
        "MODEL.ROI_INTERACTION_HEAD.NUM_VERBS": 10,
        "SOLVER.OPTIMIZER": "AdamW",
        "SOLVER.BASE_LR": 0.002,
        "SOLVER.LR_SCHEDULER_NAME": "WarmupCosineLR",
        "SOLVER.WARMUP_ITERS": 12,
        "SOLVER.IMS_PER_BATCH": 2,
        "SOLVER.MAX_ITER": ITERATIONS,
        "SOLVER.CHECKPOINT_PERIOD": PERIOD,
    }
    return tiny_config(*(part for option in options.items() for part in option), *opts)


def train(cfg, *, until=ITERATIONS, resume=False):
    """Train in this process up to an iteration, without the evaluation at the end."""
    trainer = RecordedTrainer(cfg)
    trainer.resume_or_load(resume=resume)
    trainer.max_iter = until
    trainer.test = lambda cfg, model: {}
    with one_thread():
        trainer.train()
    return trainer


def start(repository, data_root, cfg, *flags):
    """Train in another process, through train_net.py; its output goes to a file."""
    file = Path(cfg.OUTPUT_DIR, "training.yaml")
    file.parent.mkdir(exist_ok=True)
    file.write_text(cfg.dump())
    script = repository / "tests" / "engine" / "recorded_training.py"
    environment = {**os.environ, "DETECTRON2_DATASETS": str(data_root), "OMP_NUM_THREADS": "1"}
    with open(file.parent / "output.txt", "w") as output:
        return subprocess.Popen(
            [sys.executable, "-Wignore", str(script), "--config-file", str(file), *flags],
            cwd=repository,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def finish(process, folder):
    """(its exit status, its output)."""
    return process.wait(timeout=900), (folder / "output.txt").read_text()


def signal_in(process, number, iteration, folder):
    """Send a signal when ``iteration`` is done; returns what ``finish`` does."""
    while iteration not in read_losses(folder):
        assert process.poll() is None, finish(process, folder)
        time.sleep(0.01)
    process.send_signal(number)
    return finish(process, folder)


@pytest.fixture(scope="module")
def uninterrupted(data_root, tmp_path_factory):
    """Iteration -> (images, losses)."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    train(config(folder, "SOLVER.CHECKPOINT_PERIOD", 1000))
    losses = read_losses(folder)
    assert len(losses) == ITERATIONS
    return losses


def assert_same(folder, expected, first, last):
    """The losses and images of all iterations from ``first`` to ``last``, bit for bit."""
    found = read_losses(folder)
    for iteration in range(first, last + 1):
        assert found[iteration] == expected[iteration], f"iteration {iteration}"


@pytest.mark.parametrize("workers", [0, 1])
def test_kill_and_resume(repository, data_root, tmp_path, uninterrupted, workers):
    cfg = config(tmp_path, "DATALOADER.NUM_WORKERS", workers, "TEST.EVAL_PERIOD", 3)
    kill_at = random.SystemRandom().randrange(PERIOD, ITERATIONS - COMPARED)
    process = start(repository, data_root, cfg)
    status, log = signal_in(process, signal.SIGKILL, kill_at, tmp_path)
    assert status == -signal.SIGKILL, log
    killed_at = max(read_losses(tmp_path))

    resumed = train(cfg, resume=True)
    assert PERIOD <= resumed.start_iter <= killed_at + 1 and resumed.start_iter % PERIOD == 0
    assert_same(tmp_path, uninterrupted, 0, ITERATIONS - 1)
    print(
        f"killed after iteration {killed_at}, resumed at {resumed.start_iter}, workers: {workers}"
    )
    for iteration in range(killed_at + 1, killed_at + 1 + COMPARED):
        terms = read_losses(tmp_path)[iteration][1].values()
        total = sum(map(float.fromhex, terms))
        print(f"iteration {iteration}: {total!r}, the same without interruption")
    final = torch.load(tmp_path / "model_final.pth", weights_only=False)
    steps = final["trainer"]["_trainer"]["optimizer"]["state"].values()
    assert {int(each["step"]) for each in steps} == {ITERATIONS}


def test_ctrl_c_and_resume(repository, data_root, tmp_path, uninterrupted):
    cfg = config(tmp_path, "SOLVER.CHECKPOINT_PERIOD", 1000, "DATALOADER.NUM_WORKERS", 1)
    process = start(repository, data_root, cfg)
    status, log = signal_in(process, signal.SIGINT, 3, tmp_path)
    assert status == 128 + signal.SIGINT, log
    last = max(read_losses(tmp_path))
    assert f"Stopped by SIGINT after iteration {last}" in log and "Traceback" not in log
    assert (tmp_path / "last_checkpoint").read_text() == f"model_{last:07d}.pth"

    process = start(repository, data_root, cfg, "--resume")
    status, log = finish(process, tmp_path)
    assert status == 0, log
    assert re.search(rf"Starting training from iteration {last + 1}\b", log), log
    assert "mAP_rel" in log
    assert_same(tmp_path, uninterrupted, 0, ITERATIONS - 1)


def test_a_frozen_localization_needs_weights_and_resumes(data_root, tmp_path):
    first = config(tmp_path / "first", "MODEL.INTERACTION_ON", False, "SOLVER.CHECKPOINT_PERIOD", 1)
    train(first, until=1)
    frozen = ["MODEL.LOCALIZATION_FROZEN", True, "SOLVER.CHECKPOINT_PERIOD", 2]
    with pytest.raises(InputError, match="MODEL.WEIGHTS.*first phase"):
        train(config(tmp_path / "none", *frozen))
    frozen += ["MODEL.WEIGHTS", str(tmp_path / "first" / "model_0000000.pth")]
    train(config(tmp_path / "whole", *frozen), until=5)

    train(config(tmp_path / "halves", *frozen), until=2)
    resumed = train(config(tmp_path / "halves", *frozen), until=5, resume=True)
    assert resumed.start_iter == 2
    whole = read_losses(tmp_path / "whole")
    assert all("rcm" in name or "rrm" in name for name in whole[0][1])
    assert_same(tmp_path / "halves", whole, 0, 4)


def test_what_happens_in_between_changes_nothing(data_root, tmp_path, uninterrupted):
    """Evaluation, pictures, checkpoints; another seed changes everything."""
    cfg = config(tmp_path / "same", "TEST.EVAL_PERIOD", 2, "SOLVER.CHECKPOINT_PERIOD", 1)
    trainer = RecordedTrainer(cfg)
    trainer.resume_or_load(resume=False)
    trainer.max_iter = 6
    with one_thread():
        trainer.train()
    assert_same(tmp_path / "same", uninterrupted, 0, 5)

    train(config(tmp_path / "other", "SEED", 6), until=2)
    found = read_losses(tmp_path / "other")
    assert all(found[iteration] != uninterrupted[iteration] for iteration in (0, 1))


def test_a_random_seed_is_kept(data_root, tmp_path, caplog):
    first, second = (config(tmp_path / name, "SEED", -1) for name in ("first", "second"))
    with caplog.at_level(logging.INFO, logger="choi_d2"):
        train(first, until=7)
    assert re.search(r"SEED is -1: took \d+", caplog.text)
    # Five of them are in the checkpoint to go on from.
    (tmp_path / "first" / "last_checkpoint").write_text("model_0000004.pth")
    before = read_losses(tmp_path / "first")
    resumed = train(first, until=7, resume=True)
    assert resumed.start_iter == 5
    assert_same(tmp_path / "first", before, 0, 6)
    (tmp_path / "first" / "losses.jsonl").unlink()
    train(second, until=1)
    assert read_losses(tmp_path / "second")[0] != before[0]
