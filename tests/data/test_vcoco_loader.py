import json
import shutil

import pytest
from detectron2.data import DatasetCatalog, MetadataCatalog
from PIL import Image

from choi_d2.categories.vcoco import ACTIONS, VERBS
from choi_d2.data.datasets.vcoco import load_vcoco, vcoco_metadata
from choi_d2.data.validation import Problems
from choi_d2.utils import InputError

METADATA = vcoco_metadata()


def actions(people, true):
    """The action JSON.

    Args:
        people: (image id, annotation id) of each.
        true: (row of the person, action) -> annotation ids of the roles, 0 = missing.
    """
    result = []
    for name, roles in ACTIONS:
        labels = [int((row, name) in true) for row in range(len(people))]
        objects = [person for _, person in people]
        for role in range(len(roles)):
            objects += [true.get((row, name), [0] * len(roles))[role] for row in range(len(people))]
        result.append(
            {
                "action_name": name,
                "role_name": ["agent", *roles],
                "image_id": [image for image, _ in people],
                "ann_id": [person for _, person in people],
                "label": labels,
                "role_object_id": objects,
                "include": [[] for _ in range(1 + len(roles))],
            }
        )
    return result


@pytest.fixture
def vcoco(tmp_path, write_image):
    """Image 9 (three people of whom two are in V-COCO, a knife, a crowd), image 4 (nobody)."""

    class Folder:
        root = tmp_path
        files = (
            tmp_path / "vcoco.json",
            tmp_path / "instances.json",
            tmp_path / "images",
            tmp_path / "split.ids",
        )
        people = [(9, 101), (9, 102)]
        true = {
            (0, "cut"): [104, 102],
            (0, "stand"): [],
            (1, "hold"): [0],
            (1, "look"): [101],
        }
        coco = {
            "categories": [{"id": 1, "name": "person"}, {"id": 49, "name": "knife"}],
            "images": [
                {"id": 9, "file_name": "COCO_val2014_000000000009.jpg", "height": 40, "width": 60},
                {
                    "id": 4,
                    "file_name": "COCO_train2014_000000000004.jpg",
                    "height": 30,
                    "width": 50,
                },
                {"id": 5, "file_name": "not_of_this_split.jpg", "height": 30, "width": 50},
            ],
            "annotations": [
                annotation(101, 9, 1, [0, 0, 20, 40]),
                annotation(102, 9, 1, [20, 0, 20.5, 40]),
                annotation(103, 9, 1, [50, 0, 9, 40], iscrowd=1, segmentation=crowd_mask()),
                annotation(104, 9, 49, [18, 10, 8, 4], segmentation=[[18, 10, 26, 10, 26, 14]]),
                annotation(105, 9, 1, [41, 0, 9, 40]),
                annotation(106, 5, 1, [0, 0, 9, 9]),
            ],
        }

        def write(self):
            self.files[0].write_text(json.dumps(actions(self.people, self.true)))
            self.files[1].write_text(json.dumps(self.coco))
            self.files[3].write_text("9\n4\n")
            return self

        def load(self, problems=None):
            return load_vcoco(*self.files, problems=problems)

        def problems(self):
            problems = Problems(self.files[0], collect=True)
            self.load(problems)
            return problems

    write_image(tmp_path / "images/val2014/COCO_val2014_000000000009.jpg", 40, 60)
    write_image(tmp_path / "images/train2014/COCO_train2014_000000000004.jpg", 30, 50)
    return Folder().write()


def annotation(annotation_id, image_id, category_id, bbox, **extra):
    entry = {"id": annotation_id, "image_id": image_id, "category_id": category_id, "bbox": bbox}
    return {**entry, "iscrowd": 0, **extra}


def crowd_mask():
    return {"size": [40, 60], "counts": [40 * 50, 40 * 9, 40]}


def test_records(vcoco):
    empty, record = vcoco.load()
    assert (empty["image_id"], empty["annotations"], empty["interactions"]) == (4, [], [])
    assert record["file_name"] == str(vcoco.root / "images/val2014/COCO_val2014_000000000009.jpg")
    assert (record["image_id"], record["height"], record["width"]) == (9, 40, 60)
    annotations = record["annotations"]
    classes = [METADATA["thing_classes"][entry["category_id"]] for entry in annotations]
    assert classes == ["person", "person", "person", "knife", "person"]
    assert [entry["vcoco_person"] for entry in annotations] == [True, True, False, False, False]
    assert [entry["judged"] for entry in annotations] == [True, True, False, True, False]
    assert [entry["iscrowd"] for entry in annotations] == [0, 0, 1, 0, 0]
    assert annotations[1]["bbox"] == [20, 0, 40.5, 40]
    assert annotations[3]["segmentation"] == [[18, 10, 26, 10, 26, 14]]
    assert isinstance(annotations[2]["segmentation"]["counts"], str)


def test_interactions(vcoco):
    record = vcoco.load()[1]
    named = {
        (pair["human"], pair["object"]): {VERBS[verb] for verb in pair["verbs"]}
        for pair in record["interactions"]
    }
    assert named == {
        (0, 3): {"cut_instr"},
        (0, 1): {"cut_obj"},
        (0, 0): {"stand"},
        # hold_obj without its object.
        (1, 1): {"hold_obj"},
        (1, 0): {"look_obj"},
    }


def test_metadata():
    assert len(METADATA["thing_classes"]) == 80 and METADATA["thing_classes"][0] == "person"
    names = [METADATA["verb_classes"][verb] for verb in METADATA["objectless_verbs"]]
    assert names == ["stand", "walk", "run", "smile"]
    assert METADATA["thing_dataset_id_to_contiguous_id"][90] == 79


def test_without_a_list_of_ids(vcoco):
    assert [record["image_id"] for record in load_vcoco(*vcoco.files[:3])] == [9]


def test_fixture(repository, tmp_path):
    folder = repository / "tests/fixtures/vcoco"
    for image in json.loads((folder / "instances.json").read_text())["images"]:
        Image.new("L", (image["width"], image["height"])).save(tmp_path / image["file_name"])
    coco_json = shutil.copy(folder / "instances.json", tmp_path)
    records = load_vcoco(folder / "vcoco.json", coco_json, tmp_path, folder / "ids.txt")
    assert [record["image_id"] for record in records] == [
        int(line) for line in (folder / "ids.txt").read_text().split()
    ]
    content = json.loads((folder / "vcoco.json").read_text())
    people = sum(entry["vcoco_person"] for record in records for entry in record["annotations"])
    assert people == len(content[0]["ann_id"])
    for action, (name, roles) in zip(content, ACTIONS):
        for verb in [f"{name}_{role}" for role in roles] or [name]:
            found = sum(
                VERBS.index(verb) in pair["verbs"]
                for record in records
                for pair in record["interactions"]
            )
            assert found == sum(action["label"]), verb


def test_tolerated(vcoco):
    vcoco.true[(0, "hold")] = [999]
    vcoco.people.append((77, 300))
    vcoco.coco["annotations"] += [
        annotation(107, 9, 12, [0, 0, 9, 9]),
        annotation(108, 9, 49, [0, 0, 0, 9]),
        annotation(109, 9, 49, [0, 0, 9, 99]),
        annotation(110, 9, 49, [0, 0, 9, 9], segmentation=[[0, 0, 9, 9]]),
    ]
    vcoco.write()
    problems = vcoco.problems()
    assert problems.counts() == {
        "no annotation": 1,
        "unknown category": 1,
        "box without area": 1,
        "box partly outside": 1,
        "bad mask": 1,
        "masks of some": 1,
        "crowd": 1,
        "dangling id": 1,
        "unknown image": 1,
    }
    dangling = next(problem for problem in problems.found if problem.kind == "dangling id")
    assert dangling.file.endswith("vcoco.json") and dangling.field == "[0].role_object_id[3]"
    assert len(vcoco.load()[1]["annotations"]) == 7


def test_an_image_that_coco_lacks(vcoco):
    vcoco.files[3].write_text("9\n4\n12\n")
    found = {"no annotation": 1, "unknown image": 1, "masks of some": 1, "crowd": 1}
    assert vcoco.problems().counts() == found


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.pop(),
        lambda content: content.reverse(),
        lambda content: content.__setitem__(0, None),
        lambda content: content[3].pop("label"),
        lambda content: content[3]["label"].append(0),
        lambda content: content[3]["label"].__setitem__(0, 2),
        lambda content: content[3]["label"].__setitem__(0, "1"),
        lambda content: content[3]["ann_id"].reverse(),
        lambda content: content[6]["role_object_id"].pop(),
        lambda content: content[6]["role_name"].reverse(),
    ],
)
def test_fatal_actions(vcoco, change):
    content = json.loads(vcoco.files[0].read_text())
    change(content)
    vcoco.files[0].write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"vcoco\.json"):
        vcoco.load()
    assert vcoco.problems().num_fatal >= 1


@pytest.mark.parametrize(
    "change",
    [
        lambda coco: coco.pop("images"),
        lambda coco: coco["images"].append(coco["images"][0]),
        lambda coco: coco["images"][0].update(height=41),
        lambda coco: coco["images"][0].update(height=None),
        lambda coco: coco["annotations"].append(coco["annotations"][0]),
        lambda coco: coco["annotations"][0].pop("category_id"),
        lambda coco: coco["annotations"][0].update(bbox=[1, 2, 3]),
        lambda coco: coco["annotations"].append(1),
    ],
)
def test_fatal_instances(vcoco, change):
    change(vcoco.coco)
    vcoco.write()
    with pytest.raises(InputError, match=r"instances\.json"):
        vcoco.load()
    assert vcoco.problems().num_fatal >= 1


@pytest.mark.parametrize("text", [None, "", "9\nfour\n"])
def test_fatal_ids(vcoco, text):
    vcoco.files[3].unlink() if text is None else vcoco.files[3].write_text(text)
    with pytest.raises(InputError, match=r"split\.ids"):
        vcoco.load()


def test_registered(vcoco, register_under):
    root = vcoco.root / "root"
    for source, target in zip(
        vcoco.files,
        (
            "vcoco/annotations/vcoco_test.json",
            "vcoco/annotations/instances_vcoco_all_2014.json",
            "coco",
            "vcoco/splits/vcoco_test.ids",
        ),
    ):
        (root / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.move(source, root / target)
    register_under(root)
    assert len(DatasetCatalog.get("vcoco_test")) == 2
    metadata = MetadataCatalog.get("vcoco_test")
    assert metadata.evaluator_type == "vcoco"
    assert metadata.ids_file == str(root / "vcoco/splits/vcoco_test.ids")
