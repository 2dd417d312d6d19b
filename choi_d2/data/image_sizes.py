"""Heights and widths of many images, from their headers, remembered between runs."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from choi_d2.pictures import read_picture_size
from choi_d2.utils import InputError, read_json, write_json

logger = logging.getLogger(__name__)


class MissingFileError(InputError):
    """A file of an image is not there, as opposed to broken."""


def cache_path(source: str | os.PathLike, suffix: str) -> Path | None:
    """Where something that was computed from a data set's file or folder is kept.

    That is the folder ``.choi_d2_cache`` beside ``source``, or the folder that the environment
    variable ``CHOI_D2_CACHE`` names, for data on a read-only disk; None where that is "off": then
    nothing is kept.
    """
    source = Path(source).absolute()
    folder = os.getenv("CHOI_D2_CACHE")
    if folder == "off":
        return None
    if not folder:
        return source.parent / ".choi_d2_cache" / f"{source.name}{suffix}"
    return Path(folder).expanduser() / f"{'_'.join(source.parts[1:])}{suffix}"


def write_cache(path: Path, content: object) -> None:
    """Write ``content`` as JSON if the disk lets us; a cache that cannot be kept is no error."""
    try:
        write_json(path, content)
    except OSError as error:
        logger.warning(
            "Cannot keep %s (%s): it is computed again every time. Set CHOI_D2_CACHE to a folder "
            "that can be written.",
            path,
            error.strerror,
        )


def read_cache(path: Path) -> dict:
    """What :func:`write_cache` wrote, or an empty dict."""
    if not path.exists():
        return {}
    try:
        return read_json(path, dict)
    except InputError as error:
        logger.warning("Ignoring a broken cache: %s", error)
        return {}


def read_image_sizes(
    image_root: str | os.PathLike, names: Iterable[str], cache_file: str | os.PathLike | None = None
) -> dict[str, tuple[int, int] | InputError]:
    """Heights and widths of the images of a data set.

    Args:
        image_root: the folder that the names are relative to.
        names: file names.
        cache_file: JSON that remembers the sizes. A file whose time or length has changed is read
            again.

    Returns:
        name -> (height, width) of the picture as it is read, upright; or the error that reading
        the header gave.
    """
    names = list(names)
    known = read_cache(Path(cache_file)) if cache_file is not None else {}

    def one(name: str) -> tuple[list[int] | None, tuple[int, int] | InputError]:
        path = os.path.join(image_root, name)
        try:
            state = os.stat(path)
            stamp = [state.st_mtime_ns, state.st_size]
            remembered = known.get(name)
            if remembered is not None and remembered[:2] == stamp:
                return remembered, (remembered[2], remembered[3])
            size = read_picture_size(path)
        except FileNotFoundError:
            return None, MissingFileError("no such image", path=path)
        except (InputError, OSError, ValueError) as error:
            if not isinstance(error, InputError):
                error = InputError(f"the image cannot be read ({error})", path=path)
            return None, error
        return [*stamp, *size], size

    # Waiting for the disk is most of the work, so threads help although headers are parsed here.
    pool = ThreadPoolExecutor(max_workers=16)
    try:
        results = dict(zip(names, pool.map(one, names), strict=True))
    finally:
        pool.shutdown(cancel_futures=True)

    fresh = {name: entry for name, (entry, _) in results.items() if entry is not None}
    if cache_file is not None and fresh and fresh != known:
        write_cache(Path(cache_file), fresh)
    return {name: size for name, (_, size) in results.items()}
