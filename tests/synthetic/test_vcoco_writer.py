import json

import numpy as np
import pytest
from detectron2.data import DatasetCatalog, MetadataCatalog
from pycocotools import mask as coco_mask

from choi_d2.categories.hoiw import OBJECTS
from choi_d2.categories.vcoco import ACTIONS
from choi_d2.data.datasets.vcoco import load_vcoco
from choi_d2.data.validation import Problems
from choi_d2.evaluation.__main__ import main as evaluate
from choi_d2.synthetic import make_dataset, scene_at
from choi_d2.synthetic.vcoco_writer import actions_of, is_annotated

SIZES = {"train": 1, "val": 5}
COCO = "annotations/instances_vcoco_all_2014.json"
NAN = float("nan")


def make(root):
    make_dataset(root, seed=6, sizes=SIZES, workers=1, progress=False, format="vcoco")


@pytest.fixture(scope="module")
def datasets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("datasets")
    make(folder / "synthetic_vcoco")
    return folder


@pytest.fixture
def root(datasets):
    return datasets / "synthetic_vcoco"


def test_same_seed_same_bytes_and_a_lost_list_is_written_again(root, tmp_path, written):
    make(tmp_path)
    assert written(tmp_path) == written(root)
    (tmp_path / "splits/vcoco_val.ids").unlink()
    make(tmp_path)
    assert written(tmp_path) == written(root)


def test_loads_without_a_problem(root):
    problems = Problems(root, collect=True)
    paths = root / "annotations/vcoco_val.json", root / COCO, root / "images/val"
    records = load_vcoco(*paths, root / "splits/vcoco_val.ids", problems=problems)
    assert problems.found == [] and len(records) == SIZES["val"]


def test_records_are_the_scenes(datasets, register_under):
    register_under(datasets)
    metadata = MetadataCatalog.get("synthetic_vcoco_val")
    assert metadata.evaluator_type == "vcoco" and len(metadata.thing_classes) == 80
    for index, record in enumerate(DatasetCatalog.get("synthetic_vcoco_val")):
        scene = scene_at(6, "val", index)
        kept = [k for k in range(len(scene.classes)) if is_annotated(scene, k)]
        assert [a["bbox"] for a in record["annotations"]] == scene.boxes[kept].tolist()
        for annotation, mask in zip(record["annotations"], scene.masks[kept], strict=True):
            decoded = coco_mask.decode(annotation["segmentation"])
            np.testing.assert_array_equal(decoded.astype(bool), mask)
        expected = set()
        for human, done in actions_of(scene).items():
            for action, objects in done.items():
                verbs = [f"{action}_{role}" for role in dict(ACTIONS)[action]] or [action]
                for verb, target in zip(verbs, objects or (None,), strict=True):
                    other = human if target is None else target
                    expected.add((kept.index(human), kept.index(other), verb))
        found = {
            (pair["human"], pair["object"], metadata.verb_classes[verb])
            for pair in record["interactions"]
            for verb in pair["verbs"]
        }
        assert found == expected
        assert [face["bbox"] for face in record["faces"]] == list(scene.faces.values())


def test_the_truth_as_prediction_is_perfect(root, tmp_path):
    coco = json.loads((root / COCO).read_text())
    boxes = {}
    for annotation in coco["annotations"]:
        x, y, w, h = annotation["bbox"]
        boxes[annotation["id"]] = [x, y, x + w - 1, y + h - 1]
    actions = json.loads((root / "annotations/vcoco_val.json").read_text())
    number = len(actions[0]["ann_id"])
    detections = []
    for row in range(number):
        person = {
            "image_id": actions[0]["image_id"][row],
            "person_box": boxes[actions[0]["ann_id"][row]],
        }
        for action in actions:
            score = 0.9 if action["label"][row] else NAN
            person[f"{action['action_name']}_agent"] = score
            for k, role in enumerate(action["role_name"][1:], 1):
                box = boxes.get(action["role_object_id"][k * number + row], [0.0] * 4)
                person[f"{action['action_name']}_{role}"] = [*box, score]
        detections.append(person)
    predicted, output = tmp_path / "predicted.json", tmp_path / "metrics.json"
    predicted.write_text(json.dumps(detections))
    command = ["vcoco", "--vsrl", root / "annotations/vcoco_val.json", "--coco", root / COCO]
    command += ["--ids", root / "splits/vcoco_val.ids", "--pred", predicted, "--output", output]
    assert evaluate([str(word) for word in command]) == 0
    metrics = json.loads(output.read_text())
    for name in ("AP_agent", "AP_role_S1", "AP_role_S2"):
        assert metrics[name] == pytest.approx(1)
    assert metrics["per_action"]["hold"]["positives"] > 0


def test_image_and_annotation_ids_differ_between_splits(root):
    coco = json.loads((root / COCO).read_text())
    for what in ("images", "annotations"):
        ids = [entry["id"] for entry in coco[what]]
        assert len(set(ids)) == len(ids)
    assert coco["categories"][0] == {"id": 1, "name": "person"} and len(coco["categories"]) == 80


def test_each_stands_walks_or_sits_and_riders_sit_on_what_they_ride(scenes):
    poses = {"standing": "stand", "kicking": "stand", "walking": "walk"}
    for scene in scenes:
        for human, done in actions_of(scene).items():
            pose = scene.people[human].pose
            assert {"stand", "walk", "sit"} & set(done) == {poses.get(pose, "sit")}
            assert ("ride" in done) == (pose == "riding")
            if pose == "sitting":
                assert done["sit"] == (None,)
            elif pose == "riding":
                assert done["sit"] == done["ride"] != (None,)


def test_cigarettes_are_held_without_a_role_and_roles_are_objects_of_coco(scenes):
    missing = 0
    for scene in scenes:
        for human, done in actions_of(scene).items():
            for objects in done.values():
                assert all(o is None or OBJECTS[scene.classes[o]] != "cigarette" for o in objects)
            held = {o for (h, o), verbs in scene.pairs.items() if h == human and "hold" in verbs}
            assert ("hold" in done) == bool(held)
            if held:
                coco = {o for o in held if is_annotated(scene, o)}
                assert done["hold"][0] in (coco or {None})
                missing += not coco
            if "eat" in done:
                assert done["eat"][0] is not None and done["eat"][1] is None
    assert missing >= 5


def test_the_roles_are_the_actions_own(scenes):
    roles = dict(ACTIONS)
    for scene in scenes:
        for done in actions_of(scene).values():
            assert all(len(objects) == len(roles[action]) for action, objects in done.items())
