"""Registration of the built-in data sets; ``datasets/README.md`` shows their folder trees.

The root is the environment variable ``DETECTRON2_DATASETS``, or ``./datasets``. Nothing is read
before a data set is asked for.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from detectron2.data import DatasetCatalog, MetadataCatalog

from choi_d2.synthetic import benchmark
from choi_d2.utils import InputError

from .hicodet import hicodet_metadata, load_hicodet
from .hoi_json import load_hoi_json
from .hoiw import hoiw_metadata, load_hoiw_json
from .pic import load_pic_split, pic_files, pic_metadata
from .synthetic import load_synthetic_hoiw, load_with_faces
from .vcoco import load_vcoco, vcoco_metadata

HOIW_SPLITS = {
    # split: folder of its images
    "train": "trainval",
    "val": "trainval",
    "trainval": "trainval",
    "test": "test",
}
PHOTO_SPLITS = ("boxes", "train", "val", "trainval", "val_official", "test", "test_boxes")
SYNTHETIC_SPLITS = ("train", "val", "test")


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
    _register_pic(root / "pic", "pic", "v2")
    _register_pic(root / "pic_v1", "pic_v1", "v1")
    _register_vcoco(root / "vcoco", root / "coco")
    _register_vcoco_photos(root / "vcoco_photos")
    _register_hicodet(root / "hicodet")
    _register_synthetic_hoiw(root / "synthetic_hoiw")
    _register_synthetic_benchmark(root)
    _register_synthetic_pic(root / "synthetic_pic")
    _register_synthetic_vcoco(root / "synthetic_vcoco")
    _register_synthetic_hicodet(root / "synthetic_hicodet")


def _register_hoiw(root: Path) -> None:
    for split, folder in HOIW_SPLITS.items():
        json_file = root / "annotations" / f"{split}.json"
        images = root / "images" / folder
        metadata = {**hoiw_metadata(), "json_file": str(json_file), "image_root": str(images)}
        _register_files(f"hoiw_{split}", json_file, metadata, load_hoiw_json, json_file, images)


def _register_pic(root: Path, prefix: str, version: str) -> None:
    for split in ("train", "val", "test"):
        metadata = _pic_metadata(root, split, version)
        _register_files(f"{prefix}_{split}", root, metadata, load_pic_split, root, split, version)


def _pic_metadata(root: Path, split: str, version: str) -> dict:
    files = pic_files(root, split, version)
    return {
        **pic_metadata(version),
        "json_file": str(files.relations),
        "image_root": str(files.images),
        "semantic_root": str(files.semantic),
        "instance_root": str(files.instance),
    }


def _register_vcoco(root: Path, image_root: Path) -> None:
    for split in ("train", "val", "trainval", "test"):
        files = _vcoco_files(root, image_root, split)
        _register_files(f"vcoco_{split}", files[0], _vcoco_metadata(*files), load_vcoco, *files)


def _vcoco_files(root: Path, image_root: Path, split: str) -> tuple[Path, Path, Path, Path]:
    """What load_vcoco takes."""
    annotations = root / "annotations"
    coco_json = annotations / "instances_vcoco_all_2014.json"
    ids_file = root / "splits" / f"vcoco_{split}.ids"
    return annotations / f"vcoco_{split}.json", coco_json, image_root, ids_file


def _vcoco_metadata(vcoco_json: Path, coco_json: Path, image_root: Path, ids_file: Path) -> dict:
    return {
        **vcoco_metadata(),
        "json_file": str(vcoco_json),
        "coco_json_file": str(coco_json),
        "ids_file": str(ids_file),
        "image_root": str(image_root),
    }


def _register_hicodet(root: Path) -> None:
    for split in ("train", "test"):
        metadata = _hicodet_metadata(root, split, root / "images" / f"{split}2015")
        files = Path(metadata["json_file"]), metadata["image_root"], split
        _register_files(f"hicodet_{split}", files[0], metadata, load_hicodet, *files)


def _hicodet_metadata(root: Path, split: str, image_root: Path) -> dict:
    annotations = root / "annotations"
    return {
        **hicodet_metadata(),
        "split": split,
        "json_file": str(annotations / f"{split}.json"),
        "train_file": str(annotations / "train.json"),
        "labels_file": str(annotations / f"labels_{split}.json"),
        "image_root": str(image_root),
    }


def _register_vcoco_photos(root: Path) -> None:
    official = {
        "evaluator_type": "vcoco",
        "json_file": str(root / "official" / "vcoco_val.json"),
        "coco_json_file": str(root / "official" / "instances_val.json"),
        "ids_file": str(root / "official" / "val.ids"),
    }
    for split in (*PHOTO_SPLITS, "val_roles"):
        name, json_file, images = f"vcoco_photos_{split}", root / f"{split}.json", root / "photos"
        metadata = {
            "evaluator_type": "hoi",
            "json_file": str(json_file),
            "image_root": str(images),
            **(official if split == "val_roles" else {}),
        }
        hint = "Write it with `python datasets/prepare_vcoco_photos.py`."
        _register_files(
            name, json_file, metadata, load_hoi_json, json_file, images, name, hint=hint
        )


def _register_synthetic_hoiw(root: Path) -> None:
    for split in SYNTHETIC_SPLITS:
        for suffix, faces in _synthetic_faces(root, split):
            for kind in ("", "_sparse"):
                name = f"synthetic_hoiw{kind}_{split}{suffix}"
                _register_synthetic_files(
                    name, root, f"{split}{kind}", split, faces, "hoiw", _synthetic_hint("hoiw")
                )


def _register_synthetic_benchmark(root: Path) -> None:
    """Its faces are as a detector finds them; those of ``_true_faces`` are the scenes' own."""
    hint = "Write it with `choi synthetic --benchmark`."
    evaluators = ("hoiw", "box_recall", "ranking")
    for part, content in benchmark.PARTS.items():
        folder = root / benchmark.FOLDER / part
        prefix = "_".join(filter(None, (benchmark.FOLDER, part)))
        for split in content.sizes:
            for suffix, faces in (("", "faces_noisy"), ("_true_faces", "faces")):
                for kind in ("", "_sparse"):
                    name = f"{prefix}{kind}_{split}{suffix}"
                    files = folder, f"{split}{kind}", split, folder / f"{split}_{faces}.json"
                    _register_synthetic_files(name, *files, evaluators, hint)


def _register_synthetic_files(
    name: str,
    root: Path,
    stem: str,
    split: str,
    faces: Path,
    evaluator_type: str | tuple[str, ...],
    hint: str,
) -> None:
    """Scenes in HOIW's format; ``stem``: of the annotations' file."""
    json_file, images = root / f"{stem}.json", root / "images" / split
    metadata = {
        **hoiw_metadata(),
        "json_file": str(json_file),
        "image_root": str(images),
        "evaluator_type": evaluator_type,
    }
    loading = load_synthetic_hoiw, json_file, images, faces
    _register_files(name, json_file, metadata, *loading, hint=hint)


def _register_synthetic_pic(root: Path) -> None:
    for split in SYNTHETIC_SPLITS:
        metadata = _pic_metadata(root, split, "v2")
        needed = Path(metadata["json_file"])
        for suffix, faces in _synthetic_faces(root, split):
            name, loading = f"synthetic_pic_{split}{suffix}", (load_pic_split, root, split, "v2")
            hint = _synthetic_hint("pic")
            _register_files(name, needed, metadata, load_with_faces, faces, *loading, hint=hint)


def _register_synthetic_vcoco(root: Path) -> None:
    for split in SYNTHETIC_SPLITS:
        files = _vcoco_files(root, root / "images" / split, split)
        metadata = _vcoco_metadata(*files)
        for suffix, faces in _synthetic_faces(root, split):
            name, loading = f"synthetic_vcoco_{split}{suffix}", (load_vcoco, *files)
            hint = _synthetic_hint("vcoco")
            _register_files(name, files[0], metadata, load_with_faces, faces, *loading, hint=hint)


def _register_synthetic_hicodet(root: Path) -> None:
    for split in SYNTHETIC_SPLITS:
        metadata = _hicodet_metadata(root, split, root / "images" / split)
        files = Path(metadata["json_file"]), metadata["image_root"], split
        for suffix, faces in _synthetic_faces(root, split):
            name, loading = f"synthetic_hicodet_{split}{suffix}", (load_hicodet, *files)
            hint = _synthetic_hint("hicodet")
            _register_files(name, files[0], metadata, load_with_faces, faces, *loading, hint=hint)


def _synthetic_faces(root: Path, split: str) -> tuple[tuple[str, Path], ...]:
    """Suffix of the data set's name, and the JSON of its faces."""
    return (
        ("", root / f"{split}_faces.json"),
        ("_noisy_faces", root / f"{split}_faces_noisy.json"),
    )


def _synthetic_hint(format: str) -> str:
    return f"Write the data set with `choi synthetic --format {format}`."


def _register_files(
    name: str,
    needed: Path,
    metadata: dict,
    loader: Callable[..., list[dict]],
    *arguments,
    hint: str = (
        "datasets/README.md shows the folder tree; the environment variable DETECTRON2_DATASETS "
        "says where it starts."
    ),
) -> None:
    """Register ``loader(*arguments)`` with a message for a data set that is not there at all."""

    def load() -> list[dict]:
        if not needed.exists():
            raise InputError(f"the files of {name} are not there", path=needed, hint=hint)
        return loader(*arguments)

    register(name, load, metadata)


register_all(os.getenv("DETECTRON2_DATASETS", "datasets"))
