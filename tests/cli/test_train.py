"""``choi train`` on a JSON of one's own, ``choi eval model`` on another, and what they refuse."""

import json
import logging

import pytest
from detectron2.data import DatasetCatalog, MetadataCatalog

from choi_d2.cli.main import main
from choi_d2.data.synthetic import make_dataset
from choi_d2.engine.own_data import TRAIN, VAL, OwnData, own_data_opts, register_own_data

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
    assert run("train", *words, *opts, "OUTPUT_DIR", tmp_path / "out") == 0
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert list(results["results"]) == [VAL] and results["iteration"] == 1
    weights = tmp_path / "out" / "model_final.pth"
    drop_handlers()
    capsys.readouterr()

    own = ["--data", scenes / "val.json", "--images", scenes / "images" / "val"]
    options = ["--weights", weights, *own, "--json", "OUTPUT_DIR", tmp_path / "again"]
    assert run("eval", "model", *options) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["results"] == results["results"]


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
