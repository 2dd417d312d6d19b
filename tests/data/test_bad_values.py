"""Whatever stands anywhere in an annotation file: it loads, or there is an InputError."""

import copy
import json

import numpy as np
import pytest
from PIL import Image

from choi_d2.categories.vcoco import ACTIONS
from choi_d2.data.datasets.hoi_json import load_hoi_json
from choi_d2.data.datasets.hoiw import load_hoiw_json
from choi_d2.data.datasets.pic import PICFiles, load_pic
from choi_d2.data.datasets.vcoco import load_vcoco
from choi_d2.data.validation import Problems
from choi_d2.utils import InputError

JUNK = [
    None,
    True,
    -1,
    1.5,
    float("inf"),
    10**30,
    "",
    "x",
    "a\0",
    "\ud800",
    [],
    {},
    [None],
    {"a": 1},
]
GONE = object()

HOIW = [
    {
        "file_name": "a.png",
        "annotations": [
            {"bbox": [1, 2, 30, 30], "category_id": "1"},
            {"bbox": [10, 5, 35, 39], "category_id": "4\n"},
        ],
        "hoi_annotation": [{"subject_id": 0, "object_id": 1, "category_id": 5}],
    },
    {"file_name": "b.png", "annotations": [], "hoi_annotation": []},
]
PIC = [
    {"name": "a.png", "relations": [{"subject": 5, "object": 7, "relation": 5}]},
    {"name": "b.png", "relations": []},
]
COCO = {
    "categories": [{"id": 1, "name": "person"}],
    "images": [
        {"id": 1, "file_name": "a.png", "height": 40, "width": 60},
        {"id": 2, "file_name": "b.png", "height": 40, "width": 60},
    ],
    "annotations": [
        {
            "id": 10,
            "image_id": 1,
            "category_id": 1,
            "bbox": [1, 2, 20, 20],
            "iscrowd": 1,
            "segmentation": {"size": [40, 60], "counts": [100, 50, 2250]},
            "certainty": 0.5,
            "judged": False,
        },
        {
            "id": 11,
            "image_id": 1,
            "category_id": 1,
            "bbox": [1, 2, 20, 20],
            "segmentation": [[1, 2, 21, 2, 21, 22]],
        },
    ],
}
HOI = {
    **COCO,
    "verbs": [{"id": 1, "name": "push"}, {"id": 2, "name": "run", "takes_object": False}],
    "interactions": [
        {"human_id": 10, "object_id": 11, "verb_id": 1},
        {"human_id": 11, "object_id": None, "verb_id": 2},
    ],
    "faces": [{"image_id": 1, "bbox": [1, 2, 3, 4], "score": 0.5}],
}
VCOCO = [
    {
        "action_name": name,
        "role_name": ["agent", *roles],
        "image_id": [1, 1],
        "ann_id": [10, 11],
        "label": [1, 0],
        "role_object_id": [10, 11] + [11, 0] * len(roles),
    }
    for name, roles in ACTIONS
]


def places(content, path=()):
    """Paths to all values of a JSON; of a long list only to the first two."""
    if path:
        yield path
    if isinstance(content, dict):
        keys = list(content)
    else:
        keys = range(min(len(content), 2)) if isinstance(content, list) else []
    for key in keys:
        yield from places(content[key], (*path, key))


def replaced(content, path, value):
    content = copy.deepcopy(content)
    parent = content
    for key in path[:-1]:
        parent = parent[key]
    if value is GONE:
        parent.pop(path[-1])
    else:
        parent[path[-1]] = value
    return content


@pytest.fixture
def load(tmp_path, write_image):
    """``load(kind, content, problems)``: write the content, load it."""
    semantic, instance = np.zeros((2, 40, 60), np.uint8)
    semantic[:, :30], instance[:, :30], instance[:, 30:] = 1, 5, 7
    semantic[:, 30:] = 18
    for name in "ab":
        write_image(tmp_path / f"images/{name}.png", 40, 60)
        for folder, pixels in (("semantic", semantic), ("instance", instance)):
            (tmp_path / folder).mkdir(exist_ok=True)
            Image.fromarray(pixels).save(tmp_path / f"{folder}/{name}.png")
    json_file, images = tmp_path / "content.json", tmp_path / "images"
    pic_files = PICFiles(json_file, images, tmp_path / "semantic", tmp_path / "instance")
    (tmp_path / "coco.json").write_text(json.dumps(COCO))
    (tmp_path / "actions.json").write_text(json.dumps(VCOCO))
    loaders = {
        "hoiw": lambda p: load_hoiw_json(json_file, images, problems=p),
        "pic": lambda p: load_pic(pic_files, "v2", problems=p),
        "hoi": lambda p: load_hoi_json(json_file, images, problems=p),
        "actions": lambda p: load_vcoco(json_file, tmp_path / "coco.json", images, problems=p),
        "coco": lambda p: load_vcoco(tmp_path / "actions.json", json_file, images, problems=p),
    }

    def run(kind, content, problems=None):
        json_file.write_text(json.dumps(content))
        return loaders[kind](problems)

    return run


@pytest.mark.parametrize(
    "kind, content",
    [("hoiw", HOIW), ("pic", PIC), ("hoi", HOI), ("actions", VCOCO), ("coco", COCO)],
)
def test_any_value_anywhere(load, kind, content):
    assert load(kind, content)[0]["interactions"]
    refused = 0
    for path in places(content):
        for value in [*JUNK, GONE]:
            broken = replaced(content, path, value)
            try:
                assert isinstance(load(kind, broken), list)
                loads = True
            except InputError as error:
                assert str(error).startswith("/"), "the message names no file"
                loads = False
            except Exception as error:
                pytest.fail(f"{value!r} at {path}: {error!r}")
            refused += not loads
            # The validator has the same opinion.
            problems = Problems("content.json", collect=True)
            load(kind, broken, problems)
            assert (problems.num_fatal == 0) == loads, (path, value)
    assert refused > 50
