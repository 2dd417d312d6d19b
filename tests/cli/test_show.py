"""``choi show``: annotations, training samples, predictions and results as pictures."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from detectron2.data import DatasetCatalog, MetadataCatalog
from detectron2.modeling import build_model
from detectron2.structures import BoxMode
from PIL import Image

from choi_d2.cli.main import main
from choi_d2.engine import HOICheckpointer
from choi_d2.engine.model_card import ModelCard
from choi_d2.structures import Vocabulary

sys.path.insert(0, str(Path(__file__).parents[1] / "modeling"))
from tiny import tiny_config  # noqa: E402

NAME = "visualize_data_test"


def show(*words):
    """``choi show`` in this process."""
    return main(["show", *map(str, words)])


@pytest.fixture
def dataset(tmp_path):
    """Four records of one human that holds a cup; the photo of the third is broken."""
    records = []
    for index in range(4):
        path = tmp_path / f"photo{index}.png"
        Image.fromarray(np.full((60, 80, 3), 100, np.uint8)).save(path)
        boxes = [[5, 5, 40, 55], [30, 20, 50, 40]]
        annotations = [
            {
                "bbox": [float(side) for side in box],
                "bbox_mode": BoxMode.XYXY_ABS,
                "category_id": category,
                "segmentation": [[x1, y1, x2, y1, x2, y2, x1, y2]],
                "iscrowd": 0,
            }
            for category, box in enumerate(boxes)
            for x1, y1, x2, y2 in [box]
        ]
        records.append(
            {
                "file_name": str(path),
                "image_id": index,
                "height": 60,
                "width": 80,
                "annotations": annotations,
                "interactions": [{"human": 0, "object": 1, "verbs": [0]}],
                "faces": [{"bbox": [10, 6, 20, 16], "score": 1.0}],
            }
        )
    (tmp_path / "photo2.png").write_bytes(b"broken")
    DatasetCatalog.register(NAME, lambda: records)
    MetadataCatalog.get(NAME).set(thing_classes=["human", "cup"], verb_classes=["hold"])
    yield records
    DatasetCatalog.remove(NAME)
    MetadataCatalog.remove(NAME)


@pytest.mark.parametrize("kind", [["data"], ["samples", "--no-pairs"]], ids=" ".join)
@pytest.mark.parametrize("masks", [False, True])
def test_annotations_and_what_the_mapper_makes_of_them(dataset, tmp_path, capsys, kind, masks):
    output = tmp_path / "out"
    options = [*kind, "--dataset", NAME, "--output", output, "--faces"]
    opts = ["--opts", "INPUT.MIN_SIZE_TRAIN", "(120,)"]
    if masks:
        options, opts = [*options, "--masks"], [*opts, "MODEL.MASK_ON", "True"]
    assert show(*options, *opts) == 1
    assert sorted(path.name for path in (output / NAME).iterdir()) == [
        "000000_photo0.jpg", "000001_photo1.jpg", "000003_photo3.jpg"
    ]  # fmt: skip
    printed, error = capsys.readouterr()
    assert "3 image(s) drawn" in printed and "1 skipped" in printed and "photo2" in error
    with Image.open(output / NAME / "000000_photo0.jpg") as drawing:
        assert drawing.size == (800, 600)
        assert np.asarray(drawing).std() > 5


def test_sampled_pairs_are_drawn_with_faces_and_counted(dataset, tmp_path, capsys):
    output = tmp_path / "out"
    options = ["samples", "--dataset", NAME, "--num", "1", "--output", output, "--json"]
    assert show(*options, "--opts", "INPUT.MIN_SIZE_TRAIN", "(120,)") == 0
    assert json.loads(capsys.readouterr().out)["drawn"] == 1
    with Image.open(output / NAME / "000000_photo0.jpg") as drawing:
        # Below a bar with the numbers.
        assert drawing.width == 800 and drawing.height > 620


def test_the_same_seed_gives_the_same_images(dataset, tmp_path):
    chosen = []
    for folder, seed in (("one", "5"), ("two", "5")):
        options = ["data", "--dataset", NAME, "--output", tmp_path / folder]
        show(*options, "--num", "2", "--shuffle", "--seed", seed)
        chosen.append(sorted(path.name for path in (tmp_path / folder / NAME).iterdir()))
    assert chosen[0] == chosen[1]


def test_an_image_of_another_size_is_skipped(dataset, tmp_path, capsys):
    dataset[0]["width"] = 81
    assert show("data", "--dataset", NAME, "--num", "1", "--output", tmp_path / "out") == 1
    assert "its record says 81 x 60" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words, message",
    [
        (["data", "--dataset", "nobody_registered_this"], "nobody"),
        (["data"], "no data set"),
        (["samples", "--dataset", NAME, "--masks"], "MODEL.MASK_ON"),
        (["samples", "--dataset", NAME, "--masks", "--no-pairs"], "MODEL.MASK_ON"),
        (["data", "--data", "own.json"], "--images"),
        (["data", "--images", "folder"], "--data"),
        (["results", "nowhere.jsonl"], "nowhere.jsonl"),
        (["predictions", "--dataset", NAME, "--model", "nowhere.pth"], "no such model"),
    ],
)
def test_what_is_refused(dataset, tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.chdir(tmp_path)
    assert show(*words) == 2
    assert message in capsys.readouterr().err and not (tmp_path / "output").exists()


def test_predictions_beside_annotations_of_a_json_of_ones_own(dataset, tmp_path):
    """Nothing is registered; the model knows its words by itself."""
    cfg = tiny_config("MODEL.ROI_HEADS.NUM_CLASSES", 2, "MODEL.ROI_INTERACTION_HEAD.NUM_VERBS", 2)
    torch.manual_seed(0)
    card = ModelCard.of(cfg, Vocabulary(("cup", "human"), ("drink", "hold"), 1))
    checkpointer = HOICheckpointer(build_model(cfg), str(tmp_path / "model"), card=card)
    (tmp_path / "model").mkdir()
    checkpointer.save("alone")
    content = {
        "categories": [{"id": 1, "name": "human"}, {"id": 2, "name": "cup"}],
        "verbs": [{"id": 1, "name": "hold"}],
        "images": [
            {"id": k, "file_name": f"photo{k}.png", "height": 60, "width": 80} for k in (0, 1)
        ],
        "annotations": [
            {"id": 1, "image_id": 0, "category_id": 1, "bbox": [5, 5, 35, 50]},
            {"id": 2, "image_id": 0, "category_id": 2, "bbox": [30, 20, 20, 20]},
        ],
        "interactions": [{"human_id": 1, "object_id": 2, "verb_id": 1}],
    }
    (tmp_path / "own.json").write_text(json.dumps(content))
    options = ["--data", tmp_path / "own.json", "--images", tmp_path, "--output", tmp_path / "out"]
    weights = ["--model", tmp_path / "model" / "alone.pth"]
    widths = []
    for kind, more in (
        ("data", []),
        ("predictions", [*weights, "--opts", "INPUT.FACES.DETECTOR", "none"]),
    ):
        assert show(kind, *options, *more) == 0
        drawings = sorted((tmp_path / "out" / "own").iterdir())
        assert len(drawings) == 2 and "own" not in DatasetCatalog
        with Image.open(drawings[0]) as drawing:
            widths.append(drawing.width)
    assert widths[1] > 1.9 * widths[0], "two pictures side by side"
