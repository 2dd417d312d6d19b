"""The mean of checkpoints: a plain loop over the files, and files that have none."""

import json

import numpy as np
import pytest
import torch
from detectron2.config import get_cfg

from choi_d2.cli.main import main
from choi_d2.config import add_choi_config
from choi_d2.engine import HOICheckpointer
from choi_d2.engine.averaging import AVERAGED, average_checkpoints
from choi_d2.engine.model_card import ModelCard, read_card
from choi_d2.engine.weight_files import read_weights
from choi_d2.inference.bundle_of_run import bundle_of_run
from choi_d2.inference.bundles import read_about
from choi_d2.structures import Vocabulary
from choi_d2.utils import InputError

WORDS = Vocabulary(("human", "bike"), ("hold", "ride"), 0)


def card(words=WORDS):
    cfg = get_cfg()
    add_choi_config(cfg)
    return ModelCard.of(cfg, words)


def network(seed):
    torch.manual_seed(seed)
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))
    for _ in range(seed):
        model(torch.randn(5, 3) * seed)
    return model


def checkpoint(folder, seed, words=WORDS):
    HOICheckpointer(network(seed), str(folder), card=card(words)).save(f"model_{seed}")
    return folder / f"model_{seed}.pth"


def test_it_is_the_mean(tmp_path):
    paths = [checkpoint(tmp_path, seed) for seed in (1, 2, 3)]
    output = tmp_path / "new" / "mean.pth"
    assert average_checkpoints(paths, output) == 7
    content = read_weights(output)
    states = [network(seed).state_dict() for seed in (1, 2, 3)]
    for name, mean in content["model"].items():
        if name.endswith("num_batches_tracked"):
            assert mean == 3
            continue
        expected = sum(state[name].numpy().astype(float) for state in states) / 3
        assert mean.dtype == torch.float32
        np.testing.assert_allclose(mean.numpy(), expected, rtol=1e-6)
    assert content[AVERAGED] == [str(path) for path in paths]
    assert "optimizer" not in content and "iteration" not in content
    assert read_card(output) == read_card(paths[0])


def test_it_loads_as_a_checkpoint_and_makes_a_bundle(tmp_path):
    paths = [checkpoint(tmp_path, seed) for seed in (1, 2)]
    mean = tmp_path / "mean.pth"
    average_checkpoints(paths, mean)
    model = network(3)
    HOICheckpointer(model).load(str(mean))
    weights = [network(seed).state_dict()["0.weight"] for seed in (1, 2)]
    torch.testing.assert_close(model[0].weight.detach(), (weights[0] + weights[1]) / 2)
    # A bundle in half precision is one of the files that have a mean, which keeps more digits.
    bundle_of_run(mean, tmp_path / "a.safetensors")
    names = [f"{tmp_path.name}/model_{seed}.pth" for seed in (1, 2)]
    assert read_about(tmp_path / "a.safetensors").provenance["averaged"] == ", ".join(names)
    average_checkpoints([tmp_path / "a.safetensors", paths[0]], tmp_path / "again.pth")
    again = read_weights(tmp_path / "again.pth")["model"]["0.weight"]
    assert again.dtype == torch.float32
    torch.testing.assert_close(again, weights[0] * 0.75 + weights[1] * 0.25, rtol=0, atol=1e-3)


def test_a_training_is_not_resumed_from_it(tmp_path):
    average_checkpoints([checkpoint(tmp_path, 1), checkpoint(tmp_path, 2)], tmp_path / "mean.pth")
    assert HOICheckpointer(network(1), str(tmp_path)).get_checkpoint_file().endswith("model_2.pth")


def other_names(tmp_path):
    torch.save({"model": {"0.weight": torch.zeros(4, 3)}}, tmp_path / "b.pth")


def other_shape(tmp_path):
    state = {**network(1).state_dict(), "0.weight": torch.zeros(4, 2)}
    torch.save({"model": state}, tmp_path / "b.pth")


def no_numbers(tmp_path):
    state = {**network(1).state_dict(), "0.bias": torch.full((4,), torch.nan)}
    torch.save({"model": state}, tmp_path / "b.pth")


def other_words(tmp_path):
    words = Vocabulary(("human", "bike"), ("ride", "hold"), 0)
    checkpoint(tmp_path, 2, words).rename(tmp_path / "b.pth")


def no_tensors(tmp_path):
    torch.save({"model": {"0.weight": "many"}}, tmp_path / "b.pth")


def no_weights(tmp_path):
    (tmp_path / "b.pth").write_text("{}")


@pytest.mark.parametrize(
    "make, message",
    [
        (other_names, "b.pth: 6 tensors are not in both this and .*'0.bias' is in .*model_1.pth"),
        (other_shape, r"b.pth, .*0.weight.*expected the shape \(4, 3\).*found \(4, 2\)"),
        (no_numbers, "b.pth, .*0.bias.*found NaN"),
        (other_words, "b.pth: its classes and verbs are not those of .*model_1.pth"),
        (no_tensors, "b.pth: .*'0.weight' is no tensor but str"),
        (no_weights, "b.pth: expected the weights"),
        (lambda tmp_path: None, "b.pth: .*no such file"),
    ],
)
def test_files_without_a_mean(make, message, tmp_path):
    first = checkpoint(tmp_path, 1)
    make(tmp_path)
    with pytest.raises(InputError, match=message):
        average_checkpoints([first, tmp_path / "b.pth"], tmp_path / "mean.pth")
    assert not (tmp_path / "mean.pth").exists()


def test_the_command(tmp_path, capsys):
    paths = [str(checkpoint(tmp_path, seed)) for seed in (1, 2)]
    output = str(tmp_path / "mean.pth")
    assert main(["average", *paths, "--output", output]) == 0
    assert capsys.readouterr().out == f"{output}: the mean of 2 files, 7 tensors\n"
    assert main(["average", *paths, "--output", output, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"file": output, "averaged": paths, "tensors": 7}
    for words in ([paths[0], "--output", output], [*paths, "--output", "mean.safetensors"]):
        assert main(["average", *words]) == 2
        assert "expected" in capsys.readouterr().err
