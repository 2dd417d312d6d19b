"""Batch normalization folded into the convolution before it: the same numbers, a layer less.

With fixed statistics it multiplies and adds a number a channel, which a convolution's weight and
bias can do as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import torch
from detectron2.layers import Conv2d, FrozenBatchNorm2d
from torch import fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights
from torch.nn.utils.parametrize import is_parametrized


def fold_batch_norms(model: nn.Module) -> int:
    """Fold every batch normalization that follows a convolution and nothing else, in place.

    Detectron2's convolutions know their normalization. Of other networks (torchvision's) the data
    flow is traced; what cannot be traced, has other norms or uses a convolution's output elsewhere
    too, stays as it is.

    Args:
        model: in evaluation mode, all of it: batch statistics cannot be folded.

    Returns:
        how many were folded.
    """
    folded = 0
    for layer in model.modules():
        if isinstance(layer, Conv2d) and _is_fixed(layer.norm) and not is_parametrized(layer):
            _fold(layer, layer.norm)
            layer.norm = None
            folded += 1
    for root, convolution, norm in list(_traced_pairs(model)):
        _fold(root.get_submodule(convolution), root.get_submodule(norm))
        parent, _, name = norm.rpartition(".")
        setattr(root.get_submodule(parent), name, nn.Identity())
        folded += 1
    return folded


def _is_fixed(norm: nn.Module | None) -> bool:
    """Is it a batch normalization whose statistics are given?"""
    if isinstance(norm, FrozenBatchNorm2d):
        return True
    is_batch_norm = isinstance(norm, nn.modules.batchnorm._BatchNorm)
    return is_batch_norm and not norm.training and norm.running_mean is not None


@torch.no_grad()
def _fold(convolution: nn.Conv2d, norm: nn.Module) -> None:
    weight, bias = convolution.weight, convolution.bias
    fused = fuse_conv_bn_weights(
        weight.double(),
        None if bias is None else bias.double(),
        norm.running_mean.double(),
        norm.running_var.double(),
        norm.eps,
        None if norm.weight is None else norm.weight.double(),
        None if norm.bias is None else norm.bias.double(),
    )
    for name, value in zip(("weight", "bias"), fused):
        # New ones: another convolution may have the same weight, and another norm.
        parameter = nn.Parameter(value.to(weight), requires_grad=weight.requires_grad)
        convolution.register_parameter(name, parameter)


class _Tracer(fx.Tracer):
    def is_leaf_module(self, module: nn.Module, name: str) -> bool:
        """As ever; Detectron2's layers are layers, too."""
        ours = isinstance(module, (Conv2d, FrozenBatchNorm2d))
        return ours or super().is_leaf_module(module, name)


def _traced_pairs(module: nn.Module) -> Iterator[tuple[nn.Module, str, str]]:
    """(module, name of a convolution in it, name of the norm that alone takes its output)."""
    if not any(map(_is_fixed, module.modules())) or not list(module.children()):
        return
    try:
        graph = _Tracer().trace(module)
    except Exception:  # whatever a network does that cannot be traced
        for child in module.children():
            yield from _traced_pairs(child)
        return
    calls = Counter(node.target for node in graph.nodes if node.op == "call_module")
    read = [str(node.target) for node in graph.nodes if node.op == "get_attr"]
    for node in graph.nodes:
        if node.op != "call_module" or calls[node.target] > 1 or len(node.users) != 1:
            continue
        (user,) = node.users
        if user.op != "call_module" or not _is_fixed(module.get_submodule(user.target)):
            continue
        plain = _is_plain(module.get_submodule(node.target))
        if plain and calls[user.target] == 1 and not any(x.startswith(node.target) for x in read):
            yield module, node.target, user.target


def _is_plain(layer: nn.Module) -> bool:
    """A convolution whose output is that of its weight and bias."""
    if type(layer) is Conv2d:
        return layer.norm is None and layer.activation is None and not is_parametrized(layer)
    return type(layer) is nn.Conv2d
