"""Folding changes no number, and leaves alone what it cannot fold."""

import copy

import pytest
import torch
from detectron2.layers import Conv2d, FrozenBatchNorm2d, ShapeSpec, get_norm
from detectron2.modeling import build_backbone
from tiny import tiny_config
from torch import nn

from choi_d2.modeling import TorchvisionBody
from choi_d2.modeling.fast import fold_batch_norms


@torch.no_grad()
def with_statistics(model):
    """In evaluation mode, with norms that do something."""
    for module in model.modules():
        if hasattr(module, "running_mean"):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
            module.weight.uniform_(0.5, 2)
            module.bias.normal_()
    return model.eval()


def norms_of(model):
    kinds = (FrozenBatchNorm2d, nn.modules.batchnorm._BatchNorm)
    return [x for x in model.modules() if isinstance(x, kinds)]


@torch.no_grad()
def assert_same(model, folded, image):
    expected, found = model(image), folded(image)
    if not isinstance(expected, dict):
        expected, found = {"": expected}, {"": found}
    for name, level in expected.items():
        scale = level.abs().max()
        torch.testing.assert_close(found[name] / scale, level / scale, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("norm", ["BN", "FrozenBN", "SyncBN"])
def test_detectron2s_backbone(norm):
    cfg = tiny_config("MODEL.RESNETS.NORM", norm, "MODEL.FPN.NORM", "BN")
    model = with_statistics(build_backbone(cfg, ShapeSpec(channels=3)))
    count = len(norms_of(model))
    folded = copy.deepcopy(model)
    assert fold_batch_norms(folded) == count > 50 and not norms_of(folded)
    if norm != "SyncBN":  # its layer wants a GPU
        assert_same(model, folded, torch.randn(2, 3, 64, 96))
    assert fold_batch_norms(folded) == 0


# DenseNet has norms before convolutions, behind what is joined: those stay.
@pytest.mark.parametrize("name, stay", [("mobilenet_v2", 0), ("resnet18", 0), ("densenet121", 62)])
@pytest.mark.parametrize("norm", ["BN", "FrozenBN"])
def test_torchvisions_backbones(name, stay, norm):
    body = TorchvisionBody(name=name, out_features=["res3", "res5"], norm=norm, freeze_at=0)
    model = with_statistics(body)
    folded = copy.deepcopy(model)
    assert fold_batch_norms(folded) == len(norms_of(model)) - stay
    assert len(norms_of(folded)) == stay
    assert_same(model, folded, torch.randn(2, 3, 64, 64))


def test_what_is_no_batch_norm_stays():
    model = nn.Sequential(Conv2d(3, 32, 3, norm=get_norm("GN", 32)), nn.Conv2d(32, 4, 1))
    before = copy.deepcopy(model.state_dict())
    assert fold_batch_norms(model.eval()) == 0
    assert all(torch.equal(x, before[name]) for name, x in model.state_dict().items())


def test_statistics_of_a_batch_stay():
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)).train()
    assert fold_batch_norms(model) == 0
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4, track_running_stats=False)).eval()
    assert fold_batch_norms(model) == 0


class Branches(nn.Module):
    """A convolution whose output goes to a norm and elsewhere, one that is called twice, one whose
    weight is read, and one in the open."""

    def __init__(self):
        super().__init__()
        self.split, self.twice, self.read, self.plain = (nn.Conv2d(4, 4, 1) for _ in range(4))
        self.norms = nn.ModuleList(nn.BatchNorm2d(4) for _ in range(4))

    def forward(self, x):
        y = self.split(x)
        x = self.norms[0](y) + y
        x = self.norms[1](self.twice(self.twice(x)))
        x = self.norms[2](self.read(x)) + self.read.weight.mean()
        return self.norms[3](self.plain(x))


class Untraceable(Branches):
    def forward(self, x):
        return super().forward(x) if x.sum() > -1e9 else x


@pytest.mark.parametrize("kind, count", [(Branches, 1), (Untraceable, 0)])
def test_only_what_nobody_else_looks_at(kind, count):
    model = with_statistics(kind())
    folded = copy.deepcopy(model)
    assert fold_batch_norms(folded) == count
    assert_same(model, folded, torch.randn(2, 4, 5, 5))


def test_a_weight_with_two_norms():
    """As heads that share convolutions over levels, each level with a norm of its own."""
    layers = [Conv2d(3, 4, 1, norm=nn.BatchNorm2d(4)) for _ in range(2)]
    layers[1].weight = layers[0].weight
    model = with_statistics(nn.Sequential(layers[0], Conv2d(4, 3, 1), layers[1]))
    folded = copy.deepcopy(model)
    assert fold_batch_norms(folded) == 2
    assert_same(model, folded, torch.randn(2, 3, 5, 5))
