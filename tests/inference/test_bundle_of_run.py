import json

import pytest
import torch

from choi_d2.engine import HOICheckpointer
from choi_d2.engine.model_card import ModelCard
from choi_d2.inference.bundle_of_run import bundle_of_run
from choi_d2.structures import Vocabulary
from choi_d2.utils import InputError


@pytest.fixture
def run(tmp_path, stub_cfg):
    """A training's folder with two checkpoints, and the results of one."""
    folder = tmp_path / "run"
    folder.mkdir()
    model = torch.nn.Linear(2, 3)
    card = ModelCard.of(stub_cfg, Vocabulary(("human", "bike"), ("hold", "ride", "walk"), 0))
    for name in ("model_final", "model_best"):
        HOICheckpointer(model, str(folder), card=card).save(name)
    results = {"my_val": {"hoi": {"mAP_rel": 12.5, "AP-ride": None}}}
    content = {"weights": str(folder / "model_final.pth"), "iteration": 9, "results": results}
    (folder / "results.json").write_text(json.dumps(content))
    return folder


def test_a_folder_is_its_last_checkpoint_with_its_metrics(run, tmp_path):
    about = bundle_of_run(run, run / "one.safetensors", provenance={"data": "mine"})
    assert (about.name, about.metrics) == ("one", {"my_val/mAP_rel": 12.5})
    assert about.provenance["data"] == "mine"
    # Of the checkpoint again, not of the bundle beside it.
    assert bundle_of_run(run, run / "two.safetensors").sha256 == about.sha256


def test_metrics_of_other_weights_are_left_out(run, tmp_path):
    assert bundle_of_run(run / "model_best.pth", tmp_path / "best.safetensors").metrics == {}


def test_it_knows_where_it_comes_from(run, tmp_path):
    lines = [{"iteration": 19, "time": 90.0}, {"iteration": 39, "time": 45.0}]
    again = {"iteration": 29, "time": 9.0}  # resumed; from where is not logged
    text = "\n".join(json.dumps(line) for line in [*lines, again, {"iteration": 39, "time": 36.0}])
    (run / "metrics.json").write_text(text + '\n{"iteration": 5')
    about = bundle_of_run(run, tmp_path / "one.safetensors")
    hours = (20 * 90 + 20 * 45 + 10 * 36) / 3600
    assert about.provenance["hours"] == pytest.approx(hours, abs=0.01)
    assert about.provenance["weights"] == "none, from scratch"
    assert about.provenance["torch"] == torch.__version__
    assert about.provenance["batch_size"] > 0 and "seed" not in about.provenance


def test_where_weights_come_from_is_told_without_folders_of_the_machine(run, tmp_path, stub_cfg):
    words = Vocabulary(("human", "bike"), ("hold", "ride", "walk"), 0)
    for weights, told in (
        ("/home/me/phase1/model_final.pth", "phase1/model_final.pth"),
        ("torchvision://mobilenet_v2", "torchvision://mobilenet_v2"),
    ):
        stub_cfg.MODEL.WEIGHTS, stub_cfg.SEED = weights, 7
        card = ModelCard.of(stub_cfg, words)
        HOICheckpointer(torch.nn.Linear(2, 3), str(run), card=card).save(
            "model_final", iteration=99
        )
        provenance = bundle_of_run(run, tmp_path / "a.safetensors").provenance
        assert (provenance["weights"], provenance["seed"]) == (told, 7)
        assert provenance["iterations"] == 100


def test_results_on_other_data_are_joined(run, tmp_path):
    content = {"weights": "elsewhere/model_final.pth", "results": {"my_test": {"hoi": {"R": 3.0}}}}
    (tmp_path / "test.json").write_text(json.dumps(content))
    about = bundle_of_run(run, tmp_path / "a.safetensors", results=[tmp_path / "test.json"])
    assert about.metrics == {"my_val/mAP_rel": 12.5, "my_test/R": 3.0}

    content["results"] = {"my_val": {"hoi": {"mAP_rel": 99.0}}}
    (tmp_path / "test.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match="'my_val/mAP_rel' is 99.0 here, and 12.5"):
        bundle_of_run(run, tmp_path / "b.safetensors", results=[tmp_path / "test.json"])
    content["weights"] = str(run / "model_best.pth")
    (tmp_path / "test.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match="expected results of .*model_final.pth"):
        bundle_of_run(run, tmp_path / "c.safetensors", results=[tmp_path / "test.json"])


def test_a_folder_without_a_checkpoint(tmp_path):
    with pytest.raises(InputError, match="model_final.pth"):
        bundle_of_run(tmp_path, tmp_path / "a.safetensors")
