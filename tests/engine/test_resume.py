"""A training that is killed goes on from its last checkpoint."""

import os
import re
import signal
import subprocess
import sys
import time

import pytest
import torch

from choi_d2.data.synthetic import make_dataset

ITERATIONS = 8


@pytest.fixture(scope="module")
def data_root(tmp_path_factory):
    root = tmp_path_factory.mktemp("datasets")
    make_dataset(
        root / "synthetic_hoiw",
        seed=3,
        sizes={"train": 4, "val": 2},
        workers=1,
        progress=False,
    )
    return root


def start(repository, data_root, output, *flags):
    command = [
        *(sys.executable, "-Wignore", "train_net.py"),
        *("--config-file", "configs/synthetic/choi_R_18_FPN.yaml", *flags),
        *("OUTPUT_DIR", str(output), "MODEL.DEVICE", "cpu"),
        *("SOLVER.MAX_ITER", str(ITERATIONS), "SOLVER.CHECKPOINT_PERIOD", "2"),
        *("SOLVER.IMS_PER_BATCH", "2", "INPUT.MIN_SIZE_TRAIN", "(64,)"),
        *("INPUT.MIN_SIZE_TEST", "64"),
    ]
    environment = {**os.environ, "DETECTRON2_DATASETS": str(data_root), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command,
        cwd=repository,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_kill_and_resume(repository, data_root, tmp_path):
    killed = start(repository, data_root, tmp_path)
    while not (tmp_path / "last_checkpoint").exists():
        assert killed.poll() is None, killed.communicate()[0]
        time.sleep(0.02)
    os.kill(killed.pid, signal.SIGKILL)
    killed.communicate()
    last = (tmp_path / "last_checkpoint").read_text().strip()
    done = torch.load(tmp_path / last, weights_only=False)["iteration"]
    assert 0 < done < ITERATIONS - 1, "killed too late to tell"

    resumed = start(repository, data_root, tmp_path, "--resume")
    log = resumed.communicate(timeout=300)[0]
    assert resumed.returncode == 0, log
    assert re.search(rf"Starting training from iteration {done + 1}\b", log), log
    assert (tmp_path / "model_final.pth").is_file() and "mAP_rel" in log
    final = torch.load(tmp_path / "model_final.pth", weights_only=False)
    assert final["iteration"] == ITERATIONS - 1
    optimizer = final["trainer"]["_trainer"]["optimizer"]
    steps = {int(s["step"]) for s in optimizer["state"].values()}
    assert steps == {ITERATIONS}, "the optimizer's state was not resumed"
