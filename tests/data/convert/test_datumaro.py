import copy

import pytest

from choi_d2.utils import InputError


def annotation(label, box, group=0, **attributes):
    return {
        "id": 0,
        "type": "bbox",
        "label_id": label,
        "bbox": box,
        "group": group,
        "attributes": {"occluded": False, **attributes},
    }


CONTENT = {
    "info": {},
    "categories": {"label": {"labels": [{"name": "person"}, {"name": "ball"}]}},
    "items": [
        {
            "id": "a",
            "image": {"path": "a.png", "size": [40, 60]},
            "annotations": [
                annotation(0, [0, 0, 20, 40], 1, action="kick"),
                annotation(1, [30, 10, 10, 10], 1),
                {
                    "id": 2,
                    "type": "polygon",
                    "label_id": 1,
                    "group": 1,
                    "attributes": {},
                    "points": [40, 20, 50, 20, 50, 30],
                },
                {"id": 3, "type": "label", "label_id": 0},
            ],
        }
    ],
}


def changed(**changes):
    content = copy.deepcopy(CONTENT)
    content["items"][0]["annotations"][1].update(changes)
    return content


def test_groups_and_attributes(converted):
    done = converted(CONTENT, images=None)
    assert done.form == "datumaro" and not done.problems.found and not done.loading.num_fatal
    person = (0, 0, 20, 40)
    assert done.triplets == {
        ("a.png", "kick", person, ("ball", (30, 10, 10, 10))),
        ("a.png", "kick", person, ("ball", (40, 20, 10, 10))),
    }
    assert done.content["annotations"][2]["segmentation"] == [[40, 20, 50, 20, 50, 30]]


def test_images_without_size(converted):
    content = copy.deepcopy(CONTENT)
    del content["items"][0]["image"]
    content["items"][0] |= {"id": "a.png", "media": {"path": ""}}
    assert converted(content).content["images"][0]["width"] == 60
    with pytest.raises(InputError, match="--images"):
        converted(content, images=None)


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"type": "points"}, "region of another kind"),
        ({"label_id": 4}, "unknown category"),
        ({"type": "mask", "rle": {"counts": "x", "size": [4, 6]}}, "bad mask"),
    ],
)
def test_what_is_left_out(converted, change, kind):
    done = converted(changed(**change))
    assert done.problems.counts() == {kind: 1} and len(done.triplets) == 1


def test_broken_boxes_are_named(converted):
    with pytest.raises(InputError, match=r"image 'a.png'.*items\[0\].annotations\[1\].bbox"):
        converted(changed(bbox=[1, 2]))
