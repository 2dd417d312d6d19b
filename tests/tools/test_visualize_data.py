"""tools/visualize_data.py: annotations and mapped samples of a data set as pictures."""

import importlib.util
import json
import logging
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from detectron2.data import DatasetCatalog, MetadataCatalog
from detectron2.modeling import build_model
from detectron2.structures import Boxes, BoxMode, Instances
from PIL import Image

from choi_d2.engine import HOICheckpointer
from choi_d2.engine.model_card import ModelCard
from choi_d2.structures import HOIAnnotations, Vocabulary
from choi_d2.utils import InputError

sys.path.insert(0, str(Path(__file__).parents[1] / "modeling"))
from tiny import tiny_config  # noqa: E402

NAME = "visualize_data_test"


@pytest.fixture
def tool(repository, monkeypatch, caplog):
    """The script as a module; what it logs is in ``caplog``."""
    script = repository / "tools" / "visualize_data.py"
    spec = importlib.util.spec_from_file_location("visualize_data", script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "setup_logger", lambda **arguments: None)
    caplog.set_level(logging.INFO)
    return module


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


@pytest.mark.parametrize("source", ["annotation", "dataloader"])
@pytest.mark.parametrize("masks", [False, True])
def test_both_sources(tool, dataset, tmp_path, caplog, source, masks):
    output = tmp_path / "out"
    options = ["--dataset", NAME, "--source", source, "--output-dir", str(output), "--faces"]
    opts = ["--opts", "INPUT.MIN_SIZE_TRAIN", "(120,)"]
    if masks:
        options, opts = [*options, "--masks"], [*opts, "MODEL.MASK_ON", "True"]
    assert tool.main([*options, *opts]) == 0
    assert sorted(path.name for path in (output / NAME).iterdir()) == [
        "000000_photo0.jpg", "000001_photo1.jpg", "000003_photo3.jpg"
    ]  # fmt: skip
    assert "3 image(s) drawn" in caplog.text
    with Image.open(output / NAME / "000000_photo0.jpg") as drawing:
        assert drawing.size == (800, 600)
        assert np.asarray(drawing).std() > 5


def test_sampled_pairs_are_drawn_with_faces_and_counted(tool, dataset, tmp_path):
    output = tmp_path / "out"
    options = ["--dataset", NAME, "--source", "pairs", "--num", "1", "--output-dir", str(output)]
    assert tool.main([*options, "--opts", "INPUT.MIN_SIZE_TRAIN", "(120,)"]) == 0
    with Image.open(output / NAME / "000000_photo0.jpg") as drawing:
        # Below a bar with the numbers.
        assert drawing.width == 800 and drawing.height > 620


def test_the_sample_is_the_configs(tool):
    """3 humans and 2 cups; two pairs have verbs, of four that are left some are sampled."""
    cfg = tool.load_config("", ["MODEL.ROI_INTERACTION_HEAD.NUM_VERBS", "2"])
    truth = Instances((60, 80))
    truth.gt_boxes = Boxes(torch.tensor([[i, 1.0, i + 9, 30] for i in range(5)]))
    truth.gt_classes = torch.tensor([0, 1, 0, 0, 1])
    annotations = HOIAnnotations(torch.tensor([[2, 1], [0, 4]]), torch.tensor([[0.0, 1], [1, 1]]))
    sample = {"instances": truth, "interactions": annotations}
    whole = tool.sample_pairs_of_truth(sample, cfg)
    positive = dict(zip(map(tuple, whole.positive.pairs.tolist()), whole.positive.verbs.tolist()))
    assert positive == {(2, 1): [0, 1], (0, 4): [1, 1]}
    negative = {tuple(pair) for pair in whole.negative.tolist()}
    assert negative == {(0, 1), (2, 4), (3, 1), (3, 4)}
    assert whole.described == "sampled: 2 of 2 positive pairs, 4 of 4 negative; 0 faces"

    cfg.MODEL.ROI_INTERACTION_HEAD.BATCH_SIZE_PER_IMAGE = 4
    part = tool.sample_pairs_of_truth(sample, cfg)
    assert part.described == "sampled: 1 of 2 positive pairs, 3 of 4 negative; 0 faces"
    assert tuple(part.positive.pairs[0].tolist()) in positive
    assert negative > {tuple(pair) for pair in part.negative.tolist()}

    cfg.MODEL.ROI_INTERACTION_HEAD.HUMANS_AS_OBJECTS = True
    cfg.MODEL.ROI_INTERACTION_HEAD.BATCH_SIZE_PER_IMAGE = 128
    assert len(tool.sample_pairs_of_truth(sample, cfg).negative) == 3 * 4 - 2


def test_the_same_seed_gives_the_same_images(tool, dataset, tmp_path):
    chosen = []
    for folder, seed in (("one", "5"), ("two", "5")):
        options = ["--dataset", NAME, "--output-dir", str(tmp_path / folder)]
        tool.main([*options, "--num", "2", "--shuffle", "--seed", seed])
        chosen.append(sorted(path.name for path in (tmp_path / folder / NAME).iterdir()))
    assert chosen[0] == chosen[1]


def test_an_image_of_another_size_is_skipped(tool, dataset, tmp_path, caplog):
    dataset[0]["width"] = 81
    options = ["--dataset", NAME, "--num", "1", "--output-dir", str(tmp_path / "out")]
    assert tool.main(options) == 1
    assert "its record says 81 x 60" in caplog.text


def test_unknown_data_sets_and_missing_masks(tool, dataset, tmp_path):
    with pytest.raises(InputError, match="nobody"):
        tool.main(["--dataset", "nobody_registered_this"])
    with pytest.raises(InputError, match="no data set"):
        tool.main([])
    for source in ("dataloader", "pairs"):
        with pytest.raises(InputError, match="MODEL.MASK_ON"):
            tool.main(["--dataset", NAME, "--source", source, "--masks"])


def test_predictions_beside_annotations_of_a_json_of_ones_own(tool, dataset, tmp_path):
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
    options = ["--json", tmp_path / "own.json", "--images", tmp_path]
    options += ["--output-dir", tmp_path / "out"]
    weights = ["--source", "predictions", "--weights", tmp_path / "model" / "alone.pth"]
    widths = []
    for more in ([], [*weights, "--opts", "INPUT.FACES.DETECTOR", "none"]):
        assert tool.main([str(part) for part in [*options, *more]]) == 0
        drawings = sorted((tmp_path / "out" / "own").iterdir())
        assert len(drawings) == 2 and "own" not in DatasetCatalog
        with Image.open(drawings[0]) as drawing:
            widths.append(drawing.width)
    assert widths[1] > 1.9 * widths[0], "two pictures side by side"
    with pytest.raises(InputError, match="--images"):
        tool.main(["--json", str(tmp_path / "own.json")])
