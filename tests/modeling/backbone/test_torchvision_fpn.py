"""Networks of torchvision as backbones: strides, channels, names, what is frozen."""

import pytest
import torch
import torchvision
from detectron2.layers import FrozenBatchNorm2d, ShapeSpec

from choi_d2.engine import load_config
from choi_d2.modeling.backbone import TorchvisionBody, build_torchvision_fpn_backbone
from choi_d2.utils import InputError

LEVELS = ["res2", "res3", "res4", "res5"]
CHANNELS = {
    "mobilenet_v2": (24, 32, 96, 1280),
    "mobilenet_v3_small": (16, 24, 48, 576),
    "resnet18": (64, 128, 256, 512),
    "regnet_y_400mf": (48, 104, 208, 440),
    "efficientnet_b0": (24, 40, 112, 1280),
    "convnext_tiny": (96, 192, 384, 768),
}


def body(name="mobilenet_v2", norm="FrozenBN", freeze_at=0, out_features=LEVELS):
    return TorchvisionBody(name=name, out_features=out_features, norm=norm, freeze_at=freeze_at)


@pytest.mark.parametrize("name", CHANNELS)
def test_outputs_have_the_strides_and_channels_they_promise(name):
    network = body(name).eval()
    assert tuple(x.channels for x in network.output_shape().values()) == CHANNELS[name]
    outputs = network(torch.zeros(2, 3, 64, 96))
    for level, shape in network.output_shape().items():
        expected = (2, shape.channels, 64 // shape.stride, 96 // shape.stride)
        assert outputs[level].shape == expected


@pytest.mark.parametrize("name", ["mobilenet_v2", "resnet18", "regnet_y_400mf"])
def test_last_output_is_what_torchvision_classifies(name):
    """Same weights by name, same features: before pooling and classifier, as torchvision runs."""
    network = torchvision.models.get_model(name, weights=None)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    ours = body(name).eval()
    missing = ours.load_state_dict(network.state_dict(), strict=False).missing_keys
    assert not missing
    network.eval()
    pooled = {}
    last = network.avgpool if hasattr(network, "avgpool") else network.features
    last.register_forward_hook(lambda _, inputs, output: pooled.update(x=inputs[0], y=output))
    images = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        network(images)
        expected = pooled["x"] if hasattr(network, "avgpool") else pooled["y"]
        torch.testing.assert_close(ours(images)["res5"], expected, rtol=1e-3, atol=1e-4)


def test_frozen_normalization_stays_in_training():
    network = body()
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in network.modules())
    before = {k: v.clone() for k, v in network.named_buffers()}
    network.train()(torch.rand(2, 3, 64, 64))
    for name, value in network.named_buffers():
        torch.testing.assert_close(value, before[name])


def test_trained_normalization_does_not():
    network = body(norm="BN")
    before = network.state_dict()["features.0.1.running_mean"].clone()
    network.train()(torch.rand(2, 3, 64, 64))
    assert not torch.allclose(network.state_dict()["features.0.1.running_mean"], before)


@pytest.mark.parametrize("freeze_at", range(6))
def test_stages_freeze_from_the_first(freeze_at):
    network = body(norm="BN", freeze_at=freeze_at)
    loss = sum(x.sum() for x in network(torch.rand(1, 3, 64, 64)).values())
    frozen = {"features.0", "features.1"} if freeze_at > 0 else set()
    for stage, blocks in (("res2", (2, 3)), ("res3", (4, 5, 6)), ("res4", range(7, 14))):
        if freeze_at > LEVELS.index(stage) + 1:
            frozen |= {f"features.{i}" for i in blocks}
    if freeze_at == 5:
        frozen |= {f"features.{i}" for i in range(14, 19)}
        assert not loss.requires_grad
    else:
        loss.backward()
    for name, parameter in network.named_parameters():
        block = ".".join(name.split(".")[:2])
        assert parameter.requires_grad == (block not in frozen), name
        assert (parameter.grad is None) == (block in frozen), name
    for name in frozen:
        block = network.get_submodule(name)
        assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in block.modules())
        assert any(isinstance(m, FrozenBatchNorm2d) for m in block.modules())


@pytest.mark.parametrize("name", ["vgg16", "shufflenet_v2_x0_5", "no_such_network", "vit_b_16"])
def test_other_families_are_refused(name):
    with pytest.raises(InputError, match="MODEL.TORCHVISION.NAME"):
        body(name)


def test_bad_choices_are_named():
    with pytest.raises(InputError, match="MODEL.TORCHVISION.NORM.*'GN'"):
        body(norm="GN")
    with pytest.raises(InputError, match="MODEL.TORCHVISION.OUT_FEATURES.*stem"):
        body("convnext_tiny", out_features=["stem", "res2"])


def test_under_fpn():
    cfg = load_config("", ["MODEL.FPN.IN_FEATURES", "('res2', 'res3', 'res4', 'res5')"])
    cfg.MODEL.FPN.OUT_CHANNELS = 16
    fpn = build_torchvision_fpn_backbone(cfg, ShapeSpec(channels=3))
    outputs = fpn(torch.zeros(1, 3, 64, 64))
    assert {k: tuple(v.shape[1:]) for k, v in outputs.items()} == {
        "p2": (16, 16, 16),
        "p3": (16, 8, 8),
        "p4": (16, 4, 4),
        "p5": (16, 2, 2),
        "p6": (16, 1, 1),
    }
    with pytest.raises(InputError, match="INPUT.FORMAT"):
        build_torchvision_fpn_backbone(cfg, ShapeSpec(channels=1))
