"""``choi train`` on a JSON of one's own, ``choi eval model`` on another, and what they refuse."""

import json
import logging
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from detectron2.data import DatasetCatalog, MetadataCatalog

from choi_d2.cli.main import main
from choi_d2.engine import HOITrainer
from choi_d2.engine.own_data import TRAIN, VAL, OwnData, own_data_opts, register_own_data
from choi_d2.synthetic import make_dataset

ROOT = Path(__file__).parents[2]
TINY = {
    "MODEL.DEVICE": "cpu",
    "MODEL.FPN.OUT_CHANNELS": 16,
    "MODEL.ROI_BOX_HEAD.FC_DIM": 16,
    "MODEL.ROI_INTERACTION_HEAD.VISUAL.DIM": 16,
    "TEST.DETECTIONS_PER_IMAGE": 30,
    "INPUT.MIN_SIZE_TRAIN": "(64,)",
    "INPUT.MIN_SIZE_TEST": 64,
    "SOLVER.IMS_PER_BATCH": 2,
    "SOLVER.MAX_ITER": 2,
}


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    """``train.json``, ``val.json`` and ``images/``, in the format of data of one's own."""
    root = tmp_path_factory.mktemp("my")
    sizes = {"train": 4, "val": 2}
    make_dataset(root, seed=3, sizes=sizes, workers=1, progress=False, format="hoi")
    return root


def drop_handlers():
    """A process's loggers write to the stdout that it started with."""
    for name in ("choi_d2", "detectron2", "fvcore"):
        for handler in list(logging.getLogger(name).handlers):
            logging.getLogger(name).removeHandler(handler)


@pytest.fixture(autouse=True)
def nothing_stays():
    """Neither data sets nor handlers that write into a folder that is gone."""
    yield
    drop_handlers()
    for name in (TRAIN, VAL):
        if name in DatasetCatalog:
            DatasetCatalog.remove(name)
            MetadataCatalog.remove(name)


@pytest.fixture
def words(scenes, repository):
    """The command's data and config."""
    config = repository / "configs" / "synthetic" / "choi_R_18_FPN.yaml"
    own = ["--data", scenes / "train.json", "--images", scenes / "images" / "train"]
    own += ["--val", scenes / "val.json", "--val-images", scenes / "images" / "val"]
    return [*own, "--config-file", config]


def run(*words):
    return main([str(word) for word in words])


def test_from_a_json_to_metrics(words, scenes, tmp_path, capsys):
    opts = [word for option in TINY.items() for word in option]
    gone = {"id": 999, "file_name": "gone.png", "height": 64, "width": 64}
    for name in ("train", "val"):
        content = json.loads((scenes / f"{name}.json").read_text())
        content["images"].append(gone)
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
        words[words.index(scenes / f"{name}.json")] = tmp_path / f"{name}.json"
    assert run("train", *words, "--json", *opts, "OUTPUT_DIR", tmp_path / "out") == 0
    # Both are read again and again, and complained of once.
    log = (tmp_path / "out" / "log.txt").read_text()
    for name in ("train", "val"):
        assert len(re.findall(f"1 x missing image .*{name}.json", log)) == 1, log
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert list(results["results"]) == [VAL] and results["iteration"] == 1
    weights = tmp_path / "out" / "model_final.pth"
    drop_handlers()
    printed = capsys.readouterr()
    assert json.loads(printed.out) == {"output": str(tmp_path / "out"), **results}
    assert results["weights"] == str(weights) and "total_loss" in printed.err

    own = ["--data", scenes / "val.json", "--images", scenes / "images" / "val"]
    options = ["--weights", weights, *own, "--json", "OUTPUT_DIR", tmp_path / "again"]
    assert run("eval", "model", *options) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["results"] == results["results"]

    drop_handlers()
    given = ["--detections", "ground-truth", "--verbs-by-class"]
    assert run("eval", "model", *given, *options) == 0
    assert json.loads(capsys.readouterr().out)["results"][VAL]["bbox"]["AP50"] == 100


def start(*words):
    """The command in a process of its own."""
    command = [sys.executable, "-m", "choi_d2", *map(str, words)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, cwd=ROOT, text=True, **pipes)


def test_two_processes_print_one_result(words, tmp_path):
    opts = [word for option in TINY.items() for word in option]
    processes = ["--num-gpus", 2, "--dist-url", "auto"]
    training = start("train", *words, *processes, "--json", *opts, "OUTPUT_DIR", tmp_path)
    out, err = training.communicate()
    assert training.returncode == 0, err
    results = json.loads((tmp_path / "results.json").read_text())
    assert json.loads(out) == {"output": str(tmp_path), **results}
    # Detectron2 keeps a log of each process but the first.
    assert results["iteration"] == 1 and (tmp_path / "log.txt.rank1").is_file()
    assert "total_loss" in err


def test_two_machines_train_as_one(words, tmp_path):
    opts = [word for option in TINY.items() for word in option]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{probe.getsockname()[1]}"
    machines = [
        start(
            *("train", *words, "--num-machines", 2, "--machine-rank", rank, "--dist-url", address),
            *("--json", *opts, "OUTPUT_DIR", tmp_path),
        )
        for rank in range(2)
    ]
    (first, error), (second, _) = (machine.communicate() for machine in machines)
    assert [machine.returncode for machine in machines] == [0, 0], error
    assert json.loads(first)["iteration"] == 1 and not second
    assert "Rank of current process: 1. World size: 2" in (tmp_path / "log.txt.rank1").read_text()


def test_the_config_is_told_what_the_json_says(scenes):
    images = str(scenes / "images" / "train")
    data = OwnData(str(scenes / "train.json"), images)
    register_own_data(data)
    opts = own_data_opts(data)
    told = dict(zip(opts[::2], opts[1::2], strict=True))
    head = "MODEL.ROI_INTERACTION_HEAD."
    assert told["MODEL.ROI_HEADS.NUM_CLASSES"] == told[f"{head}NUM_VERBS"] == "11"
    assert told[f"{head}OBJECTLESS_VERBS"] == "(10,)" and told["DATASETS.TEST"] == "()"
    assert told[f"{head}HUMANS_AS_OBJECTS"] == "False"


def test_humans_that_are_acted_on(scenes, tmp_path):
    content = json.loads((scenes / "train.json").read_text())
    humans = [x for x in content["annotations"] if x["category_id"] == 1]
    by_image = {}
    for human in humans:
        by_image.setdefault(human["image_id"], []).append(human["id"])
    first, second = next(ids for ids in by_image.values() if len(ids) > 1)[:2]
    pair = {"human_id": first, "object_id": second, "verb_id": 1}
    content["interactions"].append(pair)
    (tmp_path / "train.json").write_text(json.dumps(content))
    register_own_data(OwnData(str(tmp_path / "train.json"), str(scenes / "images" / "train")))
    assert MetadataCatalog.get(TRAIN).humans_as_objects


@pytest.mark.parametrize(
    "command, message",
    [
        (["train"], "nothing to train on"),
        (["train", "--data", "{train}"], "--images"),
        (["train", "--images", "."], "--data, which is not given"),
        (["train", "--data", "gone.json", "--images", "."], "gone.json, field '--data': no such"),
        (["train", "--data", "{train}", "--images", "gone"], "no such folder"),
        (["train", "--data", "{train}", "--images", ".", "--weights", "gone.pth"], "no such model"),
        (["eval", "model"], "nothing to evaluate on"),
        (["eval", "model", "--config-file", "a.yaml", "--data", "{train}"], "go together"),
    ],
)
def test_what_is_refused(scenes, tmp_path, monkeypatch, capsys, command, message):
    monkeypatch.chdir(tmp_path)
    train = scenes / "train.json"
    if "gone.pth" in command:  # the data are read first
        command = [scenes / "images" / "train" if word == "." else word for word in command]
    assert run(*(str(word).format(train=train) for word in command)) == 2
    assert message in capsys.readouterr().err


@pytest.fixture
def nothing_shipped(monkeypatch):
    """An installation without models."""
    monkeypatch.setattr("choi_d2.inference.bundles.shipped_models", dict)


def test_without_config_and_weights_a_slim_network_learns_from_scratch(
    scenes, tmp_path, nothing_shipped
):
    own = ["--data", scenes / "train.json", "--images", scenes / "images" / "train"]
    opts = [word for option in TINY.items() for word in option]
    assert run("train", *own, *opts, "OUTPUT_DIR", tmp_path / "out") == 0
    told = (tmp_path / "out" / "config.yaml").read_text()
    assert "DEPTH: 18" in told and "SOURCE: annotations" in told and "WEIGHTS: ''" in told

    # With weights, the config is theirs; what they are called by name is taken over.
    content = json.loads((scenes / "train.json").read_text())
    content["verbs"].append({"id": 40, "name": "juggle"})
    (tmp_path / "more.json").write_text(json.dumps(content))
    own = ["--data", tmp_path / "more.json", *own[2:]]
    weights = ["--weights", tmp_path / "out" / "model_final.pth"]
    drop_handlers()
    assert run("train", *own, *weights, "OUTPUT_DIR", tmp_path / "more") == 0
    told = (tmp_path / "more" / "config.yaml").read_text()
    assert "NUM_VERBS: 12" in told and "OUT_CHANNELS: 16" in told


def test_a_run_that_was_stopped_goes_on(words, tmp_path, monkeypatch):
    opts = [word for option in TINY.items() for word in option]
    assert run("train", *words, *opts, "OUTPUT_DIR", tmp_path / "out") == 0
    drop_handlers()
    first_iterations = []
    monkeypatch.setattr(HOITrainer, "train", lambda self: first_iterations.append(self.start_iter))
    more = [*words, "--resume", *opts, "OUTPUT_DIR", tmp_path / "out", "SOLVER.MAX_ITER", 3]
    assert run("train", *more) == 0
    assert first_iterations == [2]


def test_where_faces_are_known_from(scenes, tmp_path):
    images = str(scenes / "images" / "train")

    def told(json_file, **files):
        data = OwnData(str(json_file), images, **files)
        register_own_data(data)
        opts = own_data_opts(data)
        return dict(zip(opts[::2], opts[1::2], strict=True))

    assert told(scenes / "train.json")["INPUT.FACES.SOURCE"] == "annotations"
    cache = tmp_path / "faces.json"
    cache.write_text('{"detector": "none", "faces": {}}')
    with_file = told(scenes / "train.json", faces=str(cache))
    assert with_file["INPUT.FACES.SOURCE"] == "file"
    assert with_file["INPUT.FACES.FILES"] == f"('own_train={cache}',)"
    content = json.loads((scenes / "train.json").read_text())
    del content["faces"]
    (tmp_path / "train.json").write_text(json.dumps(content))
    assert "INPUT.FACES.SOURCE" not in told(tmp_path / "train.json")


def test_files_as_people_bring_them(shared, tmp_path, nothing_shipped):
    """12 and 6 images, 11 verbs: trains, evaluates, and the checkpoint alone predicts a photo."""
    from choi_d2 import HOIPredictor

    base = shared / "field" / "base"
    own = ["--data", base / "train.json", "--images", base / "images" / "train"]
    own += ["--val", base / "val.json", "--val-images", base / "images" / "val"]
    opts = [word for option in TINY.items() for word in option]
    assert run("train", *own, *opts, "OUTPUT_DIR", tmp_path / "out") == 0
    results = json.loads((tmp_path / "out" / "results.json").read_text())["results"][VAL]
    assert {"hoi", "bbox"} <= {key.split("/")[0] for key in results}
    predictor = HOIPredictor.from_pretrained(tmp_path / "out" / "model_final.pth")
    (result,) = predictor(base / "images" / "val" / "val_000000.jpg")
    assert len(predictor.vocabulary.verbs) == 11
