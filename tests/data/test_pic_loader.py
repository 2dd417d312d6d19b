import json
import shutil
from dataclasses import replace

import numpy as np
import pycocotools.mask as mask_util
import pytest
from detectron2.data import DatasetCatalog, MetadataCatalog
from PIL import Image

from choi_d2.data.datasets import pic_maps
from choi_d2.data.datasets.pic import load_pic, load_pic_split, pic_files
from choi_d2.data.datasets.pic_maps import encode_instances, read_label_map
from choi_d2.data.validation import Problems
from choi_d2.utils import InputError

HEIGHT, WIDTH = 40, 60


def maps():
    """Two humans (7 and 2), a ball (3) that is cut in two by a human, one pixel of grass in it."""
    semantic, instance = np.zeros((2, HEIGHT, WIDTH), np.uint8)
    for instance_id, category, (x1, y1, x2, y2) in [
        (3, 18, (5, 10, 30, 20)),
        (7, 1, (10, 2, 20, 38)),
        (2, 1, (40, 0, 60, 40)),
    ]:
        instance[y1:y2, x1:x2] = instance_id
        semantic[y1:y2, x1:x2] = category
    semantic[12, 6] = 91
    return semantic, instance


@pytest.fixture
def pic(tmp_path, write_image):
    """A training split in v2's layout with images a and b; b has no relation."""
    files = pic_files(tmp_path, "train", "v2")
    semantic, instance = maps()
    for name in "ab":
        write_image(files.images / f"{name}.jpg", HEIGHT, WIDTH)
        for folder, pixels in ((files.semantic, semantic), (files.instance, instance)):
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(folder / f"{name}.png")
    relations = [
        {"subject": 7, "object": 3, "relation": 26},
        {"subject": 7, "object": 2, "relation": 4},
        {"subject": 7, "object": 3, "relation": 1},
    ]
    write(files, [entry("a", relations), entry("b", [])])
    return files


def entry(name, relations):
    return {"name": f"{name}.jpg", "image_id": 0, "relations": relations}


def write(files, entries):
    files.relations.write_text(json.dumps(entries))


def relate(files, **changes):
    """Change the first relation of image a."""
    entries = json.loads(files.relations.read_text())
    entries[0]["relations"][0].update(changes)
    write(files, entries)


def test_records(pic):
    first, second = load_pic(pic, "v2")
    assert (first["image_id"], first["height"], first["width"]) == ("a.jpg", HEIGHT, WIDTH)
    assert first["file_name"] == str(pic.images / "a.jpg")
    assert first["semantic_file_name"] == str(pic.semantic / "a.png")
    assert first["instance_file_name"] == str(pic.instance / "a.png")
    # Ascending by instance id 2, 3, 7; the ball has a pixel of grass, whose id is higher.
    categories = [annotation["category_id"] for annotation in first["annotations"]]
    assert categories == [0, 90, 0]
    assert first["interactions"] == [
        {"human": 2, "object": 1, "verbs": [0, 25]},
        {"human": 2, "object": 0, "verbs": [3]},
    ]
    assert second["interactions"] == [] and len(second["annotations"]) == 3


def test_masks_and_boxes_are_those_of_the_map(pic):
    instance = maps()[1]
    for annotation, instance_id in zip(load_pic(pic, "v2")[0]["annotations"], (2, 3, 7)):
        mask = mask_util.decode(annotation["segmentation"]).astype(bool)
        np.testing.assert_array_equal(mask, instance == instance_id)
        rows, columns = np.nonzero(mask)
        box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        assert annotation["bbox"] == box


def test_encoding_equals_a_plain_loop():
    generator = np.random.default_rng(0)
    semantic = generator.integers(0, 5, (13, 17)).astype(np.uint8)
    instance = generator.integers(0, 4, (13, 17)).astype(np.uint8) * 60
    encoded = encode_instances(semantic, instance)
    assert [entry["id"] for entry in encoded] == [60, 120, 180]
    for entry in encoded:
        mask = instance == entry["id"]
        np.testing.assert_array_equal(mask_util.decode(entry["segmentation"]), mask)
        assert entry["category"] == semantic[mask].max()
        assert entry["majority"] == np.bincount(semantic[mask]).argmax()


def test_no_instance_and_nothing_else():
    empty, full = np.zeros((4, 5), np.uint8), np.full((4, 5), 9, np.uint8)
    assert encode_instances(empty, empty) == []
    (only,) = encode_instances(full, full)
    assert only["bbox"] == [0, 0, 5, 4]


def test_maps_are_read_once(pic, monkeypatch):
    before = load_pic(pic, "v2")
    reads = []
    monkeypatch.setattr(
        pic_maps, "read_label_map", lambda path: reads.append(path) or read_label_map(path)
    )
    assert load_pic(pic, "v2") == before and reads == []

    semantic, instance = maps()
    instance[instance == 2] = 9
    Image.fromarray(instance).save(pic.instance / "a.png", compress_level=1)
    assert load_pic(pic, "v2") != before and len(reads) == 2


def problems_of(files, version="v2"):
    problems = Problems(files.relations, collect=True)
    load_pic(files, version, problems=problems)
    return problems


def test_class_that_the_official_rule_and_the_majority_see_differently(pic):
    problems = problems_of(pic)
    assert problems.counts() == {"unclear class": 2} and problems.num_fatal == 0
    assert "91 (grass), the most frequent 18" in problems.found[0].message


TOLERATED = {
    "dangling id": {"object": 100},
    "unknown verb": {"relation": 31},
    "subject is no human": {"subject": 3, "object": 2},
    "repeated triplet": {"relation": 1},
}


@pytest.mark.parametrize("kind", TOLERATED)
def test_tolerated(pic, kind):
    relate(pic, **TOLERATED[kind])
    assert problems_of(pic).counts() == {"unclear class": 2, kind: 1}
    pairs = [len(record["interactions"]) for record in load_pic(pic, "v2")]
    assert pairs == [2, 0]


FATAL = {
    "self relation": {"object": 7},
    "wrong type": {"object": [3]},
    "bad number": {"relation": "hold"},
}


@pytest.mark.parametrize("kind", FATAL)
def test_fatal(pic, kind):
    relate(pic, **FATAL[kind])
    assert problems_of(pic).counts()[kind] == 1
    with pytest.raises(InputError, match=r"relations_train\.json, image 'a\.jpg', field 'relatio"):
        load_pic(pic, "v2")


@pytest.mark.parametrize("entries", [[], [entry("a", []), entry("a", [])], [{"name": "a.jpg"}]])
def test_fatal_files(pic, entries):
    write(pic, entries)
    with pytest.raises(InputError, match=r"relations_train\.json"):
        load_pic(pic, "v2")


def test_a_missing_map_leaves_the_image_out(pic, caplog):
    (pic.instance / "a.png").unlink()
    assert [record["image_id"] for record in load_pic(pic, "v2")] == ["b.jpg"]
    assert "1 x missing map" in caplog.text and str(pic.instance / "a.png") in caplog.text


@pytest.mark.parametrize("mode", ["P", "I;16", "RGB", "1", "text", "half"])
def test_a_map_that_is_no_grey_png(pic, mode):
    path = pic.semantic / "a.png"
    if mode == "text":
        path.write_text("not a PNG, but long enough to be one")
    elif mode == "half":
        path.write_bytes(path.read_bytes()[:60])
    elif mode == "I;16":
        Image.fromarray(maps()[0].astype(np.uint16)).save(path)
    else:
        Image.fromarray(maps()[0]).convert(mode).save(path)
    with pytest.raises(InputError, match=r"semantic/train/a\.png, image 'a\.jpg'"):
        load_pic(pic, "v2")
    assert problems_of(pic).counts()["bad map"] == 1


def test_sizes_that_differ(pic):
    semantic, instance = maps()
    Image.fromarray(instance[:-1]).save(pic.instance / "a.png")
    with pytest.raises(InputError, match="60 x 40, the instance map .* 60 x 39"):
        load_pic(pic, "v2")
    for folder, turned in ((pic.instance, instance.T), (pic.semantic, semantic.T)):
        Image.fromarray(np.ascontiguousarray(turned)).save(folder / "a.png")
    with pytest.raises(InputError, match="the maps are 40 x 60 .* is 60 x 40: a turn.*EXIF"):
        load_pic(pic, "v2")
    Image.fromarray(instance[:-1]).save(pic.instance / "a.png")
    Image.fromarray(semantic[:-1]).save(pic.semantic / "a.png")
    with pytest.raises(InputError, match="the maps are 60 x 39 .* the image is 60 x 40"):
        load_pic(pic, "v2")
    assert problems_of(pic).counts()["size mismatch"] == 1


def test_ids_of_the_other_release(pic):
    # 84 categories in v1, 143 in v2: grass is 91.
    with pytest.raises(InputError, match="PIC v1 has 1 to 84"):
        load_pic(pic, "v1")
    # v1's "next-to" is v2's "drive".
    write(pic, [entry("a", [{"subject": 7, "object": 3, "relation": 20}] * 30)])
    with pytest.raises(InputError, match="this file is of v1"):
        load_pic(pic, "v2")


def test_a_split_without_annotations(tmp_path, pic):
    shutil.copytree(pic.images, tmp_path / "image/test")
    records = load_pic_split(tmp_path, "test", "v2")
    assert [record["image_id"] for record in records] == ["a.jpg", "b.jpg"]
    assert "annotations" not in records[0]
    with pytest.raises(InputError, match="there is no image"):
        load_pic(replace(pic, relations=None, images=tmp_path / "nothing"), "v2")


def test_the_layout_of_the_other_release(tmp_path, pic, write_image):
    v1 = pic_files(tmp_path / "old", "val", "v1")
    assert v1.instance == tmp_path / "old/segmentation/val/instance"
    for source, target in (
        (pic.images, v1.images),
        (pic.semantic, v1.semantic),
        (pic.instance, v1.instance),
    ):
        shutil.copytree(source, target)
    semantic, _ = maps()
    semantic[12, 6] = 18
    Image.fromarray(semantic).save(v1.semantic / "a.png")
    v1.relations.parent.mkdir()
    write(v1, [entry("a", [{"subject": 7, "object": 3, "relation": 17}])])
    (record,) = load_pic_split(tmp_path / "old", "val", "v1")
    assert record["interactions"] == [{"human": 2, "object": 1, "verbs": [16]}]
    with pytest.raises(InputError, match="layout of PIC v1.*pic_v1_"):
        load_pic_split(tmp_path / "old", "val", "v2")
    with pytest.raises(InputError, match="layout of PIC v2"):
        load_pic_split(tmp_path, "train", "v1")


def test_registered(tmp_path, pic, register_under):
    root = tmp_path / "root"
    shutil.copytree(tmp_path, root / "pic", ignore=shutil.ignore_patterns("root"))
    register_under(root)
    assert len(DatasetCatalog.get("pic_train")) == 2
    v1, v2 = (MetadataCatalog.get(name) for name in ("pic_v1_train", "pic_train"))
    assert (len(v1.thing_classes), len(v2.thing_classes)) == (84, 143)
    geometric = [v2.verb_classes[verb] for verb in v2.geometric_verbs]
    assert geometric[:3] == ["in front of", "behind", "next-to"]
    assert v1.verb_classes[v1.verb_dataset_id_to_contiguous_id[20]] == "next-to"
    with pytest.raises(InputError, match="pic_v1_train are not there"):
        DatasetCatalog.get("pic_v1_train")
