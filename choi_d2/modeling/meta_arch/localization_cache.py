"""Features and proposals of a frozen localization, kept on disk.

An image that comes again, in another epoch, run or evaluation, then costs no backbone and no RPN.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from detectron2.structures import Boxes, ImageList, Instances
from torch import Tensor, nn

from choi_d2.utils import atomic_path

logger = logging.getLogger(__name__)

Localized = tuple[dict[str, Tensor], list[Instances]]


class LocalizationCache:
    """A folder with one file for each image as the model sees it.

    A file is named after the weights and the pixels, normalized and padded: other weights, another
    size or a flipped image are other files. Nothing is ever deleted. What is computed when the
    folder or the disk is full is not kept, and a warning says so.

    Args:
        folder: is made if need be; may be shared by processes that run at the same time, each of
            which counts what was there when it began and what it adds.
        modules: backbone and RPN, whose weights count.
        limit: bytes that the folder may have.
    """

    def __init__(self, folder: str | os.PathLike, modules: list[nn.Module], limit: float):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.modules = modules
        self._said_full = False
        self._left = limit - sum(x.stat().st_size for x in self.folder.glob("*.npz"))
        self._weights: tuple[tuple, bytes] | None = None
        logger.info(f"Features and proposals are kept in {self.folder}")

    def __call__(self, images: ImageList, compute: Callable[[ImageList], Localized]) -> Localized:
        """Features and proposals of a batch.

        Args:
            images: normalized and padded.
            compute: gives both for images that are not in the folder.

        Returns:
            FPN levels by name, each Tensor[B, C, H_l, W_l], and for each image ``Instances`` with
            ``proposal_boxes`` and ``objectness_logits``; without gradients.
        """
        paths = [
            self._path(pixels, size) for pixels, size in zip(images.tensor, images.image_sizes)
        ]
        missing = [i for i, path in enumerate(paths) if not path.is_file()]
        computed = {}
        if missing:
            sizes = [images.image_sizes[i] for i in missing]
            features, proposals = compute(ImageList(images.tensor[missing], sizes))
            for row, i in enumerate(missing):
                of_image = {name: level[row] for name, level in features.items()}
                computed[i] = _arrays(of_image, proposals[row])
                self._keep(paths[i], computed[i])
        found = [computed[i] if i in computed else _read(path) for i, path in enumerate(paths)]
        device, layout = images.tensor.device, torch.contiguous_format
        if images.tensor.is_contiguous(memory_format=torch.channels_last):
            layout = torch.channels_last
        features = {
            name: torch.stack([torch.from_numpy(x[f"level_{name}"]) for x in found])
            .to(device)
            .contiguous(memory_format=layout)
            for name in (key.removeprefix("level_") for key in found[0] if key.startswith("level_"))
        }
        proposals = []
        for arrays, size in zip(found, images.image_sizes):
            of_image = Instances(size)
            of_image.proposal_boxes = Boxes(torch.from_numpy(arrays["boxes"]).to(device))
            of_image.objectness_logits = torch.from_numpy(arrays["logits"]).to(device)
            proposals.append(of_image)
        return features, proposals

    def _path(self, pixels: Tensor, size: tuple[int, int]) -> Path:
        digest = hashlib.blake2b(self._weights_digest(), digest_size=16)
        digest.update(f"{tuple(pixels.shape)} {tuple(size)}".encode())
        digest.update(_bytes(pixels))
        return self.folder / f"{digest.hexdigest()}.npz"

    def _weights_digest(self) -> bytes:
        """Of the weights, computed again when they have been written to."""
        tensors = [t for module in self.modules for t in module.state_dict().values()]
        versions = tuple((t.data_ptr(), t._version) for t in tensors)
        if self._weights is None or self._weights[0] != versions:
            digest = hashlib.blake2b(digest_size=16)
            for tensor in tensors:
                digest.update(_bytes(tensor))
            self._weights = versions, digest.digest()
        return self._weights[1]

    def _keep(self, path: Path, arrays: dict[str, np.ndarray]) -> None:
        size = sum(array.nbytes for array in arrays.values())
        if size > self._left:
            self._say_full("it has what MODEL.LOCALIZATION_CACHE_GB allows")
            return
        try:
            with atomic_path(path) as temporary, open(temporary, "wb") as file:
                np.savez(file, **arrays)
        except OSError as error:
            self._say_full(error.strerror)
            return
        self._left -= size

    def _say_full(self, reason: str) -> None:
        if not self._said_full:
            logger.warning("Not all features and proposals are kept in %s: %s", self.folder, reason)
        self._said_full = True


def _arrays(features: dict[str, Tensor], proposals: Instances) -> dict[str, np.ndarray]:
    """What a file has of an image."""
    arrays = {f"level_{name}": level.cpu().numpy() for name, level in features.items()}
    arrays["boxes"] = proposals.proposal_boxes.tensor.cpu().numpy()
    arrays["logits"] = proposals.objectness_logits.cpu().numpy()
    return arrays


def _bytes(tensor: Tensor) -> memoryview:
    return memoryview(tensor.detach().cpu().contiguous().numpy()).cast("B")


def _read(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}
