import json
import shutil

import cv2
import numpy as np
import pytest
from detectron2.data import DatasetCatalog, MetadataCatalog

from choi_d2.categories.pic import V2_CATEGORIES, V2_RELATIONS
from choi_d2.data.datasets.pic import load_pic_split
from choi_d2.data.validation import Problems
from choi_d2.evaluation.__main__ import main as evaluate
from choi_d2.synthetic import make_dataset, scene_at
from choi_d2.synthetic.pic_writer import CATEGORY_OF_OBJECT, RELATION_OF_VERB, relations_of

SIZE = 4


def make(root, sizes=None):
    sizes = sizes or {"val": SIZE}
    return make_dataset(root, seed=5, sizes=sizes, workers=1, progress=False, format="pic")


@pytest.fixture(scope="module")
def datasets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("datasets")
    make(folder / "synthetic_pic")
    return folder


@pytest.fixture
def root(datasets):
    return datasets / "synthetic_pic"


def test_same_seed_same_bytes_and_a_lost_map_is_drawn_again(root, tmp_path, written):
    make(tmp_path)
    assert written(tmp_path) == written(root)
    (tmp_path / "instance/val/val_000001.png").unlink()
    make(tmp_path)
    assert written(tmp_path) == written(root)


def test_another_format_takes_the_place(tmp_path):
    make_dataset(tmp_path, seed=5, sizes={"val": 1}, workers=1, progress=False)
    manifest = make(tmp_path, {"val": 1})
    assert manifest["parameters"]["format"] == "pic"
    assert (tmp_path / "relations_val.json").is_file()


def test_loads_without_a_problem(root):
    problems = Problems(root, collect=True)
    records = load_pic_split(root, "val", "v2", problems=problems)
    assert problems.found == [] and len(records) == SIZE


def test_records_are_the_scenes(datasets, root, register_under):
    register_under(datasets)
    records = DatasetCatalog.get("synthetic_pic_val")
    metadata = MetadataCatalog.get("synthetic_pic_val")
    assert metadata.evaluator_type == "pic" and metadata.humans_as_objects
    for index, record in enumerate(records):
        scene = scene_at(5, "val", index)
        assert [a["bbox"] for a in record["annotations"]] == scene.boxes.tolist()
        human = [a["category_id"] == 0 for a in record["annotations"]]
        assert np.flatnonzero(human).tolist() == sorted(scene.people)
        found = [
            (pair["human"], pair["object"], metadata.verb_classes[verb])
            for pair in record["interactions"]
            for verb in pair["verbs"]
        ]
        assert sorted(found) == sorted(relations_of(scene))
        assert [face["bbox"] for face in record["faces"]] == list(scene.faces.values())


def test_maps_are_grey_and_hold_the_masks(root):
    scene = scene_at(5, "val", 2)
    semantic, instance = (
        cv2.imread(str(root / kind / "val" / "val_000002.png"), cv2.IMREAD_UNCHANGED)
        for kind in ("semantic", "instance")
    )
    assert semantic.dtype == instance.dtype == np.uint8 and semantic.ndim == instance.ndim == 2
    for place, mask in enumerate(scene.masks):
        np.testing.assert_array_equal(instance == place + 1, mask)
    np.testing.assert_array_equal(semantic > 0, instance > 0)


def test_the_truth_as_prediction_recalls_everything(root, tmp_path):
    truth = tmp_path / "truth"
    for kind in ("semantic", "instance"):
        shutil.copytree(root / kind / "val", truth / kind)
    entries = json.loads((root / "relations_val.json").read_text())
    (truth / "relations.json").write_text(json.dumps(entries))
    predicted = shutil.copytree(truth, tmp_path / "predicted")
    for entry in entries:
        assert 0 < len(entry["relations"]) <= 20
        for relation in entry["relations"]:
            relation["score"] = 0.5
    (predicted / "relations.json").write_text(json.dumps(entries))
    output = tmp_path / "metrics.json"
    command = ["pic", "--gt", truth, "--pred", predicted, "--output", output, "--strict"]
    assert evaluate([str(word) for word in command]) == 0
    metrics = json.loads(output.read_text())
    assert metrics["R@20"] == metrics["R@100"] == 1 and metrics["images"] == SIZE


def test_names_are_those_of_the_release():
    assert set(CATEGORY_OF_OBJECT.values()) <= set(V2_CATEGORIES)
    assert set(RELATION_OF_VERB.values()) <= set(V2_RELATIONS)


def test_relations_fit_the_verbs_and_none_is_there_twice(scenes):
    for scene in scenes:
        relations = relations_of(scene)
        assert len(set(relations)) == len(relations) <= 100
        for (human, thing), verbs in scene.pairs.items():
            assert {(human, thing, RELATION_OF_VERB[verb]) for verb in verbs} <= set(relations)
