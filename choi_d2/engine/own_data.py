"""Training on a JSON of one's own, without code that registers it and without its numbers."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from detectron2.data import DatasetCatalog, MetadataCatalog

from choi_d2.data.datasets.hoi_json import register_hoi_instances
from choi_d2.structures import dataset_vocabulary
from choi_d2.utils import InputError
from choi_d2.utils.said import saying_nothing

from .model_card import vocabulary_facts

TRAIN, VAL = "own_train", "own_val"

# What the config of weights may have, and is of the data sets that they were trained on.
_OF_OTHER_DATA = {
    "TEST.DETECTIONS": "",
    "INPUT.DETECTIONS.NAMES": "",
    "INPUT.DETECTIONS.FILES": (),
}


@dataclass(frozen=True)
class OwnData:
    """Files in the format of :mod:`choi_d2.data.datasets.hoi_json`.

    Attributes:
        train: JSON of the training set; None for an evaluation alone.
        images: the folder of its images.
        val: JSON of the validation set; None where there is none.
        val_images: the folder of its images; by default ``images``.
        faces, val_faces: a JSON of ``choi faces`` for either; by default the JSON's own faces.
        detections: boxes that a detector found in the training set, a COCO results JSON, to train
            on beside the annotated ones.
    """

    train: str | None
    images: str | None
    val: str | None = None
    val_images: str | None = None
    faces: str | None = None
    val_faces: str | None = None
    detections: str | None = None

    def __post_init__(self):
        """Look for the files.

        Raises:
            InputError: one is not there.
        """
        for name, path, is_there in (
            ("--data", self.train, os.path.isfile),
            ("--images", self.images, os.path.isdir),
            ("--val" if self.train else "--data", self.val, os.path.isfile),
            ("--val-images" if self.train else "--images", self.val_images, os.path.isdir),
            ("--faces", self.faces, os.path.isfile),
            ("--detections", self.detections, os.path.isfile),
            ("--val-faces" if self.train else "--faces", self.val_faces, os.path.isfile),
        ):
            if path is not None and not is_there(path):
                kind = "file" if is_there is os.path.isfile else "folder"
                raise InputError(f"no such {kind}", path=path, field=name)


def register_own_data(data: OwnData) -> None:
    """Register :data:`TRAIN` and :data:`VAL`, those that there are; again in place of other files.

    Raises:
        InputError: a file is broken; the message names it.
    """
    sets = [(TRAIN, data.train, data.images), (VAL, data.val, data.val_images or data.images)]
    sets = [each for each in sets if each[1] is not None]
    # The run that is to come reads them again, and has a log to say what is wrong with them.
    with saying_nothing():
        for each in sets:
            _register(*each)
        # A pair that ends at a human says that humans may be objects; the training set decides.
        first = sets[0][0]
        human = MetadataCatalog.get(first).human_class
        if not any(_has_human_object(record, human) for record in DatasetCatalog.get(first)):
            for each in sets:
                _register(*each, humans_as_objects=False)


def own_data_opts(data: OwnData) -> list[str]:
    """What a config has to say of data that :func:`register_own_data` has registered.

    Returns:
        KEY VALUE pairs: the data sets, the counts and rules of classes and verbs, and where faces
        are known from, if they are.
    """
    test = (VAL,) if data.val is not None else ()
    if data.train is None:
        facts = {"DATASETS.TEST": test, **_OF_OTHER_DATA, **_face_facts(data, VAL)}
        return [str(part) for fact in facts.items() for part in fact]
    facts = {
        **vocabulary_facts(dataset_vocabulary(TRAIN)),
        "DATASETS.TRAIN": (TRAIN,),
        "DATASETS.TEST": test,
        **_OF_OTHER_DATA,
        # What the first weights know by name is taken over, and the rest begins anew.
        "MODEL.NEW_NAMES": "initialise",
        **_face_facts(data, TRAIN),
    }
    if data.detections is not None:
        facts["INPUT.DETECTIONS.FILES"] = (f"{TRAIN}={data.detections}",)
    return [str(part) for fact in facts.items() for part in fact]


def default_config() -> Path:
    """The config where neither one nor weights are given: a slim network, from scratch."""
    configs = Path(__file__).resolve().parent.parent / "configs"
    return configs / "synthetic" / "choi_R_18_FPN.yaml"


def _face_facts(data: OwnData, first: str) -> dict[str, object]:
    """Files of faces go before what a JSON has itself; without either, the config decides."""
    files = {TRAIN: data.faces, VAL: data.val_faces}
    named = tuple(f"{name}={path}" for name, path in files.items() if path is not None)
    if named:
        return {"INPUT.FACES.SOURCE": "file", "INPUT.FACES.FILES": named}
    with saying_nothing():
        known = any("faces" in record for record in DatasetCatalog.get(first))
    if known:
        return {"INPUT.FACES.SOURCE": "annotations"}
    return {}


def _register(name: str, json_file: str, images: str, **metadata: bool) -> None:
    if name in DatasetCatalog:
        DatasetCatalog.remove(name)
        MetadataCatalog.remove(name)
    register_hoi_instances(name, metadata, json_file, images)
    DatasetCatalog.get(name)  # reads the file, and completes the metadata


def _has_human_object(record: Mapping, human: int) -> bool:
    annotations: Sequence[Mapping] = record.get("annotations", ())
    return any(
        pair["object"] is not None
        and pair["object"] != pair["human"]
        and annotations[pair["object"]]["category_id"] == human
        for pair in record.get("interactions", ())
    )
