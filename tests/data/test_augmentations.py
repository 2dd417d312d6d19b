import numpy as np
import pytest
from detectron2.config import get_cfg
from detectron2.data import transforms as T
from detectron2.structures import BoxMode
from PIL import Image

from choi_d2.config import add_choi_config
from choi_d2.data import HOIDatasetMapper
from choi_d2.data.augmentations import build_augmentations


@pytest.fixture
def cfg():
    cfg = get_cfg()
    add_choi_config(cfg)
    return cfg


@pytest.mark.parametrize("is_train", [True, False])
@pytest.mark.parametrize("crop", [None, "relative", "relative_range", "absolute", "absolute_range"])
@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 1), (2, 1), (1, 5000)])
def test_no_side_becomes_nothing_and_none_gigantic(cfg, size, crop, is_train):
    if crop is not None:
        cfg.INPUT.CROP.ENABLED, cfg.INPUT.CROP.TYPE = True, crop
        cfg.INPUT.CROP.SIZE = [0.1, 0.1] if crop.startswith("relative") else [1, 7]
    image = T.AugInput(np.zeros((*size, 3), np.uint8))
    T.AugmentationList(build_augmentations(cfg, is_train))(image)
    assert min(image.image.shape[:2]) >= 1
    assert max(image.image.shape[:2]) <= cfg.INPUT.MAX_SIZE_TEST


@pytest.mark.parametrize("is_train", [True, False])
def test_other_sizes_are_detectron2s(cfg, is_train):
    cfg.INPUT.RANDOM_FLIP = "none"
    cfg.INPUT.MIN_SIZE_TRAIN = (640,)
    image = T.AugInput(np.zeros((300, 400, 3), np.uint8))
    T.AugmentationList(build_augmentations(cfg, is_train))(image)
    short = 640 if is_train else 800
    assert image.image.shape[:2] == T.ResizeShortestEdge.get_output_shape(300, 400, short, 1333)
    cfg.INPUT.MIN_SIZE_TRAIN, cfg.INPUT.MIN_SIZE_TEST = (0,), 0
    image = T.AugInput(np.zeros((1, 3000, 3), np.uint8))
    T.AugmentationList(build_augmentations(cfg, is_train))(image)
    assert image.image.shape[:2] == (1, 3000)


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 1), (2, 1)])
def test_the_smallest_images_go_through_the_mapper_with_all_they_have(cfg, tmp_path, size):
    height, width = size
    Image.new("L", (width, height), 99).save(tmp_path / "a.png")
    cfg.MODEL.MASK_ON, cfg.INPUT.MASK_FORMAT = True, "bitmask"
    cfg.INPUT.CROP.ENABLED = True
    annotation = {
        "bbox": [0.0, 0.0, float(width), float(height)],
        "bbox_mode": BoxMode.XYXY_ABS,
        "category_id": 0,
        "segmentation": {"size": [height, width], "counts": [0, height * width]},
    }
    record = {
        "file_name": str(tmp_path / "a.png"),
        "height": height,
        "width": width,
        "annotations": [annotation, dict(annotation)],
        "interactions": [{"human": 0, "object": 1, "verbs": [0]}],
        "faces": [{"bbox": annotation["bbox"], "score": 1.0}],
    }
    mapped = HOIDatasetMapper(cfg, is_train=True)(record)
    assert min(mapped["image"].shape[1:]) >= 1 and (mapped["height"], mapped["width"]) == size
    assert len(mapped["instances"]) == 2 and len(mapped["interactions"]) == 1
    assert mapped["instances"].gt_masks.tensor.all() and len(mapped["faces"]) == 1
    assert min(HOIDatasetMapper(cfg, is_train=False)(record)["image"].shape[1:]) >= 1
