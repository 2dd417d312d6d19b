"""What strangers write into the JSON of a data set of their own, and what is made of it."""

import json
import logging

import numpy as np
import pycocotools.mask as mask_util
import pytest

from choi_d2.data.datasets.hoi_json import load_hoi_json
from choi_d2.data.validate import main
from choi_d2.data.validation import Problems
from choi_d2.utils import InputError

HEIGHT, WIDTH = 40, 60


def mask(x, y, width, height):
    pixels = np.zeros((HEIGHT, WIDTH), np.uint8, order="F")
    pixels[y : y + height, x : x + width] = 1
    return {"size": [HEIGHT, WIDTH], "counts": mask_util.encode(pixels)["counts"].decode()}


@pytest.fixture
def own(tmp_path, write_image):
    """An image of two humans and a ball, all with run lengths; both kick it, one walks."""

    class Folder:
        json_file = tmp_path / "own.json"
        content = {
            "categories": [{"id": 1, "name": "person"}, {"id": 2, "name": "ball"}],
            "verbs": [{"id": 1, "name": "kick"}, {"id": 2, "name": "walk", "takes_object": False}],
            "images": [{"id": 7, "file_name": "a.png", "height": HEIGHT, "width": WIDTH}],
            "annotations": [
                {"id": own, "image_id": 7, "category_id": category, "bbox": box}
                | {"segmentation": mask(*box), "iscrowd": 0}
                for own, category, box in (
                    (1, 1, [0, 0, 20, 30]),
                    (2, 1, [25, 0, 20, 30]),
                    (3, 2, [10, 25, 15, 10]),
                )
            ],
            "interactions": [
                {"human_id": 1, "object_id": 3, "verb_id": 1},
                {"human_id": 2, "object_id": 3, "verb_id": 1},
                {"human_id": 1, "object_id": None, "verb_id": 2},
            ],
        }

        def load(self, encoding="utf-8", **keywords):
            self.json_file.write_bytes(json.dumps(self.content).encode(encoding))
            return load_hoi_json(self.json_file, tmp_path, **keywords)

        def problems(self):
            problems = Problems(self.json_file, collect=True)
            self.load(problems=problems)
            return problems.counts()

        def validate(self):
            self.json_file.write_text(json.dumps(self.content))
            return main(["hoi", "--json", str(self.json_file), "--images", str(tmp_path)])

    write_image(tmp_path / "a.png", HEIGHT, WIDTH)
    return Folder()


@pytest.mark.parametrize("value", [0, False, "0", "false", "no", None, 0.0])
def test_no_crowd_however_it_is_written(own, value):
    for annotation in own.content["annotations"]:
        annotation["iscrowd"] = value
    (record,) = own.load()
    assert [each["iscrowd"] for each in record["annotations"]] == [0, 0, 0]
    assert own.problems() == {}


@pytest.mark.parametrize("value", [1, True, "1", "TRUE", "yes", 1.0])
def test_crowds_are_counted_with_their_pairs(own, value, capsys, caplog):
    own.content["annotations"][1]["iscrowd"] = value
    with caplog.at_level(logging.WARNING):
        (record,) = own.load()
    assert [each["iscrowd"] for each in record["annotations"]] == [0, 1, 0]
    assert "1 x crowd" in caplog.text and "1 x pair of a crowd" in caplog.text
    assert own.problems() == {"crowd": 1, "pair of a crowd": 1}
    assert own.validate() == 0
    text = capsys.readouterr().out
    assert "1 images, 2 instances, 2 pairs, 2 triplets can be used, beside 1 crowds" in text


@pytest.mark.parametrize("value", [2, "maybe", "", [], -1])
def test_other_crowds_are_refused_with_their_place(own, value):
    own.content["annotations"][1]["iscrowd"] = value
    with pytest.raises(InputError, match=r"own\.json.*annotations\[1\]\.iscrowd.*true or false"):
        own.load()


@pytest.mark.parametrize("value", [0, "0", "false", False, "no"])
def test_verbs_without_object_however_they_are_written(own, value):
    own.content["verbs"][1]["takes_object"] = value
    assert own.load()[0]["interactions"][2] == {"human": 0, "object": 0, "verbs": [1]}


@pytest.mark.parametrize("value", [1, "1", "true", True, None])
def test_verbs_with_object_however_they_are_written(own, value):
    own.content["verbs"][0]["takes_object"] = value
    assert own.load()[0]["interactions"][0] == {"human": 0, "object": 2, "verbs": [0]}


def test_another_flag_of_a_verb_is_refused_with_its_place(own):
    own.content["verbs"][1]["takes_object"] = "sometimes"
    with pytest.raises(InputError, match=r"verbs\[1\]\.takes_object.*'sometimes'"):
        own.load()


def test_nothing_but_crowds_is_not_called_loadable(own, capsys):
    for annotation in own.content["annotations"]:
        annotation["iscrowd"] = 1
    assert own.validate() == 1
    text = capsys.readouterr().out
    assert "It cannot be used for interactions: no instance" in text and "can be loaded" not in text


def test_no_triplet_is_not_called_loadable(own, capsys, caplog):
    own.content["interactions"] = []
    assert own.validate() == 1
    assert "cannot be used for interactions: no triplet" in capsys.readouterr().out
    with caplog.at_level(logging.WARNING):
        assert len(own.load()) == 1  # a detector can learn from it
    assert "no triplet" in caplog.text


def test_images_to_predict_are(own, capsys):
    del own.content["annotations"], own.content["interactions"]
    assert own.validate() == 0
    assert "It can be loaded for prediction" in capsys.readouterr().out


@pytest.mark.parametrize(
    "bad",
    [
        {"size": [HEIGHT, WIDTH], "counts": ""},
        {"size": [WIDTH, HEIGHT], "counts": [HEIGHT * WIDTH]},
        {"size": [HEIGHT, WIDTH], "counts": mask(0, 0, 20, 30)["counts"][:-2]},
        mask(50, 35, 5, 5),
        [[1, 2, 3, 4]],
        "mask.png",
    ],
)
def test_a_bad_mask_costs_the_mask_and_not_the_box(own, bad, capsys):
    own.content["annotations"][0]["segmentation"] = bad
    (record,) = own.load()
    assert len(record["annotations"]) == 3 and len(record["interactions"]) == 3
    assert "segmentation" not in record["annotations"][0]
    assert own.problems() == {"bad mask": 1, "masks of some": 1}
    assert own.validate() == 0
    assert "image 'a.png', field 'annotations[0].segmentation'" in capsys.readouterr().out


def test_masks_of_two_kinds_are_told(own, capsys):
    own.content["annotations"][0]["segmentation"] = [0, 0, 20, 0, 20, 30]
    (record,) = own.load()
    assert record["annotations"][0]["segmentation"] == [[0, 0, 20, 0, 20, 30]]
    assert own.validate() == 0
    assert "masks of two kinds" in capsys.readouterr().out


def test_an_empty_root_category_of_the_same_name(own):
    own.content["categories"].insert(0, {"id": 0, "name": "person", "supercategory": "none"})
    metadata_counts = own.problems()
    assert metadata_counts == {"name not in use": 1}
    (record,) = own.load()
    assert [each["category_id"] for each in record["annotations"]] == [0, 0, 1]
    assert len(record["interactions"]) == 3


@pytest.mark.parametrize("second", ["person", " person "])
def test_two_categories_of_one_name_that_are_both_in_use(own, second):
    own.content["categories"].append({"id": 9, "name": second})
    own.content["annotations"][2]["category_id"] = 9
    with pytest.raises(InputError, match=r"categories\[2\].*1, 9 are all called 'person'"):
        own.load()
    assert own.problems()["duplicate name"] == 1


def test_verbs_of_one_name(own):
    own.content["verbs"].append({"id": 9, "name": "kick"})
    assert own.problems() == {"name not in use": 1}
    own.content["interactions"][1]["verb_id"] = 9
    with pytest.raises(InputError, match=r"verbs\[2\].*'kick'.*more than one of them is in use"):
        own.load()


def test_of_person_and_human_the_one_that_is_in_use(own):
    own.content["categories"][0]["name"] = "human"
    own.content["categories"].append({"id": 9, "name": "person"})
    assert own.problems() == {"name not in use": 1}
    assert len(own.load()[0]["interactions"]) == 3


def test_a_category_without_a_name(own):
    own.content["categories"].append({"id": 9, "name": "  "})
    with pytest.raises(InputError, match=r"categories\[2\]\.name.*expected a name"):
        own.load()


def test_a_size_that_is_turned_says_exif(own):
    own.content["images"][0].update(height=WIDTH, width=HEIGHT)
    with pytest.raises(InputError, match="60 x 40.*40 x 60.*EXIF.*exiftool"):
        own.load()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_is_fine(own, encoding):
    assert len(own.load(encoding)) == 1


def test_a_list_that_is_there_twice(own, tmp_path):
    own.load()
    text = own.json_file.read_text()
    own.json_file.write_text(text[:-1] + ', "annotations": []}')
    with pytest.raises(InputError, match="field 'annotations': the key is there twice"):
        load_hoi_json(own.json_file, tmp_path)


@pytest.mark.parametrize("name", ["a.png", "./a.png", "b/../a.png", ".//a.png"])
def test_one_picture_under_two_names(own, name):
    own.content["images"].append({**own.content["images"][0], "id": 8, "file_name": name})
    assert own.problems() == {"duplicate image": 1}
    with pytest.raises(InputError, match=r"field 'images\[1\]': image 8 is there twice"):
        own.load()
