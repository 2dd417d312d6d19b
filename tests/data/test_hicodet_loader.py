import json

import pytest
from detectron2.data import DatasetCatalog, MetadataCatalog

from choi_d2.categories.hicodet import HOIS, OBJECTS
from choi_d2.data.datasets.hicodet import hicodet_metadata, load_hicodet
from choi_d2.data.validation import Problems
from choi_d2.utils import InputError

BICYCLE = hicodet_metadata()["thing_classes"].index("bicycle")
VERB = {name: i for i, name in enumerate(hicodet_metadata()["verb_classes"])}
HOLD, RIDE, NO_INTERACTION = 12, 19, 24
"""HOI ids of a bicycle."""


def pair(human, thing, hoi_id):
    return {"human": human, "object": thing, "hoi": hoi_id}


def instances(images, shift=1):
    """The "instances" form; boxes count from 0 here."""
    entries = [
        {
            "boxes_h": [[v + shift for v in p["human"]] for p in pairs],
            "boxes_o": [[v + shift for v in p["object"]] for p in pairs],
            "hoi": [p["hoi"] - 1 for p in pairs],
            "object": [HOIS[p["hoi"] - 1].object for p in pairs],
            "verb": [HOIS[p["hoi"] - 1].verb for p in pairs],
        }
        for pairs in images.values()
    ]
    sizes = [[60, 40]] * len(images)
    return {"annotation": entries, "filenames": list(images), "size": sizes}


RIDER, RIDER_AGAIN, BIKE = [0, 0, 19, 39], [1, 0, 20, 37], [5, 20, 59, 39]
IMAGES = {
    "a.jpg": [pair(RIDER, BIKE, RIDE), pair(RIDER_AGAIN, BIKE, HOLD)],
    "b.jpg": [],
    "c.jpg": [pair([30, 0, 49, 29], BIKE, NO_INTERACTION)],
}


@pytest.fixture
def folder(tmp_path, write_image):
    """``folder.load(content)``: records and problems of a JSON beside three images."""

    class Folder:
        json_file = tmp_path / "gt.json"
        image_root = tmp_path / "images"

        def write(self, content):
            self.json_file.write_text(json.dumps(content))

        def load(self, content, **options):
            self.write(content)
            problems = Problems(self.json_file, collect=True)
            records = load_hicodet(self.json_file, self.image_root, problems=problems, **options)
            return records, problems

    for name in IMAGES:
        write_image(tmp_path / "images" / name, 40, 60)
    return Folder()


def hoia():
    return [
        {
            "file_name": "a.jpg",
            "annotations": [
                {"bbox": RIDER, "category_id": 1},
                {"bbox": BIKE, "category_id": 2},
                {"bbox": [40, 5, 50, 30], "category_id": 1},
                {"bbox": RIDER_AGAIN, "category_id": 1},
            ],
            "hoi_annotation": [
                {"subject_id": 0, "object_id": 1, "category_id": 77, "hoi_category_id": RIDE},
                {"subject_id": 0, "object_id": 1, "category_id": 37, "hoi_category_id": HOLD},
            ],
        }
    ]


def test_metadata_has_coco_s_order_and_hico_det_s_names():
    metadata = hicodet_metadata()
    assert metadata["thing_classes"][:2] == ["person", "bicycle"]
    assert sorted(metadata["thing_classes"]) == list(OBJECTS)
    assert metadata["thing_dataset_id_to_contiguous_id"][90] == 79
    assert len(metadata["allowed_interactions"]) == 600
    assert ("ride", "bicycle") in metadata["allowed_interactions"]


def test_records_have_corners_and_one_instance_for_boxes_drawn_twice(folder):
    records, problems = folder.load(instances(IMAGES))
    first, empty, third = records
    assert problems.counts() == {"no annotation": 1} and empty["annotations"] == []
    assert first["image_id"] == "a.jpg" and (first["height"], first["width"]) == (40, 60)
    assert [a["bbox"] for a in first["annotations"]] == [[0.5, 0, 20.5, 39], [5, 20, 60, 40]]
    assert [a["category_id"] for a in first["annotations"]] == [0, BICYCLE]
    verbs = sorted([VERB["hold"], VERB["ride"]])
    assert first["interactions"] == [{"human": 0, "object": 1, "verbs": verbs}]
    assert third["interactions"][0]["verbs"] == [VERB["no_interaction"]]


def test_boxes_of_no_pair_are_instances_unless_they_are_there_already(folder):
    (record,), problems = folder.load(hoia())
    assert not problems.found
    boxes = [[0, 0, 20, 40], [5, 20, 60, 40], [40, 5, 51, 31]]
    assert [a["bbox"] for a in record["annotations"]] == boxes
    assert len(record["interactions"]) == 1


@pytest.mark.parametrize("name", ["hicodet", "hicodet_edge"])
@pytest.mark.parametrize("split", ["train", "test"])
def test_all_forms_give_the_same_records(
    repository, write_image, tmp_path, monkeypatch, name, split
):
    monkeypatch.setenv("CHOI_D2_CACHE", str(tmp_path / "cache"))
    fixture = repository / "tests/fixtures" / name
    content = json.loads((fixture / f"instances_{split}2015.json").read_text())
    for file_name, (width, height) in zip(content["filenames"], content["size"], strict=True):
        write_image(tmp_path / file_name, height, width)
    prefix = "trainval" if split == "train" else "test"
    loaded = []
    for file in (f"instances_{split}2015.json", f"{prefix}_hico.json", "anno_bbox.mat"):
        problems = Problems(file, collect=True)
        records = load_hicodet(fixture / file, tmp_path, split, problems=problems)
        assert problems.num_fatal == 0
        invisible = problems.counts().get("invisible pair", 0)
        assert (invisible > 0) == (file == "anno_bbox.mat")
        # Which of the two boxes that no pair has is kept is the form's: compare what pairs have.
        loaded.append([in_pairs(record) for record in records])
    assert loaded[0] == loaded[1] == loaded[2]
    assert sum(len(pairs) for pairs in loaded[0]) > 20


def in_pairs(record):
    boxes = [tuple(a["bbox"]) for a in record["annotations"]]
    return sorted(
        (boxes[p["human"]], boxes[p["object"]], tuple(p["verbs"])) for p in record["interactions"]
    )


@pytest.mark.parametrize("form", ["instances", "hoia"])
def test_pixels_that_count_from_another_number_are_told(folder, form):
    if form == "instances":
        wrong = instances(IMAGES, shift=0)
        expected = "counts pixels from 1, the file seems to count from 0"
    else:
        wrong = hoia()
        for box in wrong[0]["annotations"]:
            box["bbox"] = [v + 1 for v in box["bbox"]]
        expected = "counts pixels from 0, the file seems to count from 1"
    _, problems = folder.load(wrong)
    (found,) = [p for p in problems.found if p.kind == "other pixel base"]
    assert expected in found.message and found.image == "a.jpg"
    assert problems.counts()["box partly outside"] >= 1
    _, problems = folder.load(instances(IMAGES) if form == "instances" else hoia())
    assert "other pixel base" not in problems.counts()


def test_images_that_are_missing_or_of_another_size_are_left_out(folder, write_image):
    write_image(folder.image_root / "a.jpg", 60, 40)
    (folder.image_root / "c.jpg").unlink()
    records, problems = folder.load(instances(IMAGES))
    assert [record["image_id"] for record in records] == ["b.jpg"]
    assert problems.counts()["image of another size"] == problems.counts()["missing image"] == 1
    assert problems.num_fatal == 0
    for name in "bc":
        write_image(folder.image_root / f"{name}.jpg", 60, 40)
    assert folder.load(instances(IMAGES))[1].counts()["size mismatch"] == 1


def test_broken_boxes_take_their_pairs_with_them(folder):
    outside = pair([70, 0, 80, 20], BIKE, RIDE)
    inside_out = pair([20, 0, 10, 20], BIKE, HOLD)
    records, problems = folder.load(instances({"a.jpg": [*IMAGES["a.jpg"], outside, inside_out]}))
    assert problems.counts() == {"box without area": 2}
    assert all("(human)" in problem.field for problem in problems.found)
    assert len(records[0]["annotations"]) == 2 and len(records[0]["interactions"]) == 1


def test_what_is_not_the_interaction_classs_own_is_told(folder):
    content = hoia()
    content[0]["annotations"][1]["category_id"] = 3
    (record,), problems = folder.load(content)
    assert problems.counts() == {"unlike interaction class": 1}
    assert record["annotations"][1]["category_id"] == BICYCLE
    content = hoia()
    content[0]["annotations"][0]["category_id"] = 18
    assert "subject is no person" in folder.load(content)[1].found[0].message
    content = hoia()
    content[0]["annotations"][2]["category_id"] = 91
    assert folder.load(content)[1].counts() == {"unknown category": 1}


def test_broken_files(folder):
    content = hoia()
    content[0]["hoi_annotation"][0]["hoi_category_id"] = 601
    folder.write(content)
    with pytest.raises(InputError, match=r"a\.jpg.*hoi_annotation\[0\].*1\.\.600, found 601"):
        load_hicodet(folder.json_file, folder.image_root)
    (folder.json_file.parent / "anno.mat").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(200))
    with pytest.raises(InputError, match=r"anno\.mat"):
        load_hicodet(folder.json_file.parent / "anno.mat", folder.image_root)


def test_registered(folder, tmp_path, register_under, write_image):
    register_under(tmp_path)
    for name in IMAGES:
        write_image(tmp_path / "hicodet/images/test2015" / name, 40, 60)
    with pytest.raises(InputError, match="hicodet_test.*README"):
        DatasetCatalog.get("hicodet_test")
    (tmp_path / "hicodet/annotations").mkdir()
    (tmp_path / "hicodet/annotations/test.json").write_text(json.dumps(instances(IMAGES)))
    assert len(DatasetCatalog.get("hicodet_test")) == 3
    metadata = MetadataCatalog.get("hicodet_test")
    assert metadata.evaluator_type == "hicodet"
    assert metadata.train_file == str(tmp_path / "hicodet/annotations/train.json")
