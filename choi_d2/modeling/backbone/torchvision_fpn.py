"""torchvision's classification networks as backbones, under FPN.

A network's blocks follow each other; of the blocks that share a stride, the last one's output is a
feature map. They are called as Detectron2 calls a ResNet's: ``res2`` (stride 4) to ``res5`` (32).
"""

from __future__ import annotations

import torch
import torchvision
from detectron2.config import CfgNode, configurable
from detectron2.layers import FrozenBatchNorm2d, ShapeSpec
from detectron2.modeling import BACKBONE_REGISTRY, FPN, Backbone
from detectron2.modeling.backbone.fpn import LastLevelMaxPool
from torch import Tensor, nn

from choi_d2.utils import InputError

STRIDES = {"stem": 2, "res2": 4, "res3": 8, "res4": 16, "res5": 32}
NORMS = ("FrozenBN", "BN", "SyncBN")


def feature_blocks(network: nn.Module) -> list[tuple[str, nn.Module]]:
    """The blocks of a classification network, in order, without its classifier.

    Args:
        network: of ``torchvision.models``, of a family that is a sequence of blocks: MobileNet,
            EfficientNet, ConvNeXt, DenseNet (``features``), ResNet, RegNet.

    Returns:
        (name within the network, block), in the order in which they are called.

    Raises:
        ValueError: the family is another.
    """
    children = dict(network.named_children())
    if isinstance(children.get("features"), nn.Sequential):
        return [(f"features.{name}", x) for name, x in children["features"].named_children()]
    if "trunk_output" in children:
        trunk = children["trunk_output"].named_children()
        return [("stem", children["stem"]), *((f"trunk_output.{n}", x) for n, x in trunk)]
    if "layer4" in children:
        names = ["conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4"]
        return [(name, children[name]) for name in names]
    raise ValueError(f"{type(network).__name__} is no sequence of blocks")


class TorchvisionBody(Backbone):
    """A classification network of torchvision without its classifier.

    Its tensors are called as torchvision calls them, so that torchvision's weights fit by name.
    """

    @configurable
    def __init__(self, *, name: str, out_features: list[str], norm: str, freeze_at: int):
        """Initialize.

        Args:
            name: of the network, as ``torchvision.models.get_model`` has it.
            out_features: some of "stem", "res2", ..., "res5".
            norm: of the network's batch normalization: "FrozenBN" (statistics and affine
                parameters stay as loaded), "BN" or "SyncBN". Networks without batch normalization
                (ConvNeXt) keep their own.
            freeze_at: as Detectron2's ``MODEL.BACKBONE.FREEZE_AT``: 0 freezes nothing, 1 the
                blocks up to stride 2 ("stem"), 2 those of "res2" as well, ..., 5 all.

        Raises:
            InputError: torchvision has no such network, or it is not a sequence of blocks whose
                strides reach from 4 to 32.
        """
        super().__init__()
        if norm not in NORMS:
            raise InputError(
                f"expected one of {NORMS}, got {norm!r}", field="MODEL.TORCHVISION.NORM"
            )
        try:
            network = torchvision.models.get_model(name, weights=None)
            blocks = feature_blocks(network)
        except ValueError as error:
            raise InputError(
                f"{error}",
                field="MODEL.TORCHVISION.NAME",
                hint="Expected a ResNet, RegNet, MobileNet, EfficientNet or ConvNeXt as "
                "torchvision.models.list_models() has them, for example 'mobilenet_v2'.",
            ) from error
        for block_name, block in blocks:
            self._adopt(block_name, block)
        self._stages = self._find_stages([name for name, _ in blocks], name)
        missing = set(out_features) - set(self._stages)
        if missing:
            raise InputError(
                f"{name} has no {sorted(missing)}, only {list(self._stages)}",
                field="MODEL.TORCHVISION.OUT_FEATURES",
            )
        self._out_features = list(out_features)
        self._out_feature_strides = {x: STRIDES[x] for x in out_features}
        self._freeze(freeze_at)
        if norm == "FrozenBN":
            for child, module in list(self.named_children()):
                setattr(self, child, FrozenBatchNorm2d.convert_frozen_batchnorm(module))
        elif norm == "SyncBN":
            for child, module in list(self.named_children()):
                setattr(self, child, nn.SyncBatchNorm.convert_sync_batchnorm(module))

    @classmethod
    def from_config(cls, cfg: CfgNode, input_shape: ShapeSpec):
        """Arguments of ``__init__`` from a config."""
        if input_shape.channels != 3:
            raise InputError(
                f"torchvision's networks take 3 channels, got {input_shape.channels}",
                field="INPUT.FORMAT",
                hint="Set it to RGB (or BGR).",
            )
        return {
            "name": cfg.MODEL.TORCHVISION.NAME,
            "out_features": cfg.MODEL.TORCHVISION.OUT_FEATURES,
            "norm": cfg.MODEL.TORCHVISION.NORM,
            "freeze_at": cfg.MODEL.BACKBONE.FREEZE_AT,
        }

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Feature maps.

        Args:
            x: Tensor[B, 3, H, W].

        Returns:
            for each of ``out_features`` Tensor[B, C, H / stride, W / stride]
        """
        outputs = {}
        for stage, names in self._stages.items():
            for name in names:
                x = self.get_submodule(name)(x)
            if stage in self._out_features:
                outputs[stage] = x
        return outputs

    def output_shape(self) -> dict[str, ShapeSpec]:
        """Channels and stride of each output."""
        return {
            name: ShapeSpec(self._channels[name], stride=self._out_feature_strides[name])
            for name in self._out_features
        }

    @property
    def size_divisibility(self) -> int:
        """Of the images' sides: the largest stride, so that FPN's maps add up."""
        return max(STRIDES[name] for name in self._out_features)

    def _adopt(self, name: str, block: nn.Module) -> None:
        """Hold a block under the name that it has in its network."""
        parent, _, leaf = name.rpartition(".")
        if not parent:
            self.add_module(name, block)
            return
        if not hasattr(self, parent):
            self.add_module(parent, nn.Module())
        self.get_submodule(parent).add_module(leaf, block)

    @torch.no_grad()
    def _find_stages(self, blocks: list[str], network: str) -> dict[str, list[str]]:
        """The blocks of each stage, found by looking at the sizes of their outputs."""
        side = 64
        training = self.training
        self.eval()
        x = torch.zeros(1, 3, side, side, device=next(self.parameters()).device)
        name_of_stride = {stride: name for name, stride in STRIDES.items()}
        stages: dict[str, list[str]] = {}
        self._channels = {}
        for block in blocks:
            x = self.get_submodule(block)(x)
            stage = name_of_stride.get(side // x.shape[-1])
            if stage is None:
                raise InputError(
                    f"the output of {block} in {network} has stride {side / x.shape[-1]:g}; "
                    f"expected {list(name_of_stride)}",
                    field="MODEL.TORCHVISION.NAME",
                )
            stages.setdefault(stage, []).append(block)
            self._channels[stage] = x.shape[1]
        self.train(training)
        return stages

    def _freeze(self, freeze_at: int) -> None:
        frozen = list(STRIDES)[: max(freeze_at, 0)]
        # A network whose first stride is 4 (ConvNeXt) has no stem of its own.
        for stage in frozen:
            for name in self._stages.get(stage, ()):
                block = self.get_submodule(name)
                block.requires_grad_(False)
                self._set_block(name, FrozenBatchNorm2d.convert_frozen_batchnorm(block))

    def _set_block(self, name: str, block: nn.Module) -> None:
        parent, _, leaf = name.rpartition(".")
        setattr(self.get_submodule(parent) if parent else self, leaf, block)


@BACKBONE_REGISTRY.register()
def build_torchvision_fpn_backbone(cfg: CfgNode, input_shape: ShapeSpec) -> FPN:
    """A network of torchvision under FPN, ``MODEL.TORCHVISION`` and ``MODEL.FPN``.

    Args:
        cfg: the config.
        input_shape: of the images.

    Returns:
        a backbone with outputs ``p2`` ... ``p6``, as ``build_resnet_fpn_backbone``'s.
    """
    return FPN(
        bottom_up=TorchvisionBody(cfg, input_shape),
        in_features=cfg.MODEL.FPN.IN_FEATURES,
        out_channels=cfg.MODEL.FPN.OUT_CHANNELS,
        norm=cfg.MODEL.FPN.NORM,
        top_block=LastLevelMaxPool(),
        fuse_type=cfg.MODEL.FPN.FUSE_TYPE,
    )
