"""``choi export-bundle`` and ``choi models``."""

import hashlib
import json

import pytest
import torch
from detectron2.config import get_cfg

from choi_d2.cli.main import main
from choi_d2.config import add_choi_config
from choi_d2.engine import HOICheckpointer
from choi_d2.engine.model_card import ModelCard
from choi_d2.inference import bundles
from choi_d2.structures import Vocabulary


@pytest.fixture
def run(tmp_path):
    """A training's folder."""
    cfg = get_cfg()
    add_choi_config(cfg)
    folder = tmp_path / "run"
    folder.mkdir()
    card = ModelCard.of(cfg, Vocabulary(("human", "bike"), ("hold", "ride", "walk"), 0))
    HOICheckpointer(torch.nn.Linear(100, 120), str(folder), card=card).save("model_final")
    metrics = {"hoi": {"mAP_rel": 12.5, "AP-ride": 50.0}}
    results = {"weights": str(folder / "model_final.pth"), "results": {"my_val": metrics}}
    (folder / "results.json").write_text(json.dumps(results))
    return folder


@pytest.fixture
def shipped(run, tmp_path, monkeypatch):
    """The bundle of it, as if it came with the package."""
    monkeypatch.setattr(bundles, "SHIPPED", tmp_path / "models")
    (tmp_path / "models").mkdir()
    path = tmp_path / "models" / "mine.safetensors"
    assert main(["export-bundle", str(run), "--output", str(path)]) == 0
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    (tmp_path / "models" / "SHA256SUMS").write_text(f"{digest}  {path.name}\n")
    return path


def test_provenance_from_a_file_and_words(run, tmp_path, capsys):
    file = tmp_path / "about.yaml"
    file.write_text("licence: CC0\ndata: [a, b]\nday: 2026-11-25\nhours: 2.5\n")
    words = ["--provenance-file", str(file), "--provenance", "licence=MIT"]
    command = ["export-bundle", str(run), "--output", str(tmp_path / "a.safetensors")]
    assert main([*command, *words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["bytes"] == (tmp_path / "a.safetensors").stat().st_size
    expected = {"licence": "MIT", "data": ["a", "b"], "day": "2026-11-25", "hours": 2.5}
    assert expected.items() <= told["provenance"].items()
    # JSON is YAML.
    file.write_text('{"licence": "CC-BY-4.0"}')
    assert main([*command, *words[:2]]) == 0
    assert "licence: CC-BY-4.0" in capsys.readouterr().out
    for broken, message in (("- a\n", "found list"), ("a: [", "expected YAML")):
        file.write_text(broken)
        assert main([*command, *words[:2]]) == 2
        assert message in capsys.readouterr().err


def test_precision(run, tmp_path):
    sizes = {}
    for option in ((), ("--half",), ("--full-precision",), ("--int8",)):
        path = tmp_path / "a.safetensors"
        assert main(["export-bundle", str(run), "--output", str(path), *option]) == 0
        sizes[option] = path.stat().st_size
    assert sizes[()] == sizes[("--half",)] < sizes[("--full-precision",)] - 20_000
    assert sizes[("--int8",)] < sizes[()] - 10_000


def test_all_is_told(shipped, capsys):
    capsys.readouterr()
    assert main(["models", "--json"]) == 0
    (model,) = json.loads(capsys.readouterr().out)
    assert model["classes"] == ["human", "bike"] and model["verbs"] == ["hold", "ride", "walk"]
    assert model["sha256"] == hashlib.sha256(shipped.read_bytes()).hexdigest()
    assert model["bytes"] == shipped.stat().st_size
    assert model["metrics"]["my_val/mAP_rel"] == 12.5 and model["provenance"]["batch_size"]
    assert main(["models"]) == 0
    text = capsys.readouterr().out
    assert model["sha256"] in text and "2 classes: human, bike" in text
    assert "my_val/mAP_rel: 12.5" in text and "AP-ride" not in text
    assert main(["models", "mine"]) == 0
    assert "AP-ride: 50" in capsys.readouterr().out


def test_another_file_in_a_shipped_models_place(shipped, run, capsys):
    assert main(["export-bundle", str(run), "--output", str(shipped), "--name", "other"]) == 0
    assert main(["models", "mine"]) == 2
    assert "expected a file of SHA-256" in capsys.readouterr().err
