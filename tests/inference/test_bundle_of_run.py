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
    assert about.provenance == {"data": "mine"}
    # Of the checkpoint again, not of the bundle beside it.
    assert bundle_of_run(run, run / "two.safetensors").sha256 == about.sha256


def test_metrics_of_other_weights_are_left_out(run, tmp_path):
    assert bundle_of_run(run / "model_best.pth", tmp_path / "best.safetensors").metrics == {}


def test_a_folder_without_a_checkpoint(tmp_path):
    with pytest.raises(InputError, match="model_final.pth"):
        bundle_of_run(tmp_path, tmp_path / "a.safetensors")
