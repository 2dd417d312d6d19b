import copy
import json

import numpy as np
import pycocotools.mask as mask_util
import pytest
import torch
from detectron2.config import get_cfg
from detectron2.data import DatasetCatalog, MetadataCatalog
from detectron2.data import transforms as T
from detectron2.structures import BoxMode

from choi_d2.config import add_choi_config
from choi_d2.data import HOIDatasetMapper, build_hoi_train_loader
from choi_d2.data.datasets.builtin import register
from choi_d2.utils import InputError

HEIGHT, WIDTH = 40, 60


def rle(mask):
    encoded = mask_util.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {"size": encoded["size"], "counts": encoded["counts"].decode()}


def instance(box, category_id, **extra):
    mask = np.zeros((HEIGHT, WIDTH))
    mask[box[1] : box[3], box[0] : box[2]] = 1
    return {
        "bbox": [float(number) for number in box],
        "bbox_mode": BoxMode.XYXY_ABS,
        "category_id": category_id,
        "iscrowd": 0,
        "segmentation": rle(mask),
        **extra,
    }


@pytest.fixture
def record(write_image, tmp_path):
    """Humans 0 and 3, a crowd, an instance of 1e-7 pixels; four pairs."""
    sliver = instance([5, 5, 6, 6], 4)
    sliver["bbox"] = [5.0, 5.0, 5.0 + 1e-7, 9.0]
    return {
        "file_name": str(write_image(tmp_path / "images/a.png", HEIGHT, WIDTH)),
        "image_id": "a.png",
        "height": HEIGHT,
        "width": WIDTH,
        "annotations": [
            instance([10, 4, 30, 36], 0),
            instance([0, 0, 60, 40], 0, iscrowd=1),
            sliver,
            instance([32, 2, 50, 38], 0),
            instance([28, 10, 36, 20], 7),
        ],
        "interactions": [
            {"human": 0, "object": 2, "verbs": [1]},
            {"human": 3, "object": 4, "verbs": [2, 5]},
            {"human": 0, "object": 4, "verbs": [6]},
            {"human": 1, "object": 4, "verbs": [6]},
        ],
        "faces": [
            {"bbox": [14.0, 4.0, 20.0, 12.0], "score": 0.9},
            {"bbox": [36.0, 4.0, 42.0, 12.0], "score": 0.3},
        ],
    }


def mapper(is_train=True, augmentations=(), **changes):
    arguments = {
        "augmentations": list(augmentations),
        "image_format": "BGR",
        "num_verbs": 10,
        "mask_format": "bitmask",
    }
    return HOIDatasetMapper(is_train, **{**arguments, **changes})


def triplets(mapped):
    """The pairs as (human box, object box, verbs)."""
    boxes = mapped["instances"].gt_boxes.tensor.tolist()
    interactions = mapped["interactions"]
    return [
        (boxes[human], boxes[object], verbs.nonzero().flatten().tolist())
        for (human, object), verbs in zip(
            interactions.pairs.tolist(), interactions.verbs, strict=True
        )
    ]


def test_pairs_follow_the_instances_that_stay(record):
    mapped = mapper()(record)
    assert mapped["instances"].gt_classes.tolist() == [0, 0, 7]
    assert triplets(mapped) == [
        ([32, 2, 50, 38], [28, 10, 36, 20], [2, 5]),
        ([10, 4, 30, 36], [28, 10, 36, 20], [6]),
    ]


def test_flip_and_resize_move_everything_together(record):
    flip_and_double = [T.RandomFlip(prob=1.0), T.Resize((2 * HEIGHT, 2 * WIDTH))]
    mapped = mapper(augmentations=flip_and_double, use_masks=True)(record)
    assert mapped["image"].shape == (3, 80, 120) and mapped["image"].dtype == torch.uint8
    assert (mapped["height"], mapped["width"]) == (HEIGHT, WIDTH)
    assert triplets(mapped) == [
        ([20, 4, 56, 76], [48, 20, 64, 40], [2, 5]),
        ([60, 8, 100, 72], [48, 20, 64, 40], [6]),
    ]
    masks = mapped["instances"].gt_masks
    assert masks.get_bounding_boxes().tensor.tolist() == [
        [60, 8, 100, 72],
        [20, 4, 56, 76],
        [48, 20, 64, 40],
    ]
    assert mapped["faces"].boxes.tensor.tolist() == [[80, 8, 92, 24], [36, 8, 48, 24]]
    assert mapped["faces"].image_size == (80, 120)


def test_crop_moves_and_drops(record):
    right_half = T.CropTransform(30, 0, 30, 40)
    mapped = mapper(augmentations=[right_half], use_masks=True, recompute_boxes=True)(record)
    assert mapped["instances"].gt_classes.tolist() == [0, 7]
    assert triplets(mapped) == [([2, 2, 20, 38], [0, 10, 6, 20], [2, 5])]
    assert mapped["faces"].scores.tolist() == pytest.approx([0.3])


def test_crowds_and_uncertain_instances_become_ignored_regions(record):
    record["annotations"][0]["certainty"] = 0.4
    record["annotations"][3]["certainty"] = 0.5
    # An ignored region needs no mask.
    del record["annotations"][1]["segmentation"], record["annotations"][0]["segmentation"]
    flip_and_double = [T.RandomFlip(prob=1.0), T.Resize((2 * HEIGHT, 2 * WIDTH))]
    arguments = {"augmentations": flip_and_double, "use_masks": True, "certainty_thresh": 0.5}
    mapped = mapper(**arguments)(record)
    assert mapped["ignored"].boxes.tolist() == [[60, 8, 100, 72], [0, 0, 120, 80]]
    assert mapped["ignored"].is_crowd.tolist() == [False, True]
    # The pair of the uncertain human goes with it.
    assert triplets(mapped) == [([20, 4, 56, 76], [48, 20, 64, 40], [2, 5])]
    assert len(mapper()(record | {"annotations": []} | {"interactions": []})["ignored"]) == 0


def test_ignored_regions_outside_a_crop_are_left_out(record):
    record["annotations"][1]["bbox"] = [2.0, 2.0, 35.0, 12.0]
    record["annotations"].append(instance([0, 0, 20, 20], 3, certainty=0.1))
    right_half = T.CropTransform(30, 0, 30, 40)
    mapped = mapper(augmentations=[right_half], certainty_thresh=0.5)(record)
    assert mapped["ignored"].boxes.tolist() == [[0, 2, 5, 12]]


def test_who_was_judged_follows_the_instances(record):
    record["annotations"][3]["judged"] = False
    assert mapper()(record)["instances"].gt_judged.tolist() == [True, False, True]


def test_the_threshold_of_certainty_is_the_configs(record):
    cfg = get_cfg()
    add_choi_config(cfg)
    cfg.INPUT.MIN_SIZE_TRAIN = (HEIGHT,)
    record["annotations"][3]["certainty"] = 0.7
    for threshold, ignored in ((0.5, 1), (0.75, 2)):
        cfg.INPUT.CERTAINTY_THRESH = threshold
        mapped = HOIDatasetMapper(cfg, is_train=True)(record)
        assert len(mapped["ignored"]) == ignored and len(mapped["instances"]) == 4 - ignored


def test_the_record_is_not_changed(record):
    before = copy.deepcopy(record)
    mapper(augmentations=[T.RandomFlip(prob=1.0)], use_masks=True)(record)
    assert record == before


def test_inference_needs_no_annotations_and_keeps_faces(record):
    mapped = mapper(is_train=False, augmentations=[T.Resize((80, 120))])(record)
    assert not {"annotations", "interactions", "instances"} & mapped.keys()
    assert mapped["faces"].boxes.tensor[0].tolist() == [28, 8, 40, 24]
    for key in ("annotations", "interactions", "faces"):
        del record[key]
    mapped = mapper(is_train=False)(record)
    assert mapped.keys() == {"file_name", "image_id", "height", "width", "image"}


@pytest.mark.parametrize("mask_format", ["polygon", "bitmask"])
def test_an_image_without_annotations(record, mask_format):
    record["annotations"], record["interactions"], record["faces"] = [], [], []
    mapped = mapper(use_masks=True, mask_format=mask_format)(record)
    assert len(mapped["instances"]) == len(mapped["instances"].gt_masks) == 0
    assert mapped["interactions"].verbs.shape == (0, 10)
    assert mapped["faces"].boxes.tensor.shape == (0, 4)


def test_faces_below_the_threshold_are_not_used(record):
    assert len(mapper(face_score_thresh=0.5)(record)["faces"]) == 1
    assert "faces" not in mapper(face_source="none")(record)


def test_faces_of_a_file(record, tmp_path):
    faces = {"detector": "test", "faces": {"a.png": [{"bbox": [1, 2, 3, 4], "score": 0.8}]}}
    (tmp_path / "faces.json").write_text(json.dumps(faces))
    register("mapper_test", lambda: [record], {"image_root": str(tmp_path / "images")})
    cfg = get_cfg()
    add_choi_config(cfg)
    cfg.INPUT.FACES.SOURCE = "file"
    cfg.INPUT.FACES.FILES = (f"mapper_test={tmp_path / 'faces.json'}",)
    cfg.INPUT.MIN_SIZE_TEST = 0
    mapped = HOIDatasetMapper(cfg, is_train=False)(record)
    assert mapped["faces"].boxes.tensor.tolist() == [[1, 2, 3, 4]]

    for wrong in ("mapper_test", "no_such_data_set=x.json"):
        cfg.INPUT.FACES.FILES = (wrong,)
        with pytest.raises(InputError, match=r"INPUT\.FACES\.FILES"):
            HOIDatasetMapper(cfg, is_train=False)
    MetadataCatalog.remove("mapper_test")
    cfg.INPUT.FACES.SOURCE = "magic"
    with pytest.raises(InputError, match=r"INPUT\.FACES\.SOURCE"):
        HOIDatasetMapper(cfg, is_train=False)


@pytest.mark.parametrize("content", [None, b"", b"half"])
def test_a_broken_image(record, content, tmp_path, caplog):
    path = tmp_path / "images/a.png"
    half = path.read_bytes()[: len(path.read_bytes()) // 2]
    path.unlink() if content is None else path.write_bytes(half if content == b"half" else content)
    train = mapper()
    assert train(record) is None and train(record) is None
    assert caplog.text.count("without an image") == 1
    with pytest.raises(InputError, match=r"images/a\.png.*(cannot be read|no such file)"):
        mapper(is_train=False)(record)


@pytest.mark.parametrize("is_train", [True, False])
def test_another_size_than_the_record_says(record, is_train):
    record["height"] = 41
    with pytest.raises(InputError, match=r"images/a\.png.*60 x 40.*60 x 41"):
        mapper(is_train)(record)


def test_masks_of_the_other_kind(record):
    with pytest.raises(InputError, match="INPUT.MASK_FORMAT"):
        mapper(use_masks=True, mask_format="polygon")(record)


def test_an_instance_without_mask_is_ignored_only_where_masks_are_in_use(record):
    del record["annotations"][3]["segmentation"]
    mapped = mapper()(record)
    assert len(mapped["instances"]) == 3 and len(mapped["ignored"]) == 1
    mapped = mapper(use_masks=True)(record)
    assert mapped["instances"].gt_classes.tolist() == [0, 7]
    assert mapped["ignored"].boxes.tolist() == [[0, 0, 60, 40], [32, 2, 50, 38]]
    assert mapped["ignored"].is_crowd.tolist() == [True, False]
    assert triplets(mapped) == [([10, 4, 30, 36], [28, 10, 36, 20], [6])]


def test_a_mask_that_nobody_checked_is_named(record):
    whole = record["annotations"][0]["segmentation"]
    for bad in (
        {"size": [40, 60], "counts": 7},
        {"size": [40, 60], "counts": whole["counts"][:-1]},
        {"size": [30, 60], "counts": [1700, 100]},
        {"counts": whole["counts"]},
        "mask.png",
    ):
        record["annotations"][0]["segmentation"] = bad
        with pytest.raises(InputError, match=r"images/a\.png, image 'a\.png': an instance's segm"):
            mapper(use_masks=True)(record)


def test_masks_are_checked_before_the_first_iteration(cfg, caplog):
    cfg.MODEL.MASK_ON = True
    with pytest.raises(InputError, match="INPUT.MASK_FORMAT.*'bitmask'"):
        build_hoi_train_loader(cfg)
    cfg.INPUT.MASK_FORMAT = "bitmask"
    records = [copy.deepcopy(record) for record in DatasetCatalog.get("loader_test")]
    for annotation in records[0]["annotations"]:
        annotation.pop("segmentation")
    register("loader_test", lambda: records, {"thing_classes": list("abcdefghij")})
    build_hoi_train_loader(cfg)
    assert "4 of the 12 training instances have no mask" in caplog.text


@pytest.fixture
def cfg(record, write_image, tmp_path):
    """A config that trains on three images, of which the second is cut short."""
    records = []
    for name in "abc":
        path = write_image(tmp_path / f"images/{name}.png", HEIGHT, WIDTH)
        records.append({**record, "file_name": str(path), "image_id": name})
    (tmp_path / "images/b.png").write_bytes(path.read_bytes()[:300])
    register("loader_test", lambda: records, {"thing_classes": list("abcdefghij")})
    cfg = get_cfg()
    add_choi_config(cfg)
    cfg.DATASETS.TRAIN = ("loader_test",)
    cfg.DATALOADER.NUM_WORKERS = 0
    cfg.SOLVER.IMS_PER_BATCH = 2
    cfg.INPUT.MIN_SIZE_TRAIN = (HEIGHT,)
    return cfg


def test_training_goes_on_without_the_broken_image(cfg):
    batches = iter(build_hoi_train_loader(cfg))
    seen = [mapped["image_id"] for _ in range(6) for mapped in next(batches)]
    assert set(seen) == {"a", "c"} and len(seen) == 12


def test_no_image_can_be_read(cfg, tmp_path):
    for path in (tmp_path / "images").iterdir():
        path.write_bytes(b"")
    with pytest.raises(InputError, match="none of the 3 training images can be read"):
        next(iter(build_hoi_train_loader(cfg)))


def test_a_data_set_that_nobody_registered(cfg):
    for names in ((), ("hoiw_trian",)):
        cfg.DATASETS.TRAIN = names
        with pytest.raises(InputError, match=r"DATASETS\.TRAIN"):
            build_hoi_train_loader(cfg)


def test_nothing_to_train_on(cfg):
    records = [{**record, "annotations": []} for record in DatasetCatalog.get("loader_test")]
    register("loader_test", lambda: records, {"thing_classes": list("abcdefghij")})
    with pytest.raises(InputError, match=r"DATASETS\.TRAIN.*No valid data"):
        build_hoi_train_loader(cfg)
    for record in records:
        del record["annotations"]
    with pytest.raises(InputError, match="is its data set a test set"):
        build_hoi_train_loader(cfg)
