import json

import cv2
import numpy as np
import pytest
from pycocotools import mask as coco_mask

from choi_d2.categories.hoiw import VERBS
from choi_d2.synthetic import make_dataset, scene_at
from choi_d2.synthetic.writer import MANIFEST, shake_faces
from choi_d2.utils import InputError

SIZES = {"train": 5, "val": 3}


def make(root, seed=7, sizes=SIZES, workers=1, **kwargs):
    return make_dataset(root, seed=seed, sizes=sizes, workers=workers, progress=False, **kwargs)


def read(path):
    return json.loads(path.read_text())


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("synthetic_hoiw")
    make(folder)
    return folder


def test_same_seed_same_bytes_with_any_number_of_workers(root, tmp_path, written):
    make(tmp_path, workers=2)
    assert written(tmp_path) == written(root)


def test_an_image_does_not_depend_on_how_many_there_are(root, tmp_path):
    make(tmp_path, sizes={"train": 2})
    for name in ("train_000000.jpg", "train_000001.jpg"):
        path = f"images/train/{name}"
        assert (tmp_path / path).read_bytes() == (root / path).read_bytes()
    assert read(tmp_path / "train.json") == read(root / "train.json")[:2]
    few, many = (read(r / "train_faces_noisy.json")["faces"] for r in (tmp_path, root))
    assert few.items() <= many.items()


def test_splits_and_seeds_share_no_image(root, tmp_path):
    make(tmp_path, seed=8)
    images = [p.read_bytes() for r in (root, tmp_path) for p in r.glob("images/*/*.jpg")]
    assert len(set(images)) == len(images) == 16


def test_ground_truth_is_in_the_released_format(root):
    for split, size in SIZES.items():
        entries = read(root / f"{split}.json")
        assert [e["file_name"] for e in entries] == [f"{split}_{i:06d}.jpg" for i in range(size)]
        for entry in entries:
            image = cv2.imread(str(root / "images" / split / entry["file_name"]))
            assert image.shape == (240, 320, 3)
            for annotation in entry["annotations"]:
                assert annotation["category_id"] in map(str, range(1, 12))
                x1, y1, x2, y2 = annotation["bbox"]
                assert 0 <= x1 < x2 <= 320 and 0 <= y1 < y2 <= 240
            for hoi in entry["hoi_annotation"]:
                human, thing = (entry["annotations"][hoi[k]] for k in ("subject_id", "object_id"))
                assert human["category_id"] == "1" != thing["category_id"]
                assert 1 <= hoi["category_id"] <= len(VERBS)


def test_masks_fit_their_boxes(root):
    for entry, masks in zip(read(root / "val.json"), read(root / "val_masks.json"), strict=True):
        assert masks["file_name"] == entry["file_name"]
        assert (masks["height"], masks["width"]) == (240, 320)
        for annotation, code in zip(entry["annotations"], masks["segmentations"], strict=True):
            x, y, w, h = coco_mask.toBbox(code)
            assert annotation["bbox"] == [x, y, x + w, y + h]


def test_sparse_annotations_have_the_same_triplets_and_nothing_else(root):
    dropped = 0
    for full, sparse, masks in zip(
        read(root / "train.json"),
        read(root / "train_sparse.json"),
        read(root / "train_sparse_masks.json"),
        strict=True,
    ):
        assert sparse["file_name"] == full["file_name"] == masks["file_name"]
        triplets = [
            [
                (e["annotations"][t["subject_id"]]["bbox"], t["category_id"])
                + (e["annotations"][t["object_id"]]["bbox"],)
                for t in e["hoi_annotation"]
            ]
            for e in (full, sparse)
        ]
        assert triplets[0] == triplets[1]
        ends = {t[k] for t in sparse["hoi_annotation"] for k in ("subject_id", "object_id")}
        assert (
            ends
            == set(range(len(sparse["annotations"])))
            == set(range(len(masks["segmentations"])))
        )
        for annotation, code in zip(sparse["annotations"], masks["segmentations"], strict=True):
            x, y, w, h = coco_mask.toBbox(code)
            assert annotation["bbox"] == [x, y, x + w, y + h]
        dropped += len(full["annotations"]) - len(sparse["annotations"])
    assert dropped > 0


def test_every_image_has_its_faces(root):
    names = {entry["file_name"] for entry in read(root / "train.json")}
    for kind in ("faces", "faces_noisy"):
        content = read(root / f"train_{kind}.json")
        assert content["detector"].startswith("synthetic") and set(content["faces"]) == names
        for face in (face for faces in content["faces"].values() for face in faces):
            x1, y1, x2, y2 = face["bbox"]
            assert 0 <= x1 < x2 <= 320 and 0 <= y1 < y2 <= 240 and 0 < face["score"] <= 1


def test_the_manifest_counts(root):
    manifest, entries = read(root / MANIFEST), read(root / "train.json")
    numbers = manifest["splits"]["train"]
    assert numbers["images"] == 5
    assert sum(numbers["instances"].values()) == sum(len(e["annotations"]) for e in entries)
    assert sum(numbers["triplets"].values()) == sum(len(e["hoi_annotation"]) for e in entries)


def test_the_files_hold_the_scene(root):
    scene = scene_at(7, "val", 1)
    entry = read(root / "val.json")[1]
    assert [a["bbox"] for a in entry["annotations"]] == scene.boxes.tolist()
    pixels = cv2.imread(str(root / "images/val/val_000001.jpg"))
    assert np.abs(pixels.astype(int) - scene.image).mean() < 4  # JPEG


def test_a_finished_set_is_not_made_again(tmp_path):
    first = make(tmp_path, sizes={"val": 2})
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")}
    assert make(tmp_path, sizes={"val": 2}) == first
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")} == before


@pytest.mark.parametrize(
    "damage", ("no manifest", "broken manifest", "lost image", "cut image", "stale")
)
def test_a_damaged_or_interrupted_set_is_made_again(tmp_path, damage, written):
    make(tmp_path, sizes={"val": 2})
    whole = written(tmp_path)
    image = tmp_path / "images/val/val_000001.jpg"
    if damage == "no manifest":
        (tmp_path / MANIFEST).unlink()
    elif damage == "broken manifest":
        (tmp_path / MANIFEST).write_text('{"parameters":')
    elif damage == "lost image":
        image.unlink()
    elif damage == "cut image":
        image.write_bytes(image.read_bytes()[:500])
    else:
        make(tmp_path, sizes={"val": 3})
    make(tmp_path, sizes={"val": 2})
    assert written(tmp_path) == whole


@pytest.mark.parametrize(
    "change,field",
    (
        ({"seed": -1}, "seed"),
        ({"sizes": {"valid": 3}}, "sizes"),
        ({"sizes": {"val": -3}}, "sizes.val"),
        ({"image_size": (64, 48)}, "image_size"),
    ),
)
def test_wrong_parameters_are_named(tmp_path, change, field):
    with pytest.raises(InputError, match=field):
        make(tmp_path, **{"sizes": {"val": 1}, **change})
    assert not list(tmp_path.iterdir())


def test_a_root_that_is_no_folder_is_named(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(InputError, match="taken: cannot be written to"):
        make(tmp_path / "taken", sizes={"val": 1})


def test_shaken_faces_miss_a_quarter_and_invent_some():
    rng = np.random.default_rng(0)
    faces = [[100.0, 50.0, 140.0, 90.0], [200.0, 60.0, 240.0, 100.0]]
    shaken = [shake_faces(rng, faces, (320, 240)) for _ in range(400)]
    boxes = np.array([face["bbox"] for found in shaken for face in found])
    near = [np.abs(boxes - face).max(axis=1) < 20 for face in faces]
    found = sum(n.sum() for n in near)
    assert 0.70 < found / 800 < 0.80
    assert 0.15 < (len(boxes) - found) / 400 < 0.35
