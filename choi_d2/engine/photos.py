"""Finding and reading the photos that a user names."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from choi_d2.utils import InputError

EXTENSIONS = frozenset(
    {".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
)


@dataclass(frozen=True)
class Photo:
    """A photo that was asked for.

    Args:
        path: where it is.
        name: its path below the folder that was given; its file name where it was named itself.
    """

    path: Path
    name: Path


def find_photos(inputs: Sequence[str | os.PathLike], outside: Path | None = None) -> list[Photo]:
    """The photos that files, folders and patterns name, each once, in their order.

    Folders are searched with all folders in them, for files with a photo's extension that are not
    hidden. A file that is named, or found by a pattern, is taken whatever its extension is.

    Args:
        inputs: files, folders, or patterns such as ``"photos/*.jpg"`` or ``"photos/**/a*"``.
        outside: a folder that is left out where it is inside of a folder that is searched: the
            results of the last time are no photos.

    Raises:
        InputError: one of ``inputs`` does not exist, or there is no photo at all.
    """
    photos: dict[Path, Photo] = {}
    for given in inputs:
        for path in _expand(os.fspath(given)):
            found = _in_folder(path, outside) if path.is_dir() else [Photo(path, Path(path.name))]
            for photo in found:
                photos.setdefault(photo.path.resolve(), photo)
    if not photos:
        raise InputError(
            f"no photo in {', '.join(str(given) for given in inputs)}",
            hint=f"Files with these extensions are photos: {' '.join(sorted(EXTENSIONS))}.",
        )
    return list(photos.values())


def _expand(given: str) -> list[Path]:
    # A file may be called "[1].jpg": what exists is no pattern.
    path = Path(given).expanduser()
    if path.exists():
        return [path]
    matches = sorted(glob.glob(str(path), recursive=True))
    if not matches:
        raise InputError("no such file or folder, and no file matches it as a pattern", path=given)
    return [Path(match) for match in matches]


def _in_folder(folder: Path, outside: Path | None) -> Iterator[Photo]:
    left_out = outside.resolve() if outside is not None else None
    if left_out == folder.resolve():
        left_out = None
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and Path(root, name).resolve() != left_out
        )
        for name in sorted(names):
            path = Path(root, name)
            if path.suffix.lower() in EXTENSIONS and not name.startswith("."):
                yield Photo(path, path.relative_to(folder))


def read_photo(path: str | os.PathLike) -> np.ndarray:
    """Read a photo as training does: upright (EXIF), without alpha, 8 bits a channel.

    Grayscale becomes three equal channels; 16-bit grayscale is scaled, not cut off.

    Returns:
        uint8 (H, W, 3), BGR.

    Raises:
        InputError: the file is missing, no picture, cut short, or of a kind that has no 8-bit
            reading (floating point).
    """
    try:
        with Image.open(path) as file:
            image = ImageOps.exif_transpose(file)
            if image.mode == "F":
                raise InputError(
                    "expected integer pixels, found floating point",
                    path=path,
                    hint="Convert it to 8 bits a channel.",
                )
            if image.mode.startswith("I"):
                return as_bgr(np.clip(np.asarray(image), 0, 65535).astype(np.uint16))
            if "transparency" in image.info:
                image = image.convert("RGBA")
            return as_bgr(np.asarray(image.convert("RGB"))[:, :, ::-1])
    except InputError:
        raise
    except FileNotFoundError:
        raise InputError("no such file", path=path) from None
    except Image.DecompressionBombError as error:
        raise InputError(f"has too many pixels to be a photo ({error})", path=path) from None
    except Exception as error:  # Pillow's decoders raise what they like on broken bytes
        raise InputError(f"cannot be read as a picture ({error})", path=path) from error


def as_bgr(image: np.ndarray, name: str | None = None) -> np.ndarray:
    """Make a BGR picture of what OpenCV's ``imread`` may have given.

    Args:
        image: uint8 or uint16, (H, W), (H, W, 1), (H, W, 3) BGR or (H, W, 4) BGRA, whose alpha is
            dropped; uint16 is scaled to 8 bits.
        name: what the error calls it.

    Returns:
        uint8 (H, W, 3), contiguous.

    Raises:
        InputError: anything else: None (``imread`` of a broken file), floats, no pixels.
    """
    if not isinstance(image, np.ndarray):
        found = type(image).__name__
    elif image.dtype not in (np.uint8, np.uint16):
        found = f"{image.dtype} pixels"
    elif image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] not in (1, 3, 4)):
        found = f"an array of shape {image.shape}"
    elif image.size == 0:
        found = f"no pixels (shape {image.shape})"
    else:
        if image.dtype == np.uint16:
            image = ((image.astype(np.uint32) + 128) // 257).astype(np.uint8)
        if image.ndim == 2:
            image = image[:, :, None]
        if image.shape[2] == 1:
            image = image.repeat(3, axis=2)
        return np.ascontiguousarray(image[:, :, :3])
    raise InputError(
        f"expected a picture as a uint8 array (H, W, 3) in BGR order, found {found}",
        image=name,
        hint="choi_d2.engine.photos.read_photo(path) reads a file.",
    )
