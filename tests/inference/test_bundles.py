"""Bundles: everything of a model in one file, which is checked and runs no code."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from tiny import NUM_VERBS, tiny_config, tiny_model

from choi_d2.engine import HOICheckpointer
from choi_d2.engine.model_card import ModelCard
from choi_d2.engine.weight_files import read_weights
from choi_d2.inference import HOIPredictor, bundles, read_about, write_bundle
from choi_d2.inference.bundles import check_bundle, find_model
from choi_d2.structures import Vocabulary
from choi_d2.utils import InputError

VOCABULARY = Vocabulary(
    ("person", "bike", "ball", "dog"), tuple(f"verb {i}" for i in range(NUM_VERBS))
)


@pytest.fixture
def checkpoint(tmp_path, repository, monkeypatch):
    monkeypatch.chdir(repository)
    card = ModelCard.of(tiny_config(), VOCABULARY)
    HOICheckpointer(tiny_model(), str(tmp_path), card=card).save("model_final")
    return tmp_path / "model_final.pth"


def test_bundle_says_what_it_is(checkpoint, tmp_path):
    written = write_bundle(
        checkpoint,
        tmp_path / "tiny.safetensors",
        metrics={"test/hoi/mAP_rel": 12.5},
        provenance={"photos": "none", "seed": 0},
    )
    about = read_about(tmp_path / "tiny.safetensors")
    assert about == written
    assert about.name == "tiny" and about.metrics == {"test/hoi/mAP_rel": 12.5}
    assert about.provenance["seed"] == 0 and len(about.sha256) == 64
    assert check_bundle(tmp_path / "tiny.safetensors") == about


def test_bundle_predicts_as_its_checkpoint(checkpoint, tmp_path):
    write_bundle(checkpoint, tmp_path / "whole.safetensors", bits=32)
    write_bundle(checkpoint, tmp_path / "half.safetensors")
    sizes = [(tmp_path / f"{x}.safetensors").stat().st_size for x in ("whole", "half")]
    assert sizes[1] < 0.65 * sizes[0]
    image = np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8)
    opts = ["MODEL.ROI_INTERACTION_HEAD.SCORE_THRESH_TEST", 0.0]
    results = [
        HOIPredictor.from_pretrained(path, device="cpu", faces="none", opts=opts)(
            image, score_thresh=0.0
        )[0]
        for path in (checkpoint, tmp_path / "whole.safetensors", tmp_path / "half.safetensors")
    ]
    first, whole, half = results
    assert whole.vocabulary == half.vocabulary == VOCABULARY
    np.testing.assert_allclose(whole.boxes, first.boxes, rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(whole.triplet_scores, first.triplet_scores, rtol=1e-5, atol=1e-6)
    # Half precision: the model of random weights finds almost the same.
    assert abs(len(half.boxes) - len(first.boxes)) <= max(2, len(first.boxes) // 10)


def test_weights_stay_in_single_precision_when_loaded(checkpoint, tmp_path):
    write_bundle(checkpoint, tmp_path / "half.safetensors")
    predictor = HOIPredictor.from_pretrained(tmp_path / "half.safetensors", faces="none")
    assert {p.dtype for p in predictor.model.parameters()} == {torch.float32}


def test_eight_bits_are_loaded_as_they_were_to_a_step(checkpoint, tmp_path):
    write_bundle(checkpoint, tmp_path / "small.safetensors", bits=8)
    sizes = [x.stat().st_size for x in (tmp_path / "small.safetensors", checkpoint)]
    assert sizes[0] < 0.5 * sizes[1]
    before = read_weights(checkpoint)["model"]
    predictor = HOIPredictor.from_pretrained(tmp_path / "small.safetensors", faces="none")
    after = predictor.model.state_dict()
    assert after.keys() == before.keys()
    for name, tensor in before.items():
        largest = float(tensor.abs().max()) if tensor.is_floating_point() else 0
        torch.testing.assert_close(after[name], tensor, rtol=2e-3, atol=largest / 250)
    with pytest.raises(InputError, match="found 4"):
        write_bundle(checkpoint, tmp_path / "four.safetensors", bits=4)


def test_changed_tensors_are_found(checkpoint, tmp_path):
    path = tmp_path / "tiny.safetensors"
    write_bundle(checkpoint, path)
    with safe_open(path, "pt") as file:
        texts = file.metadata()
        state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    name = next(iter(state))
    state[name] = state[name] + 1
    save_file(state, path, metadata=texts)
    with pytest.raises(InputError, match="expected tensors of SHA-256"):
        check_bundle(path)
    with pytest.raises(InputError, match="expected tensors of SHA-256"):
        HOIPredictor.from_pretrained(path, faces="none")


def test_a_bundle_tells_nothing_of_its_machine(tmp_path, repository, monkeypatch):
    monkeypatch.chdir(repository)
    opts = ["OUTPUT_DIR", "/home/me/out", "MODEL.WEIGHTS", "/home/me/phase1.pth"]
    cfg = tiny_config()
    cfg.merge_from_list(opts)
    card = ModelCard.of(cfg, VOCABULARY)
    HOICheckpointer(tiny_model(), str(tmp_path), card=card).save("model_final")
    write_bundle(tmp_path / "model_final.pth", tmp_path / "tiny.safetensors")
    header = (tmp_path / "tiny.safetensors").read_bytes()[:100_000]
    assert b"NUM_CLASSES" in header and b"/home/me" not in header


def test_a_bundle_of_a_later_version_is_refused(checkpoint, tmp_path):
    path = tmp_path / "tiny.safetensors"
    write_bundle(checkpoint, path)
    with safe_open(path, "pt") as file:
        texts = file.metadata()
        state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    card = json.loads(texts["model_card"])
    texts["model_card"] = json.dumps({**card, "version": 99})
    save_file(state, path, metadata=texts)
    with pytest.raises(InputError, match="its version is 99"):
        HOIPredictor.from_pretrained(path)


def test_what_is_no_bundle(tmp_path):
    save_file({"x": torch.zeros(2)}, tmp_path / "plain.safetensors")
    with pytest.raises(InputError, match="expected a bundle"):
        read_about(tmp_path / "plain.safetensors")
    whole = (tmp_path / "plain.safetensors").read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError):
        HOIPredictor.from_pretrained(tmp_path / "cut.safetensors")


class Evil:
    def __reduce__(self):
        return (open, ("ran", "w"))


def test_a_pickle_in_its_place_is_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "evil.safetensors").write_bytes(pickle.dumps({"model": Evil()}))
    with pytest.raises(InputError):
        HOIPredictor.from_pretrained(tmp_path / "evil.safetensors")
    assert not (tmp_path / "ran").exists()


def test_checkpoints_without_names_make_no_bundle(tmp_path):
    torch.save({"model": {"x": torch.zeros(1)}}, tmp_path / "old.pth")
    with pytest.raises(InputError, match="does not know its config and its names"):
        write_bundle(tmp_path / "old.pth", tmp_path / "old.safetensors")
    with pytest.raises(InputError, match="no such checkpoint"):
        write_bundle(tmp_path / "none.pth", tmp_path / "none.safetensors")
    with pytest.raises(InputError, match="ends in .safetensors"):
        write_bundle(tmp_path / "old.pth", tmp_path / "old.bin")


def test_models_are_found_by_name_file_and_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(bundles, "SHIPPED", tmp_path / "models")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "photos.safetensors").touch()
    # Though there is a folder of that name.
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    assert find_model("photos") == tmp_path / "models" / "photos.safetensors"
    assert find_model("./photos") == Path("photos")
    assert find_model(tmp_path / "models") == tmp_path / "models" / "photos.safetensors"
    run = tmp_path / "run"
    run.mkdir()
    (run / "model_final.pth").touch()
    assert find_model(run) == run / "model_final.pth"
    with pytest.raises(InputError, match="no such model.*photos"):
        find_model("poses")
