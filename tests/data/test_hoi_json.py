import json

import pytest
from detectron2.data import DatasetCatalog, MetadataCatalog

from choi_d2.data import register_hoi_instances
from choi_d2.data.datasets.hoi_json import load_hoi_json
from choi_d2.data.validation import Problems
from choi_d2.utils import InputError


@pytest.fixture
def own(tmp_path, write_image):
    """Two images: a human who kicks a ball and runs; a human alone."""

    class Folder:
        json_file = tmp_path / "own.json"
        image_root = tmp_path / "images"
        content = {
            "categories": [{"id": 5, "name": "ball"}, {"id": 2, "name": "person"}],
            "verbs": [
                {"id": 1, "name": "kick"},
                {"id": 3, "name": "run", "takes_object": False},
            ],
            "images": [
                {"id": 7, "file_name": "a.png", "height": 40, "width": 60},
                {"id": 8, "file_name": "b.png", "height": 40, "width": 60},
            ],
            "annotations": [
                {"id": 1, "image_id": 7, "category_id": 2, "bbox": [0, 0, 20, 30]},
                {"id": 2, "image_id": 7, "category_id": 5, "bbox": [10, 20, 15, 10]},
                {"id": 3, "image_id": 8, "category_id": 2, "bbox": [5, 5, 20, 30]},
            ],
            "interactions": [
                {"human_id": 1, "object_id": 2, "verb_id": 1},
                {"human_id": 1, "object_id": None, "verb_id": 3},
            ],
            "faces": [{"image_id": 7, "bbox": [5, -2, 6, 8], "score": 0.75}],
        }

        def write(self):
            self.json_file.write_text(json.dumps(self.content))
            return self

        def load(self, *arguments, **keywords):
            return load_hoi_json(self.json_file, self.image_root, *arguments, **keywords)

        def counts(self):
            problems = Problems(self.json_file, collect=True)
            self.load(problems=problems)
            return problems.counts()

    for name in "ab":
        write_image(tmp_path / f"images/{name}.png", 40, 60)
    return Folder().write()


def test_records(own):
    first, second = own.load()
    assert first["file_name"] == str(own.image_root / "a.png")
    assert (first["image_id"], first["height"], first["width"]) == (7, 40, 60)
    # Contiguous ids follow the file's ids: person 2, ball 5.
    assert [entry["category_id"] for entry in first["annotations"]] == [0, 1]
    assert first["annotations"][1]["bbox"] == [10, 20, 25, 30]
    assert first["interactions"] == [
        {"human": 0, "object": 1, "verbs": [0]},
        {"human": 0, "object": 0, "verbs": [1]},
    ]
    assert first["faces"] == [{"bbox": [5, 0, 11, 6], "score": 0.75}]
    assert second["interactions"] == [] and second["faces"] == []


def test_faces_that_nobody_looked_for_and_images_to_predict(own):
    for key in ("faces", "annotations", "interactions"):
        del own.content[key]
    record = own.write().load()[0]
    assert not {"faces", "annotations", "interactions"} & record.keys()


@pytest.fixture
def name():
    yield "own_data"
    for catalog in (DatasetCatalog, MetadataCatalog):
        if "own_data" in catalog.list():
            catalog.remove("own_data")


def test_certainty_and_judged_go_to_the_record(own):
    annotations = own.content["annotations"]
    annotations[0].update(certainty=1, judged=False)
    annotations[1]["certainty"] = 0.25
    first, second = own.write().load()
    trust = [[a.get("certainty"), a.get("judged")] for a in first["annotations"]]
    assert trust == [[1.0, False], [0.25, None]]
    assert not {"certainty", "judged"} & second["annotations"][0].keys()


@pytest.mark.parametrize(
    "key, wrong",
    [("certainty", 35), ("certainty", -0.1), ("certainty", "high"), ("judged", "perhaps")],
)
def test_certainty_and_judged_that_are_neither(own, key, wrong):
    own.content["annotations"][1][key] = wrong
    with pytest.raises(InputError, match=rf"annotations\[1\]\.{key}"):
        own.write().load()


def test_register(own, name):
    register_hoi_instances(name, {"humans_as_objects": False}, own.json_file, own.image_root)
    metadata = MetadataCatalog.get(name)
    assert metadata.evaluator_type == "hoi" and metadata.image_root == str(own.image_root)
    assert len(DatasetCatalog.get(name)) == 2
    assert metadata.thing_classes == ["person", "ball"]
    assert metadata.verb_classes == ["kick", "run"]
    assert (metadata.human_class, metadata.humans_as_objects) == (0, False)
    assert metadata.objectless_verbs == (1,)
    assert metadata.thing_dataset_id_to_contiguous_id == {2: 0, 5: 1}
    assert len(DatasetCatalog.get(name)) == 2


def test_metadata_that_the_file_contradicts(own, name):
    register_hoi_instances(name, {"thing_classes": ["ball", "person"]}, own.json_file, "images")
    with pytest.raises(InputError, match="thing_classes"):
        DatasetCatalog.get(name)


def test_humans_may_be_called_otherwise(own, name):
    own.content["categories"][1]["name"] = "player"
    own.write()
    with pytest.raises(InputError, match="'person' or 'human'"):
        own.load()
    register_hoi_instances(name, {"human_class": 0}, own.json_file, own.image_root)
    assert len(DatasetCatalog.get(name)[0]["interactions"]) == 2


def interaction(**changes):
    return lambda content: content["interactions"][0].update(changes)


TOLERATED = {
    "dangling id": interaction(object_id=3),
    "unknown verb": interaction(verb_id=2),
    "verb and object do not fit": interaction(object_id=None),
    "subject is no human": interaction(human_id=2, object_id=1),
    "repeated triplet": lambda content: content["interactions"].append(content["interactions"][0]),
    "unknown image": lambda content: content["faces"][0].update(image_id=9),
    "face without area": lambda content: content["faces"][0].update(bbox=[70, 0, 5, 5]),
    "no annotation": lambda content: content["annotations"].pop(),
    "bad mask": lambda content: content["annotations"][2].update(segmentation={"size": [1, 2]}),
}


@pytest.mark.parametrize("kind", TOLERATED)
def test_tolerated(own, kind):
    TOLERATED[kind](own.content)
    own.write()
    assert own.counts() == {kind: 1}
    assert len(own.load()) == 2


FATAL = {
    "missing key": lambda content: content["interactions"][0].pop("object_id"),
    "wrong type": lambda content: content.update(interactions={}),
    "bad number": interaction(verb_id="kick"),
    "bad box": lambda content: content["faces"][0].update(bbox=[1, 2, 3, 4, 5]),
    "duplicate id": lambda content: content["categories"][0].update(id=2),
    "duplicate image": lambda content: content["images"][1].update(file_name="a.png"),
    "empty data set": lambda content: content.update(
        images=[], annotations=[], interactions=[], faces=[]
    ),
    "size mismatch": lambda content: content["images"][0].update(width=61),
    "self relation": interaction(object_id=1),
}


@pytest.mark.parametrize("kind", FATAL)
def test_fatal(own, kind):
    FATAL[kind](own.content)
    own.write()
    with pytest.raises(InputError, match=r"own\.json.*field"):
        own.load()
    assert own.counts()[kind] == 1


def test_humans_as_objects(own, name):
    own.content["annotations"][1]["category_id"] = 2
    own.write()
    assert own.counts() == {}
    register_hoi_instances(name, {"humans_as_objects": False}, own.json_file, own.image_root)
    assert DatasetCatalog.get(name)[0]["interactions"] == [{"human": 0, "object": 0, "verbs": [1]}]


def test_allowed_interactions_limit_the_objects_of_a_verb(own):
    own.content["categories"].append({"id": 9, "name": "box"})
    own.content["annotations"].append(
        {"id": 4, "image_id": 7, "category_id": 9, "bbox": [30, 20, 15, 10]}
    )
    own.content["interactions"].append({"human_id": 1, "object_id": 4, "verb_id": 1})
    assert "verb and object do not fit" not in own.write().counts()
    own.content["allowed_interactions"] = [{"verb_id": 1, "category_id": 5}]
    assert own.write().counts()["verb and object do not fit"] == 1
    first, _ = own.load()
    assert [(p["human"], p["object"]) for p in first["interactions"]] == [(0, 1), (0, 0)]


def test_allowed_interactions_go_to_the_metadata_by_name(own):
    own.content["allowed_interactions"] = [
        {"verb_id": 1, "category_id": 5},
        {"verb_id": 1, "category_id": 77},
        {"verb_id": 8, "category_id": 5},
    ]
    counts = own.write().counts()
    assert counts["unknown verb"] == 1 and counts["unknown category"] == 1
    register_hoi_instances("own_allowed", {}, own.json_file, own.image_root)
    try:
        DatasetCatalog.get("own_allowed")
        found = MetadataCatalog.get("own_allowed").allowed_interactions
    finally:
        DatasetCatalog.remove("own_allowed")
        MetadataCatalog.remove("own_allowed")
    assert found == (("kick", "ball"),)


def test_no_allowed_interaction_is_an_error(own):
    own.content["allowed_interactions"] = []
    with pytest.raises(InputError, match="allowed_interactions.*leave out the key"):
        own.write().load()
