import json

import numpy as np
import pycocotools.mask as mask_util
import pytest
from detectron2.data import DatasetCatalog

from choi_d2.utils import InputError


@pytest.fixture
def root(tmp_path, write_image, register_under):
    """One scene with two instances, as choi_d2.synthetic writes it."""
    folder = tmp_path / "synthetic_hoiw"
    write_image(folder / "images/val/val_000000.jpg", 40, 60)
    entry = {
        "file_name": "val_000000.jpg",
        "annotations": [
            {"bbox": [0, 0, 20, 30], "category_id": "1"},
            {"bbox": [10, 10, 30, 30], "category_id": "9"},
        ],
        "hoi_annotation": [{"subject_id": 0, "object_id": 1, "category_id": 8}],
    }
    codes = []
    for instance in entry["annotations"]:
        x1, y1, x2, y2 = instance["bbox"]
        mask = np.zeros((40, 60), np.uint8, order="F")
        mask[y1:y2, x1:x2] = 1
        codes.append({"size": [40, 60], "counts": mask_util.encode(mask)["counts"].decode()})
    masks = {"file_name": "val_000000.jpg", "height": 40, "width": 60, "segmentations": codes}
    face, noisy = {"bbox": [5, 2, 12, 9], "score": 1.0}, {"bbox": [6, 2, 13, 9], "score": 0.7}
    for name, content in {
        "val": [entry],
        "val_masks": [masks],
        "val_faces": {"detector": "synthetic", "faces": {"val_000000.jpg": [face]}},
        "val_faces_noisy": {"detector": "synthetic", "faces": {"val_000000.jpg": [noisy]}},
    }.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    register_under(tmp_path)
    return folder


def test_records_have_masks_and_faces(root):
    (record,) = DatasetCatalog.get("synthetic_hoiw_val")
    areas = [mask_util.area(instance["segmentation"]) for instance in record["annotations"]]
    assert areas == [600, 400]
    assert record["interactions"] == [{"human": 0, "object": 1, "verbs": [7]}]
    assert record["faces"] == [{"bbox": [5.0, 2.0, 12.0, 9.0], "score": 1.0}]
    (noisy,) = DatasetCatalog.get("synthetic_hoiw_val_noisy_faces")
    assert noisy["faces"] == [{"bbox": [6.0, 2.0, 13.0, 9.0], "score": 0.7}]
    assert noisy["annotations"] == record["annotations"]


def test_files_of_two_runs(root):
    masks = json.loads((root / "val_masks.json").read_text())
    masks[0]["segmentations"].pop()
    (root / "val_masks.json").write_text(json.dumps(masks))
    with pytest.raises(InputError, match=r"val_masks\.json, image 'val_000000\.jpg'.*2 masks"):
        DatasetCatalog.get("synthetic_hoiw_val")


def test_not_written_yet(root):
    with pytest.raises(InputError, match="choi synthetic"):
        DatasetCatalog.get("synthetic_hoiw_train")
