"""Several processes: how they start, fail, gather and share; torchrun from beginning to end."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from detectron2.engine import default_argument_parser
from one_thread import one_thread
from process_work import evaluate_scenes, small_network, work

from choi_d2.data import register_all
from choi_d2.engine import distributed, launch_or_join, load_config
from choi_d2.engine.running import evaluate
from choi_d2.synthetic import make_dataset
from choi_d2.utils import InputError

ROOT = Path(__file__).parents[2]
SLIM = str(ROOT / "configs" / "synthetic" / "choi_R_18_FPN.yaml")


def arguments(*words):
    return default_argument_parser().parse_args(
        ["--config-file", SLIM, *words, "MODEL.DEVICE", "cpu"]
    )


# --------------------------------------------------------------------------- before they start


@pytest.mark.parametrize(
    "words, complaint",
    [
        (("--num-gpus", "0"), "--num-gpus.*at least 1"),
        (("--num-machines", "2", "--machine-rank", "2"), "--machine-rank.*0 to 1"),
        (("--num-machines", "2"), "--dist-url.*all machines reach"),
        (("--num-machines", "2", "--dist-url", "auto"), "--dist-url.*all machines reach"),
    ],
)
def test_arguments_that_cannot_work(words, complaint):
    with pytest.raises(InputError, match=complaint):
        launch_or_join(pytest.fail, arguments(*words))


@pytest.mark.parametrize("words", [("--num-gpus", "2"), ("--num-machines", "2")])
def test_torchrun_alone_starts_processes(monkeypatch, words):
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(InputError, match=f"{words[0]} cannot be used under torchrun"):
        launch_or_join(pytest.fail, arguments(*words))


def test_one_process_of_torchrun_needs_no_group(monkeypatch):
    for name in ("TORCHELASTIC_RUN_ID", "RANK", "LOCAL_RANK"):
        monkeypatch.setenv(name, "0")
    for name in ("WORLD_SIZE", "LOCAL_WORLD_SIZE"):
        monkeypatch.setenv(name, "1")
    args, seen = arguments(), []
    launch_or_join(seen.append, args)
    assert seen == [args] and not torch.distributed.is_initialized()


@pytest.mark.parametrize(
    "device, complaint", [("cuda", "3 processes.*finds 2"), ("cuda:1", "MODEL.DEVICE.*3 processes")]
)
def test_processes_without_a_gpu_of_their_own(monkeypatch, device, complaint):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    args = default_argument_parser().parse_args(["--num-gpus", "3", "MODEL.DEVICE", device])
    with pytest.raises(InputError, match=complaint):
        launch_or_join(pytest.fail, args)


# ------------------------------------------------------------------------------- how they fail


def test_an_input_error_is_one_line(capsys):
    def main(args):
        raise InputError("no good", field="SOLVER.MAX_ITER")

    with pytest.raises(SystemExit) as end:
        distributed._run(main, None)
    assert end.value.code == 2
    assert capsys.readouterr().err == "error: field 'SOLVER.MAX_ITER': no good\n"


# ------------------------------------------------------------------- what they gather and share


@pytest.fixture(scope="module")
def two_processes(tmp_path_factory):
    """(the folder, what each process found, the exit status): the second fails in the end."""
    args = arguments("--num-gpus", "2", "--dist-url", "auto")
    args.folder = tmp_path_factory.mktemp("two_processes")
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as end:
        patch.setenv("CUDA_VISIBLE_DEVICES", "")
        launch_or_join(work, args)
    found = [torch.load(args.folder / f"{rank}.pth", weights_only=False) for rank in range(2)]
    return args.folder, found, end.value.code


@pytest.mark.parametrize("count, shares", [(5, [3, 2]), (1, [1, 0])])
def test_two_processes_evaluate_as_one(two_processes, tmp_path, count, shares):
    folder, found, _ = two_processes
    assert [each[count][0] for each in found] == shares
    _, expected = evaluate_scenes(count, tmp_path)
    in_two, elsewhere = (each[count][1] for each in found)
    assert expected["hoi"]["mAP_rel"] > 0 and expected["bbox"]["AP"] > 0
    np.testing.assert_equal(in_two, expected)
    assert not elsewhere
    files = sorted(path.name for path in tmp_path.iterdir())
    assert len(files) == 2
    for name in files:
        assert (folder / f"{count}_in_two" / name).read_bytes() == (tmp_path / name).read_bytes()


def test_all_get_the_main_processs_batch_norm(two_processes):
    _, (first, second), _ = two_processes
    for name, value in first["before"].items():
        torch.testing.assert_close(first["after"][name], value, rtol=0, atol=0)
        torch.testing.assert_close(second["after"][name], value, rtol=0, atol=0)
        if "running_" in name:
            assert not torch.equal(second["before"][name], value)
        else:  # parameters start as the main process's, whatever the seed
            torch.testing.assert_close(second["before"][name], value, rtol=0, atol=0)


def test_the_failure_of_one_ends_all_and_is_told(two_processes):
    folder, _, code = two_processes
    told = (folder / "1.err").read_text()
    assert code == 1
    assert told.startswith("Process 1 failed:") and "ValueError: the original error" in told


def test_alone_there_is_nothing_to_share():
    model = small_network(0)
    assert distributed.distribute(model) is model
    distributed.share_state(model)


# ------------------------------------------------------------------------------------ torchrun

TINY = {
    "MODEL.DEVICE": "cpu",
    "MODEL.FPN.OUT_CHANNELS": 16,
    "MODEL.ROI_BOX_HEAD.FC_DIM": 16,
    "MODEL.ROI_INTERACTION_HEAD.VISUAL.DIM": 16,
    "MODEL.ROI_INTERACTION_HEAD.SCORE_THRESH_TEST": 0.0,
    "MODEL.ROI_INTERACTION_HEAD.RRM.TOPK": 8,
    "TEST.DETECTIONS_PER_IMAGE": 30,
    "INPUT.MIN_SIZE_TRAIN": "(64,)",
    "INPUT.MIN_SIZE_TEST": 64,
    "SOLVER.IMS_PER_BATCH": 2,
    "SOLVER.MAX_ITER": 3,
}


@pytest.fixture(scope="module")
def data_root(tmp_path_factory):
    root = tmp_path_factory.mktemp("datasets")
    sizes = {"train": 4, "val": 3}
    make_dataset(root / "synthetic_hoiw", seed=3, sizes=sizes, workers=1, progress=False)
    register_all(root)
    yield root
    register_all(os.getenv("DETECTRON2_DATASETS", "datasets"))


def test_torchrun_trains_and_one_process_finds_the_same_metric(data_root, tmp_path):
    options = [str(word) for option in TINY.items() for word in option]
    output = tmp_path / "two"
    command = [sys.executable, "-Wignore", "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc_per_node", "2", "train_net.py", "--config-file", SLIM, *options]
    environment = {"DETECTRON2_DATASETS": str(data_root), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, "OUTPUT_DIR", str(output)],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    in_two = json.loads((output / "results.json").read_text())
    assert (in_two["weights"], in_two["iteration"]) == (str(output / "model_final.pth"), 2)

    own = ["MODEL.WEIGHTS", in_two["weights"], "OUTPUT_DIR", str(tmp_path / "one")]
    with one_thread():
        evaluate(load_config(SLIM, [*options, *own]))
    assert json.loads((tmp_path / "one" / "results.json").read_text()) == in_two
    predicted = [
        (folder / "inference" / "synthetic_hoiw_val_predictions.json").read_text()
        for folder in (output, tmp_path / "one")
    ]
    assert predicted[0] == predicted[1]
    assert any(image["predictions"] for image in json.loads(predicted[0]))
