import logging

import pytest
from detectron2.data import DatasetCatalog, MetadataCatalog
from detectron2.structures import BoxMode

from choi_d2.data.datasets.hoiw import load_hoiw_json
from choi_d2.data.validation import Problems
from choi_d2.utils import InputError


def load(hoiw):
    return load_hoiw_json(hoiw.json_file, hoiw.image_root)


def test_records(hoiw):
    first, second, third = load(hoiw)
    assert first["file_name"] == str(hoiw.image_root / "a.png")
    assert (first["image_id"], first["height"], first["width"]) == ("a.png", 40, 60)
    assert [annotation["category_id"] for annotation in first["annotations"]] == [3, 0, 5]
    assert first["annotations"][0] == {
        "bbox": [30.0, 10.0, 40.0, 20.0],
        "bbox_mode": BoxMode.XYXY_ABS,
        "category_id": 3,
        "iscrowd": 0,
    }
    # Two entries of one pair are one pair with two verbs.
    assert first["interactions"] == [
        {"human": 1, "object": 0, "verbs": [4, 6]},
        {"human": 1, "object": 2, "verbs": [5]},
    ]
    assert second["interactions"] == [] and len(second["annotations"]) == 1
    assert third["annotations"] == [] and third["interactions"] == []


def test_a_test_set_has_no_annotations(hoiw):
    hoiw.entries = [{"file_name": "b.png"}, {"file_name": "a.png"}]
    records = load(hoiw.write())
    assert [record["image_id"] for record in records] == ["b.png", "a.png"]
    assert "annotations" not in records[0] and "interactions" not in records[0]


def change(**changes):
    """A change of the first image, as a function of the entries."""
    return lambda entries: entries[0].update(changes)


def change_instance(position, **changes):
    return lambda entries: entries[0]["annotations"][position].update(changes)


def change_triplet(position, **changes):
    return lambda entries: entries[0]["hoi_annotation"][position].update(changes)


TOLERATED = {
    # kind: (change, categories of the first image, its pairs)
    "unknown category": (change_instance(0, category_id="12"), [0, 5], [(0, 1)]),
    "box without area": (change_instance(0, bbox=[30, 10, 30, 20]), [0, 5], [(0, 1)]),
    "box partly outside": (change_instance(0, bbox=[30, 10, 70, 20]), [3, 0, 5], [(1, 0), (1, 2)]),
    "unknown verb": (change_triplet(1, category_id=0), [3, 0, 5], [(1, 0)]),
    "dangling id": (change_triplet(1, object_id=-1), [3, 0, 5], [(1, 0)]),
    "subject is no human": (change_triplet(1, subject_id=2, object_id=0), [3, 0, 5], [(1, 0)]),
    "object is a human": (change_triplet(1, object_id=1), [3, 0, 5], [(1, 0)]),
    "repeated triplet": (change_triplet(1, object_id=0, category_id=7), [3, 0, 5], [(1, 0)]),
    "no annotation": (change(annotations=[], hoi_annotation=[]), [], []),
}


@pytest.mark.parametrize("kind", TOLERATED)
def test_tolerated(hoiw, kind, caplog):
    alter, categories, pairs = TOLERATED[kind]
    alter(hoiw.entries)
    hoiw.write()
    with caplog.at_level(logging.WARNING):
        record = load(hoiw)[0]
    assert [annotation["category_id"] for annotation in record["annotations"]] == categories
    assert [(pair["human"], pair["object"]) for pair in record["interactions"]] == pairs
    warning = next(text for text in caplog.messages if f" x {kind} " in text)
    assert "gt.json, image 'a.png'" in warning


def test_a_box_wholly_outside_has_no_area(hoiw):
    change_instance(0, bbox=[70, 10, 90, 20])(hoiw.entries)
    hoiw.write()
    problems = Problems(hoiw.json_file, collect=True)
    load_hoiw_json(hoiw.json_file, hoiw.image_root, problems=problems)
    # The pair of two verbs goes with it.
    expected = {"no annotation": 1, "box without area": 1, "pair of a left-out instance": 2}
    assert problems.counts() == expected
    assert problems.num_fatal == 0


def test_clipping_keeps_the_rest_of_the_box(hoiw):
    change_instance(0, bbox=[30, -5, 70, 20])(hoiw.entries)
    assert load(hoiw.write())[0]["annotations"][0]["bbox"] == [30.0, 0.0, 60.0, 20.0]


@pytest.mark.parametrize("content", [None, b"", b"not an image", b"\x89PNG\r\n\x1a\n"])
def test_a_missing_or_broken_image_is_left_out(hoiw, content, caplog):
    path = hoiw.image_root / "a.png"
    path.unlink() if content is None else path.write_bytes(content)
    records = load(hoiw)
    assert [record["image_id"] for record in records] == ["b.png", "c.png"]
    assert ("missing image" if content is None else "broken image") in caplog.text
    assert str(path) in caplog.text


FATAL = {
    "no annotations": (lambda entries: entries[0].pop("annotations"), "annotations"),
    "no pairs": (lambda entries: entries[0].pop("hoi_annotation"), "hoi_annotation"),
    "no name": (lambda entries: entries[0].pop("file_name"), r"\[0\].file_name"),
    "no entry": (lambda entries: entries.insert(0, 3), r"\[0\]"),
    "empty name": (change(file_name=""), r"\[0\].file_name"),
    "no file could have that name": (change(file_name="a\0.png"), r"\[0\].file_name"),
    "no list": (change(annotations={}), "annotations"),
    "no instance": (change(annotations=["x"]), r"annotations\[0\]"),
    "no box": (change_instance(1, bbox=None), r"annotations\[1\].bbox"),
    "three numbers": (change_instance(1, bbox=[1, 2, 3]), r"annotations\[1\].bbox"),
    "not finite": (change_instance(1, bbox=[1, 2, 3, float("nan")]), r"annotations\[1\].bbox"),
    "text in a box": (change_instance(1, bbox=[1, 2, 3, "4"]), r"annotations\[1\].bbox"),
    "no category": (change_instance(1, category_id="dog"), r"annotations\[1\].category_id"),
    "half a verb": (change_triplet(1, category_id=1.5), r"hoi_annotation\[1\].category_id"),
    "no subject": (change_triplet(1, subject_id=None), r"hoi_annotation\[1\].subject_id"),
    "twice": (lambda entries: entries.append(entries[0]), "file_name"),
    "nothing": (lambda entries: entries.clear(), "empty"),
}


@pytest.mark.parametrize("case", FATAL)
def test_fatal(hoiw, case):
    alter, place = FATAL[case]
    alter(hoiw.entries)
    hoiw.write()
    with pytest.raises(InputError, match=place) as error:
        load(hoiw)
    assert str(hoiw.json_file) in str(error.value)
    problems = Problems(hoiw.json_file, collect=True)
    load_hoiw_json(hoiw.json_file, hoiw.image_root, problems=problems)
    assert problems.num_fatal == 1


@pytest.mark.parametrize("content", [None, "", "[1, 2", "{}", "\x00\xff"])
def test_a_broken_file(hoiw, content):
    if content is None:
        hoiw.json_file.unlink()
    else:
        hoiw.json_file.write_text(content, encoding="latin-1")
    with pytest.raises(InputError, match=r"gt\.json"):
        load(hoiw)


def test_the_wrong_image_folder(hoiw):
    with pytest.raises(InputError, match="none of the 3 images is in"):
        load_hoiw_json(hoiw.json_file, hoiw.root / "elsewhere")


def test_registered_under_any_root(write_image, register_under, tmp_path, hoiw):
    root = tmp_path / "root"
    write_image(root / "hoiw/images/trainval/a.png")
    (root / "hoiw/annotations").mkdir()
    hoiw.entries = hoiw.entries[:1]
    hoiw.write().json_file.rename(root / "hoiw/annotations/val.json")
    register_under(root)
    metadata = MetadataCatalog.get("hoiw_val")
    assert metadata.image_root == str(root / "hoiw/images/trainval")
    assert metadata.thing_classes[metadata.human_class] == "person"
    assert metadata.verb_classes[metadata.verb_dataset_id_to_contiguous_id[5]] == "drink"
    assert (metadata.evaluator_type, metadata.humans_as_objects) == ("hoiw", False)
    assert len(DatasetCatalog.get("hoiw_val")) == 1
    with pytest.raises(InputError, match="DETECTRON2_DATASETS"):
        DatasetCatalog.get("hoiw_test")
