import json

import pytest
from detectron2.data import DatasetCatalog, MetadataCatalog

from choi_d2.categories.hicodet import HOIS, OBJECTS, VERBS
from choi_d2.data.datasets.hicodet import load_hicodet
from choi_d2.data.validation import Problems
from choi_d2.evaluation.__main__ import main as evaluate
from choi_d2.formats.hicodet import read_image_labels
from choi_d2.synthetic import make_dataset, scene_at
from choi_d2.synthetic.hicodet_writer import interactions_of, name_of

SIZES = {"train": 3, "val": 12}
HOI_IDS = {(VERBS[hoi.verb], OBJECTS[hoi.object]): own for own, hoi in enumerate(HOIS, 1)}


@pytest.fixture(scope="module")
def datasets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("datasets")
    root = folder / "synthetic_hicodet"
    make_dataset(root, seed=6, sizes=SIZES, workers=1, progress=False, format="hicodet")
    return folder


@pytest.fixture
def root(datasets):
    return datasets / "synthetic_hicodet"


def test_loads_without_a_problem(root):
    problems = Problems(root, collect=True)
    paths = root / "annotations/val.json", root / "images/val"
    assert len(load_hicodet(*paths, problems=problems)) == SIZES["val"]
    assert {problem.kind for problem in problems.found} <= {"no annotation"}


def test_records_are_the_scenes(datasets, register_under):
    register_under(datasets)
    metadata = MetadataCatalog.get("synthetic_hicodet_val")
    assert metadata.evaluator_type == "hicodet"
    for index, record in enumerate(DatasetCatalog.get("synthetic_hicodet_val")):
        scene = scene_at(6, "val", index)
        kept = [k for k in range(len(scene.classes)) if name_of(scene, k)]
        boxes = [a["bbox"] for a in record["annotations"]]
        assert sorted(boxes) == sorted(scene.boxes[kept].tolist())
        found = {
            (*boxes[pair["human"]], *boxes[pair["object"]], metadata.verb_classes[verb])
            for pair in record["interactions"]
            for verb in pair["verbs"]
        }
        assert found == {
            (*scene.boxes[human], *scene.boxes[thing], verb)
            for human, thing, verb in interactions_of(scene)
        }
        assert [face["bbox"] for face in record["faces"]] == list(scene.faces.values())


def test_every_interaction_is_one_of_the_600(scenes):
    for scene in scenes:
        assert all((v, name_of(scene, o)) in HOI_IDS for _, o, v in interactions_of(scene))


def test_each_thing_is_used_or_has_no_interaction_with_one_human(scenes):
    unused = 0
    for scene in scenes:
        found = interactions_of(scene)
        for thing in range(len(scene.classes)):
            if thing in scene.people or not name_of(scene, thing):
                continue
            verbs = [verb for _, other, verb in found if other == thing]
            assert verbs and (verbs == ["no_interaction"] or "no_interaction" not in verbs)
            unused += verbs == ["no_interaction"]
    assert unused > 20


def test_image_labels_are_of_the_interactions(root):
    content = json.loads((root / "annotations/val.json").read_text())
    names, labels = read_image_labels(root / "annotations/labels_val.json", "test")
    negative = json.loads((root / "annotations/labels_val.json").read_text())
    for entry, name, row, label in zip(content, names, labels, negative, strict=True):
        assert entry["file_name"] == name
        positive = {triplet["hoi_category_id"] for triplet in entry["hoi_annotation"]}
        assert {i + 1 for i in range(600) if row[i]} == positive
        assert not positive & set(label["negative"])
        objects = {HOIS[own - 1].object for own in (*positive, *label["negative"])}
        assert len(positive) + len(label["negative"]) == sum(h.object in objects for h in HOIS)


def test_the_truth_as_prediction_is_perfect(root, tmp_path):
    predicted = []
    for entry in json.loads((root / "annotations/val.json").read_text()):
        pairs = [{**pair, "score": 0.9} for pair in entry["hoi_annotation"]]
        boxes = entry["annotations"]
        predicted.append(
            {"file_name": entry["file_name"], "predictions": boxes, "hoi_prediction": pairs}
        )
    (tmp_path / "predicted.json").write_text(json.dumps(predicted))
    command = ["hicodet", "--gt", root / "annotations/val.json"]
    command += ["--train", root / "annotations/train.json"]
    command += ["--labels", root / "annotations/labels_val.json"]
    command += ["--pred", tmp_path / "predicted.json", "--output", tmp_path / "metrics.json"]
    assert evaluate([str(word) for word in command]) == 0
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    for setting in ("default", "known_object"):
        found = [c for c in metrics[setting]["per_hoi"].values() if c["num_gt"]]
        assert len(found) > 10 and all(c["ap"] == pytest.approx(1) for c in found)
