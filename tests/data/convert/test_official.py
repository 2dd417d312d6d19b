import json
import shutil

import pytest
from PIL import Image

from choi_d2.categories.vcoco import ACTIONS
from choi_d2.data.convert import Options, convert
from choi_d2.utils import InputError

FILES = ("anno_bbox.mat", "trainval_hico.json", "instances_train2015.json")


@pytest.fixture
def fixtures(repository, tmp_path):
    """A copy of the fixtures: sizes of images are remembered beside them."""
    for name in FILES:
        shutil.copy(repository / "tests" / "fixtures" / "hicodet" / name, tmp_path)
    return tmp_path


@pytest.fixture
def hicodet(fixtures, images):
    """The folder of the images that the fixtures name, each of its size."""
    content = json.loads((fixtures / FILES[2]).read_text())
    for name, size in zip(content["filenames"], content["size"], strict=True):
        Image.new("RGB", size).save(images / name)
    return images


def numbers(source, output, **options):
    return convert(source, output, options=Options(**options)).counts()


def test_the_three_forms_of_hicodet_say_the_same(fixtures, hicodet, tmp_path):
    options = ({"split": "train", "images": hicodet}, {"images": hicodet}, {})
    found = [
        numbers(fixtures / name, tmp_path / "out" / name, **given)
        for name, given in zip(FILES, options, strict=True)
    ]
    assert found[0]["triplets"] > 1000 and found[0]["verbs"] == 117
    assert [each["triplets"] for each in found] == [found[0]["triplets"]] * 3
    assert [each["classes"] for each in found] == [80] * 3


def test_a_matlab_file_needs_a_split_and_images(fixtures, images, tmp_path):
    source = fixtures / FILES[0]
    with pytest.raises(InputError, match="--split"):
        numbers(source, tmp_path / "o.json", images=images)
    with pytest.raises(InputError, match="--images"):
        numbers(source, tmp_path / "o.json", split="train")
    assert not (tmp_path / "o.json").exists()


def test_vcoco_over_coco(converted, write, write_image, images):
    write_image(images / "val2014" / "COCO_val2014_000000000009.jpg", 40, 60)
    people = [[0, 0, 20, 40], [20, 0, 20, 40], [40, 0, 20, 40]]
    coco = {
        "categories": [{"id": 1, "name": "person"}, {"id": 49, "name": "knife"}],
        "images": [
            {"id": 9, "file_name": "COCO_val2014_000000000009.jpg", "height": 40, "width": 60}
        ],
        "annotations": [
            {"id": 101 + i, "image_id": 9, "category_id": 1, "bbox": box, "iscrowd": 0}
            for i, box in enumerate(people)
        ]
        + [{"id": 104, "image_id": 9, "category_id": 49, "bbox": [5, 5, 9, 9], "iscrowd": 0}],
    }
    # Person 101 cuts with the knife and stands, 102 holds something; nobody judged 103.
    true = {("cut", 0): [104, 0], ("stand", 0): [], ("hold", 1): [0]}
    actions = []
    for name, roles in ACTIONS:
        given = [true.get((name, row), [0] * len(roles)) for row in range(2)]
        actions.append(
            {
                "action_name": name,
                "role_name": ["agent", *roles],
                "image_id": [9, 9],
                "ann_id": [101, 102],
                "label": [int((name, row) in true) for row in range(2)],
                "role_object_id": [101, 102]
                + [given[row][role] for role in range(len(roles)) for row in range(2)],
            }
        )
    done = converted(actions, coco=write(coco, "instances.json"))
    name, human = "val2014/COCO_val2014_000000000009.jpg", (0, 0, 20, 40)
    assert done.form == "vcoco" and not done.loading.num_fatal
    assert done.triplets == {
        (name, "cut_instr", human, ("knife", (5, 5, 9, 9))),
        (name, "stand", human, None),
    }
    # The objects of cut_obj and hold_obj are not annotated.
    assert done.problems.counts() == {"verb and object do not fit": 2}
    judged = [each.get("judged", True) for each in done.records[0]["annotations"]]
    assert judged == [True, True, False, True]
    with pytest.raises(InputError, match="--coco"):
        converted(actions)
