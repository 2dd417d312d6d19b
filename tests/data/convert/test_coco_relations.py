import copy

import pytest

from choi_d2.utils import InputError

CONTENT = {
    "categories": [{"id": 0, "name": "man"}, {"id": 5, "name": "horse"}, {"id": 7, "name": "hat"}],
    "rel_categories": [{"id": 0, "name": "on"}, {"id": 3, "name": "ride"}],
    "images": [{"id": 0, "file_name": "a.png", "height": 40, "width": 60}],
    "annotations": [
        {"id": 0, "image_id": 0, "category_id": 0, "bbox": [1, 2, 10, 20], "iscrowd": 0},
        {"id": 1, "image_id": 0, "category_id": 5, "bbox": [5, 5, 30, 30], "iscrowd": "0"},
        {
            "id": 2,
            "image_id": 0,
            "category_id": 7,
            "bbox": [1, 2, 5, 5],
            "segmentation": [[1, 2, 6, 2, 6, 7]],
        },
    ],
    "rel_annotations": [
        {"id": 0, "image_id": 0, "subject_id": 0, "object_id": 1, "predicate_id": 3},
        {"id": 1, "image_id": 0, "subject_id": 2, "object_id": 0, "predicate_id": 0},
    ],
}


def changed(place, position, **changes):
    content = copy.deepcopy(CONTENT)
    content[place][position].update(changes)
    return content


def test_relations_of_people(converted):
    done = converted(CONTENT, humans=["man"], images=None)
    assert done.form == "coco-relations" and not done.loading.num_fatal
    assert done.triplets == {("a.png", "ride", (1, 2, 10, 20), ("horse", (5, 5, 30, 30)))}
    assert done.problems.counts() == {"subject is no human": 1}
    assert done.names == ["person", "horse", "hat"] and done.verbs == {"ride": True}
    assert done.content["annotations"][2]["segmentation"] == [[1, 2, 6, 2, 6, 7]]


def test_several_classes_of_people_become_one(converted):
    done = converted(changed("categories", 2, name="Person"), humans=["man"])
    assert done.names == ["person", "horse"]
    assert {verb for _, verb, _, _ in done.triplets} == {"ride", "on"}


def test_no_class_of_people(converted):
    with pytest.raises(InputError, match="category of people, found man, horse, hat.*--human"):
        converted(CONTENT)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (changed("rel_annotations", 0, object_id=9), "dangling id"),
        (changed("rel_annotations", 0, predicate_id=1), "unknown verb"),
        (changed("rel_annotations", 0, object_id=0), "related to itself"),
        (changed("annotations", 1, category_id=6), "pair of a left-out instance"),
        (changed("annotations", 1, image_id=3), "pair of a left-out instance"),
    ],
)
def test_relations_that_are_left_out(converted, content, kind):
    content["rel_annotations"].append(
        {"id": 5, "image_id": 0, "subject_id": 0, "object_id": 2, "predicate_id": 3}
    )
    done = converted(content, humans=["man"])
    assert done.problems.counts()[kind] == 1
    assert {thing[0] for _, _, _, thing in done.triplets} == {"hat"}


def test_ends_in_two_images(converted):
    content = changed("annotations", 1, image_id=1)
    content["images"].append({"id": 1, "file_name": "b.png", "height": 40, "width": 60})
    with pytest.raises(InputError, match="no interaction"):
        converted(content, humans=["man"])


def test_sizes_are_read_where_there_are_none(converted):
    content = copy.deepcopy(CONTENT)
    content["images"] = [{"id": 0, "file_name": "a.png"}]
    assert converted(content, humans=["man"]).content["images"][0]["height"] == 40
    with pytest.raises(InputError, match="--images.*1 images have no size"):
        converted(content, humans=["man"], images=None)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (changed("annotations", 1, bbox=[1, 2, float("nan"), 4]), r"annotations\[1\].bbox"),
        (changed("annotations", 1, id=0), "id 0 is used twice"),
        (changed("annotations", 1, iscrowd="perhaps"), "iscrowd.*true or false"),
        (changed("rel_annotations", 0, subject_id=None), r"rel_annotations\[0\].subject_id"),
        (changed("images", 0, height="big"), r"images\[0\].height"),
    ],
)
def test_broken_files(converted, content, message):
    with pytest.raises(InputError, match=message):
        converted(content, humans=["man"])
