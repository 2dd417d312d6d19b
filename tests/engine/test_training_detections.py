"""INPUT.DETECTIONS.FILES with two processes, of which one has nothing but a detector's boxes."""

import json
import sys
from pathlib import Path

import cv2
import numpy as np
import torch
from detectron2.data import DatasetCatalog
from detectron2.engine import launch
from detectron2.utils import comm

from choi_d2.data import register_hoi_instances
from choi_d2.engine import HOITrainer
from choi_d2.engine.model_card import vocabulary_facts
from choi_d2.structures import dataset_vocabulary

sys.path.insert(0, str(Path(__file__).parents[1] / "modeling"))
from tiny import tiny_config  # noqa: E402

NAME, ITERATIONS = "training_detections_of_processes", 2
PERSON, DOG = {"id": 3, "name": "person"}, {"id": 5, "name": "dog"}


def write_data(folder):
    """a.png: a person who pats a dog. b.png: a dog and perhaps another, by the detector alone."""
    for name in ("a.png", "b.png"):
        cv2.imwrite(str(folder / name), np.zeros((64, 96, 3), np.uint8))
    content = {
        "categories": [PERSON, DOG],
        "verbs": [{"id": 1, "name": "pat"}],
        "images": [
            {"id": i, "file_name": x, "height": 64, "width": 96}
            for i, x in enumerate(("a.png", "b.png"), 1)
        ],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 3, "bbox": [8, 4, 32, 56]},
            {"id": 2, "image_id": 1, "category_id": 5, "bbox": [30, 20, 20, 20]},
        ],
        "interactions": [{"human_id": 1, "object_id": 2, "verb_id": 1}],
    }
    found = [
        {"image_id": 1, "category_id": 5, "bbox": [31, 20, 20, 20], "score": 0.9},
        {"image_id": 2, "category_id": 5, "bbox": [10, 10, 30, 40], "score": 0.75},
        {"image_id": 2, "category_id": 5, "bbox": [60, 10, 20, 40], "score": 0.2},
    ]
    (folder / "own.json").write_text(json.dumps(content))
    (folder / "boxes.json").write_text(json.dumps(found))


def train(folder):
    """One process of two: its images and the weights in the end go to ``folder``."""
    # Catalogs are not shared.
    register_hoi_instances(NAME, {}, folder / "own.json", folder)
    DatasetCatalog.get(NAME)
    options = {
        **vocabulary_facts(dataset_vocabulary(NAME)),
        "DATASETS.TRAIN": (NAME,),
        "INPUT.DETECTIONS.FILES": (f"{NAME}={folder / 'boxes.json'}",),
        "INPUT.CERTAINTY_THRESH": 0.5,
        "INPUT.MIN_SIZE_TRAIN": (64,),
        "DATALOADER.NUM_WORKERS": 0,
        "SOLVER.IMS_PER_BATCH": 2,
        "SOLVER.MAX_ITER": ITERATIONS,
        "SEED": 5,
        "OUTPUT_DIR": str(folder),
    }
    trainer = HOITrainer(tiny_config(*[word for item in options.items() for word in item]))
    images = []
    trainer.model.register_forward_pre_hook(lambda model, batches: images.extend(batches[0]))
    trainer.resume_or_load(resume=False)
    trainer.train()
    found = {
        "images": [Path(x["file_name"]).name for x in images],
        "classes": [x["instances"].gt_classes.tolist() for x in images],
        "ignored": [len(x["ignored"]) for x in images],
        "weights": {name: x.data for name, x in trainer.model.module.named_parameters()},
    }
    torch.save(found, folder / f"{comm.get_rank()}.pth")


def test_two_processes_train_on_a_detectors_boxes(tmp_path):
    write_data(tmp_path)
    launch(train, 2, dist_url="auto", args=(tmp_path,))
    first, second = (torch.load(tmp_path / f"{rank}.pth") for rank in range(2))
    for iteration in range(ITERATIONS):
        shares = {each["images"][iteration]: each for each in (first, second)}
        assert sorted(shares) == ["a.png", "b.png"]
        # The detector's dog of a.png is the annotated one; of b.png one is too uncertain.
        for name, classes, ignored in (("a.png", [0, 1], 0), ("b.png", [1], 1)):
            assert shares[name]["classes"][iteration] == classes
            assert shares[name]["ignored"][iteration] == ignored
    for name, value in first["weights"].items():
        assert value.isfinite().all(), name
        torch.testing.assert_close(value, second["weights"][name], rtol=0, atol=0, msg=name)
