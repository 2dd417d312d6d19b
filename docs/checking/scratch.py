"""A folder that looks like the repository, with small files under the names of the documents."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import cv2

from .rules import SHORT_TRAINING
from .running import run

LINKED = ("choi_d2", "configs", "demo", "docs", "packaging", "tests", "train_net.py")
MODELS = (
    "model_final.pth",
    "output/my/model_final.pth",
    "output/my/model_0008999.pth",
    "output/my/model_0009499.pth",
    "output/demo/model_final.pth",
)
"""The documents' names for a model that somebody has trained."""


def make_scratch(folder: Path, root: Path) -> None:
    """Fill a folder, which is the current one from then on for this process and what it starts.

    Args:
        folder: empty.
        root: of the repository, which is linked to.
    """
    for name in LINKED:
        (folder / name).symlink_to(root / name)
    (folder / "datasets").mkdir()
    for path in (root / "datasets").glob("*.*"):
        (folder / "datasets" / path.name).symlink_to(path)
    os.environ.update(
        DETECTRON2_DATASETS=str(folder / "datasets"),
        PATH=f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        PYTHONPATH=str(root),
        OMP_NUM_THREADS="1",
    )
    os.chdir(folder)
    _add_programs(folder / "bin")
    _add_own_data(folder)
    _add_photos(folder)
    _add_predictions(folder, root)


def add_model(folder: Path, model: Path) -> None:
    """Let a document's scratch folder have a trained model, under all its names."""
    for name in MODELS:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(model, target)


def train_model(folder: Path) -> Path:
    """A model of two iterations on the scratch folder's scenes."""
    own = "--data my/train.json --images my/images/train --val my/val.json --val-images my/images"
    config = f"--config-file {folder}/configs/synthetic/choi_R_18_FPN.yaml"
    text = f"choi train {own} {config} OUTPUT_DIR {folder}/trained {SHORT_TRAINING}"
    log = folder / "training.txt"
    if run(text, "sh", log) != 0:
        raise SystemExit(f"{log.read_text()}\nerror: there is no model for the documents' commands")
    return folder / "trained" / "model_final.pth"


def _add_programs(folder: Path) -> None:
    """``choi``, ``python`` and ``torchrun`` of this interpreter, whatever is in the path."""
    folder.mkdir()
    modules = {"choi": "-m choi_d2", "python": "", "torchrun": "-m torch.distributed.run"}
    for name, module in modules.items():
        script = folder / name
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -W ignore {module} "$@"\n')
        script.chmod(0o755)


def _add_own_data(folder: Path) -> None:
    """``my/`` in the format of one's own data, and its training set as another tool's export."""
    from choi_d2.synthetic import make_dataset

    sizes = {"train": 6, "val": 3}
    for format, name in (("hoi", "my"), ("hoiw", "datasets/synthetic_hoiw")):
        some = {**sizes, "test": 3} if format == "hoiw" else sizes
        make_dataset(folder / name, seed=1, sizes=some, workers=1, progress=False, format=format)
    content = json.loads((folder / "my/train.json").read_text())
    relations = [
        {
            "id": number,
            "image_id": next(
                x["image_id"] for x in content["annotations"] if x["id"] == entry["human_id"]
            ),
            "subject_id": entry["human_id"],
            "object_id": entry["object_id"],
            "predicate_id": entry["verb_id"],
        }
        for number, entry in enumerate(content["interactions"])
        if entry["object_id"] is not None
    ]
    coco = {key: content[key] for key in ("images", "categories", "annotations")}
    names = [{"id": verb["id"], "name": verb["name"]} for verb in content["verbs"]]
    export = {**coco, "rel_categories": names, "rel_annotations": relations}
    for name in ("export.json", "val_export.json"):
        (folder / name).write_text(json.dumps(export))
    shutil.copy(folder / "my/train.json", folder / "own.json")


def _add_photos(folder: Path) -> None:
    """Folders of pictures, a single one, and a video; ``images`` has all of one's own data."""
    pictures = sorted((folder / "my/images").rglob("*.jpg"))
    for name in ("photos", "holiday/sub", "images", "more", "my/images"):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for path in pictures:
            shutil.copy(path, folder / name / path.name)
    shutil.copy(pictures[0], folder / "photo.jpg")
    first = cv2.imread(str(pictures[0]))
    cv2.imwrite(str(folder / "more/a.png"), first)
    size = first.shape[1::-1]
    writer = cv2.VideoWriter("clip.mp4", cv2.VideoWriter_fourcc(*"mp4v"), 5, size)
    for _ in range(3):
        writer.write(first)
    writer.release()


def _add_predictions(folder: Path, root: Path) -> None:
    """Annotations and predictions of the data sets' formats, under the documents' names."""
    from choi_d2.synthetic import make_dataset

    truth = json.loads((folder / "datasets/synthetic_hoiw/val.json").read_text())
    found = [
        {
            "file_name": image["file_name"],
            "predictions": [{**x, "score": 0.9} for x in image["annotations"]],
            "hoi_prediction": [{**x, "score": 0.5} for x in image["hoi_annotation"]],
        }
        for image in truth
    ]
    for names, content in ((("GT.json", "gt.json"), truth), (("PRED.json", "pred.json"), found)):
        for name in names:
            (folder / name).write_text(json.dumps(content))
    for path in (folder / "datasets/synthetic_hoiw/images").rglob("*.jpg"):
        # The same names as those of one's own data, and the same scenes.
        shutil.copy(path, folder / "images" / path.name)
    for path in (root / "tests/fixtures/hicodet").glob("*.*"):
        shutil.copy(path, folder / path.name)
    vcoco = folder / "as_vcoco"
    sizes = {"val": 3}
    make_dataset(vcoco, seed=1, sizes=sizes, workers=1, progress=False, format="vcoco")
    shutil.copy(vcoco / "annotations/vcoco_val.json", folder / "vcoco.json")
    shutil.copy(vcoco / "annotations/instances_vcoco_all_2014.json", folder / "instances.json")
    shutil.copy(vcoco / "splits/vcoco_val.ids", folder / "ids.txt")
    shutil.copytree(vcoco / "images/val", folder / "coco")
