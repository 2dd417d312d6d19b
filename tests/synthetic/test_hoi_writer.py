import numpy as np
import pytest
from detectron2.data import MetadataCatalog
from pycocotools import mask as coco_mask

from choi_d2.data.datasets.hoi_json import load_hoi_json
from choi_d2.data.validation import Problems
from choi_d2.synthetic import make_dataset, scene_at
from choi_d2.synthetic.hoi_writer import VERBS


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("synthetic_hoi")
    make_dataset(folder, seed=3, sizes={"val": 4}, workers=1, progress=False, format="hoi")
    return folder


def test_loads_without_a_problem(root):
    problems = Problems(root, collect=True)
    records = load_hoi_json(root / "val.json", root / "images/val", problems=problems)
    assert problems.found == [] and len(records) == 4


def test_records_are_the_scenes(root):
    MetadataCatalog.pop("my_val", None)
    records = load_hoi_json(root / "val.json", root / "images/val", "my_val")
    metadata = MetadataCatalog.pop("my_val")
    assert metadata.verb_classes == list(VERBS)
    assert metadata.objectless_verbs == (VERBS.index("walk"),)
    for index, record in enumerate(records):
        scene = scene_at(3, "val", index)
        assert [a["bbox"] for a in record["annotations"]] == scene.boxes.tolist()
        for annotation, mask in zip(record["annotations"], scene.masks, strict=True):
            decoded = coco_mask.decode(annotation["segmentation"])
            np.testing.assert_array_equal(decoded.astype(bool), mask)
        expected = {(h, o, verb) for (h, o), verbs in scene.pairs.items() for verb in verbs}
        walking = (h for h, person in scene.people.items() if person.pose == "walking")
        expected |= {(human, human, "walk") for human in walking}
        found = {
            (pair["human"], pair["object"], VERBS[verb])
            for pair in record["interactions"]
            for verb in pair["verbs"]
        }
        assert found == expected
        faces = [face["bbox"] for face in record["faces"]]
        assert np.allclose(faces, list(scene.faces.values()))
