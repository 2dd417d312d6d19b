"""The photo model's data sets: aspect, whose boxes are where, numbering, certainty."""

import importlib.util
import json

import cv2
import numpy as np
import pytest

from choi_d2.categories.vcoco import ACTIONS
from choi_d2.categories.vcoco import VERBS as ACTION_ROLES
from choi_d2.data.datasets.hoi_json import load_hoi_json
from choi_d2.evaluation.findings import Findings
from choi_d2.evaluation.vcoco_files import read_vcoco_truth
from choi_d2.utils import InputError

CATEGORIES = [{"id": 1, "name": "person"}, {"id": 2, "name": "kite"}]
VERBS = [{"id": 1, "name": "hold_obj"}]
PERSON, KITE = 21, 22


@pytest.fixture(scope="module")
def script(repository):
    path = repository / "datasets" / "prepare_vcoco_photos.py"
    spec = importlib.util.spec_from_file_location("prepare_vcoco_photos", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def annotated(number, name, size=(640, 480)):
    """A person that holds a kite, both in COCO's pixels."""
    width, height = size
    boxes = [[0, 0, width / 2, height / 2], [width / 2, height / 2, width / 2, height / 2]]
    return {
        "categories": CATEGORIES,
        "verbs": VERBS,
        "images": [{"id": number, "file_name": name, "width": width, "height": height}],
        "annotations": [
            {"id": i + 1, "image_id": number, "category_id": i + 1, "bbox": box}
            for i, box in enumerate(boxes)
        ],
        "interactions": [{"human_id": 1, "object_id": 2, "verb_id": 1}],
    }


def write_val_of_vcoco(folder, drawn):
    """In b.jpg a person holds a kite and stands; d.jpg is in V-COCO's val without any pair."""
    for number, name, size in ((2, "b.jpg", (640, 480)), (4, "d.jpg", (480, 640))):
        drawn["images"].append({**annotated(number, name, size)["images"][0]})
    for i, box in ((PERSON, [0, 0, 320, 240]), (KITE, [320, 240, 320, 240])):
        category = {PERSON: 1, KITE: 38}[i]
        box = {"id": i, "image_id": 2, "category_id": category, "bbox": box, "iscrowd": 0}
        drawn["annotations"].append({**box, "area": 320 * 240})
    alone = {"id": 23, "image_id": 4, "category_id": 1, "bbox": [0, 0, 100, 100], "iscrowd": 0}
    drawn["annotations"].append({**alone, "area": 10000})
    actions = []
    for action, roles in ACTIONS:
        holds = [int(action in ("hold", "stand")), int(action == "stand")]
        fillers = [KITE if action == "hold" else 0, 0] * len(roles)
        entry = {"action_name": action, "role_name": ["agent", *roles], "image_id": [2, 4]}
        people = {"ann_id": [PERSON, 23], "role_object_id": [PERSON, 23, *fillers]}
        actions.append({**entry, **people, "label": holds})
    (folder / "vcoco_val.json").write_text(json.dumps(actions))
    (folder / "val.ids").write_text("2\n4\n")


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "source"
    for name in ("photos", "annotations", "official"):
        (folder / name).mkdir(parents=True)
    files = {"train": "a.jpg", "val": "b.jpg", "test": "c.jpg"}
    for number, (split, name) in enumerate(files.items(), 1):
        content = json.dumps(annotated(number, name))
        (folder / "annotations" / f"{split}.json").write_text(content)
    # COCO's own ids have gaps.
    drawn = annotated(1, "a.jpg")
    drawn["categories"] = [{"id": 1, "name": "person"}, {"id": 38, "name": "kite"}]
    kite = {"id": 9, "image_id": 1, "category_id": 38, "bbox": [0, 400, 64, 48], "iscrowd": 0}
    drawn["annotations"] = [{**kite, "area": 64 * 48}]
    write_val_of_vcoco(folder / "official", drawn)
    (folder / "official" / "instances_partial.json").write_text(json.dumps(drawn))
    detected = {
        name: {
            "width": 640,
            "height": 480,
            # V-COCO's person once more, and a person that nobody has drawn.
            "boxes": [[0.01, 0, 0.5, 0.5], [0.6, 0.0, 0.9, 0.4]],
            "classes": [0, 0],
            "scores": [0.9, 0.3],
        }
        for name in ("a.jpg", "b.jpg", "c.jpg", "d.jpg")
    }
    detected["d.jpg"].update(width=480, height=640)
    (folder / "boxes_tiny.json").write_text(json.dumps(detected))
    for name in detected:
        cv2.imwrite(str(folder / "photos" / name), np.full((256, 256, 3), 90, np.uint8))
    return folder


def records(output, name):
    loaded = load_hoi_json(output / f"{name}.json", output / "photos")
    return {record["image_id"]: record for record in loaded}


def test_photos_have_their_aspect_and_boxes_their_places(script, source, tmp_path):
    output = tmp_path / "output"
    script.prepare(source, output, side=120)
    assert cv2.imread(str(output / "photos" / "a.jpg")).shape == (120, 160, 3)
    assert cv2.imread(str(output / "photos" / "d.jpg")).shape == (160, 120, 3)

    (train,) = records(output, "train").values()
    boxes = [instance["bbox"] for instance in train["annotations"]]
    np.testing.assert_allclose(boxes, [[0, 0, 80, 60], [80, 60, 160, 120], [96, 0, 144, 48]])
    written = json.loads((output / "train.json").read_text())["annotations"]
    assert [x.get("certainty", 1) for x in written] == [1, 1, 0.3]
    assert train["interactions"] == [{"human": 0, "object": 1, "verbs": [0]}]

    test = records(output, "test")[3]
    assert len(test["annotations"]) == 2
    assert len(records(output, "trainval")) == 2
    assert all(len(x["interactions"]) == 1 for x in records(output, "trainval").values())


def test_test_photos_are_not_among_the_boxes(script, source, tmp_path):
    script.prepare(source, tmp_path, side=120)
    content = json.loads((tmp_path / "boxes.json").read_text())
    names = [image["file_name"] for image in content["images"]]
    assert names == ["a.jpg", "b.jpg", "d.jpg"]
    of_a = [x for x in content["annotations"] if x["image_id"] == 1]
    # V-COCO's two, COCO's kite under the files' own id, the detector's other person.
    assert [x["category_id"] for x in of_a] == [1, 2, 2, 1]
    assert [x["certainty"] for x in of_a if "certainty" in x] == [0.3]
    assert len({x["id"] for x in content["annotations"]}) == len(content["annotations"])


def test_detections_are_coco_results_of_the_annotated_photos(script, source, tmp_path):
    script.prepare(source, tmp_path, side=120)
    results = json.loads((tmp_path / "detections.json").read_text())
    assert [x["image_id"] for x in results] == [1, 1, 2, 2, 3, 3, 4, 4]
    assert results[1] == {
        "image_id": 1,
        "category_id": 1,
        "bbox": [96, 0, 48, 48],
        "score": 0.3,
    }


def test_official_files_are_in_the_photos_frames(script, source, tmp_path):
    script.prepare(source, tmp_path, side=120)
    folder = tmp_path / "official"
    files = (folder / "vcoco_val.json", folder / "instances_val.json", folder / "val.ids")
    image_ids, people = read_vcoco_truth(*files, Findings())
    assert image_ids == [2, 4]
    np.testing.assert_allclose(people.boxes[0], [0, 0, 79, 59])
    assert people.annotated.all() and people.has_role.sum() == 1
    role = people.role_boxes[people.has_role]
    np.testing.assert_allclose(role, [[80, 60, 159, 119]])

    with_pair, without = records(tmp_path, "val_roles").values()
    hold = ACTION_ROLES.index("hold_obj")
    assert with_pair["interactions"] == [{"human": 0, "object": 1, "verbs": [hold]}]
    assert without["image_id"] == 4 and without["annotations"] == []


def test_missing_files_are_named(script, source, tmp_path):
    (source / "boxes_tiny.json").unlink()
    with pytest.raises(InputError, match=r"expected one file boxes_\*.json, found 0"):
        script.prepare(source, tmp_path, side=120)
