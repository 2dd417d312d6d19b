"""A data set of one's own for the time of one command, without any code that registers it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from detectron2.data import DatasetCatalog, MetadataCatalog

from choi_d2.utils import InputError

from .hoi_json import register_hoi_instances


@contextlib.contextmanager
def own_dataset(json_file: str | os.PathLike, image_root: str | os.PathLike) -> Iterator[str]:
    """Register a JSON of one's own within a ``with`` block, under the name of its file.

    Args:
        json_file: see :mod:`choi_d2.data.datasets.hoi_json`.
        image_root: the folder of its images.

    Yields:
        the name of the data set.

    Raises:
        InputError: there is a data set of that name.
    """
    name = Path(json_file).stem
    if name in DatasetCatalog:
        hint = "Give the name of the data set, or the file another name."
        raise InputError(f"there is a data set called {name!r}", path=json_file, hint=hint)
    register_hoi_instances(name, {}, json_file, image_root)
    try:
        yield name
    finally:
        DatasetCatalog.remove(name)
        MetadataCatalog.remove(name)
