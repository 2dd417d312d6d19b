"""Registration of the built-in data sets; ``datasets/README.md`` shows their folder trees.

The root is the environment variable ``DETECTRON2_DATASETS``, or ``./datasets``. Nothing is read
before a data set is asked for.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from detectron2.data import DatasetCatalog, MetadataCatalog

from choi_d2.utils import InputError

from .hoiw import hoiw_metadata, load_hoiw_json
from .synthetic import load_synthetic_hoiw

HOIW_SPLITS = {
    # split: folder of its images
    "train": "trainval",
    "val": "trainval",
    "trainval": "trainval",
    "test": "test",
}


def register(name: str, loader: Callable[[], list[dict]], metadata: dict) -> None:
    """Register a data set, in the place of an earlier one of that name.

    Args:
        name: what configs call it.
        loader: gives the records; called when they are asked for.
        metadata: the keys of ``MetadataCatalog.get(name)``.
    """
    if name in DatasetCatalog.list():
        DatasetCatalog.remove(name)
    if name in MetadataCatalog.list():
        MetadataCatalog.remove(name)
    DatasetCatalog.register(name, loader)
    MetadataCatalog.get(name).set(**metadata)


def register_all(root: str | os.PathLike) -> None:
    """Register every built-in data set under ``root``; once more with another root moves them."""
    root = Path(root).expanduser()
    _register_hoiw(root / "hoiw")
    _register_synthetic_hoiw(root / "synthetic_hoiw")


def _register_hoiw(root: Path) -> None:
    for split, folder in HOIW_SPLITS.items():
        json_file = root / "annotations" / f"{split}.json"
        _register_files(
            f"hoiw_{split}", load_hoiw_json, hoiw_metadata(), json_file, root / "images" / folder
        )


def _register_synthetic_hoiw(root: Path) -> None:
    for split in ("train", "val", "test"):
        for suffix, faces in (("", "faces"), ("_noisy_faces", "faces_noisy")):
            _register_files(
                f"synthetic_hoiw_{split}{suffix}",
                load_synthetic_hoiw,
                hoiw_metadata(),
                root / f"{split}.json",
                root / "images" / split,
                root / f"{split}_{faces}.json",
                hint="Write the synthetic data set with `python -m choi_d2.data.synthetic`.",
            )


def _register_files(
    name: str,
    loader: Callable[..., list[dict]],
    metadata: dict,
    json_file: Path,
    image_root: Path,
    *other_files: Path,
    hint: str = (
        "datasets/README.md shows the folder tree; the environment variable DETECTRON2_DATASETS "
        "says where it starts."
    ),
) -> None:
    files = [str(path) for path in (json_file, image_root, *other_files)]

    def load() -> list[dict]:
        if not json_file.exists():
            raise InputError(f"the files of {name} are not there", path=json_file, hint=hint)
        return loader(*files)

    register(name, load, {**metadata, "json_file": files[0], "image_root": files[1]})


register_all(os.getenv("DETECTRON2_DATASETS", "datasets"))
