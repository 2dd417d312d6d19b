"""An image's id, file name or number: whichever finds most of the data set's images."""

import pytest

from choi_d2.data.detections.images import join_images
from choi_d2.utils import InputError

ROOT = "/photos"
RECORDS = [
    {"image_id": i, "file_name": f"{ROOT}/{folder}/COCO_val2014_{number:012d}.jpg"}
    for i, (folder, number) in enumerate([("x", 42), ("x", 73), ("y", 74)], 1)
]


def joined(*keys, records=RECORDS):
    return join_images(keys, records, ROOT, "boxes.json")


@pytest.mark.parametrize(
    "keys",
    [
        (1, 3),
        ("1", "3"),
        (42, 74),
        ("000000000042", "000000000074"),
        ("000000000042.jpg", "000000000074.jpg"),
        ("COCO_val2014_000000000042", "COCO_val2014_000000000074"),
        ("COCO_val2014_000000000042.jpg", "COCO_val2014_000000000074.jpg"),
        ("x/COCO_val2014_000000000042.jpg", "y/COCO_val2014_000000000074.jpg"),
        ("./x/COCO_val2014_000000000042.jpg", "y\\COCO_val2014_000000000074.jpg"),
        ("/elsewhere/COCO_val2014_000000000042.jpg", "COCO_val2014_000000000074.jpg"),
    ],
)
def test_ways_to_call_an_image(keys):
    assert joined(*keys) == {keys[0]: 0, keys[1]: 2}


def test_one_way_holds_for_the_whole_file():
    """COCO's results of all images hold small ids by chance."""
    assert joined(2, 42, 73, 74) == {42: 0, 73: 1, 74: 2}


def test_short_names_that_several_have_are_none():
    records = [
        {"image_id": i, "file_name": f"{ROOT}/{name}"}
        for i, name in enumerate(["a/1.jpg", "b/1.jpg", "b/2.jpg"], 10)
    ]
    assert joined("a/1.jpg", "b/1.jpg", "c/2.jpg", records=records) == {
        "a/1.jpg": 0,
        "b/1.jpg": 1,
        "c/2.jpg": 2,
    }
    assert joined("1.jpg", "2.jpg", records=records) == {"2.jpg": 2}
    assert joined("b/2.jpg", "c/2.jpg", records=records) == {"b/2.jpg": 2}


def test_other_images_are_refused():
    with pytest.raises(InputError, match="boxes.json.*none of its 2 images.*'z.jpg'.*3 images"):
        joined("z.jpg", "w.jpg")
    assert joined() == {}
    assert joined(7, records=[]) == {}
