"""Backbones beside Detectron2's: importing this package registers them."""

from .torchvision_fpn import TorchvisionBody, build_torchvision_fpn_backbone

__all__ = ["TorchvisionBody", "build_torchvision_fpn_backbone"]
