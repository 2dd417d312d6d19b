import copy

import pytest

from choi_d2.utils import InputError


def region(own, label, x, y, width, height, **value):
    return {
        "id": own,
        "type": "rectanglelabels",
        "from_name": "label",
        "original_width": 60,
        "original_height": 40,
        "image_rotation": 0,
        "value": {
            "x": x,
            "y": y,
            "width": width,
            "height": height,
            "rotation": 0,
            "rectanglelabels": [label],
            **value,
        },
    }


def relation(first, second, *labels, direction="right"):
    entry = {"type": "relation", "from_id": first, "to_id": second, "direction": direction}
    return {**entry, "labels": list(labels)} if labels else entry


def task(*results, image="/data/upload/1/0a1b2c3d-a.png", **annotation):
    return {
        "id": 1,
        "file_upload": image.rsplit("/", 1)[-1],
        "data": {"image": image},
        "annotations": [{"id": 9, "was_cancelled": False, "result": list(results), **annotation}],
        "predictions": [{"result": [region("p", "person", 0, 0, 1, 1)]}],
    }


PERSON, BALL = region("h", "person", 0, 0, 50, 100), region("o", "ball", 50, 50, 25, 25)
HUMAN_BOX, BALL_BOX = (0, 0, 30, 40), (30, 20, 15, 10)


def verbs_of(done):
    return {(verb, thing and thing[0]) for _, verb, _, thing in done.triplets}


def test_regions_are_in_percent_and_relations_have_verbs(converted):
    done = converted([task(PERSON, BALL, relation("h", "o", "kick", "look at"))], images=None)
    assert done.form == "label-studio" and not done.problems.found and not done.loading.num_fatal
    assert done.triplets == {
        ("a.png", verb, HUMAN_BOX, ("ball", BALL_BOX)) for verb in ("kick", "look at")
    }
    assert done.names == ["person", "ball"]


def test_directions(converted):
    other = region("p", "person", 80, 0, 20, 100)
    done = converted(
        [
            task(
                PERSON,
                BALL,
                other,
                relation("o", "h", "kick", direction="left"),
                relation("h", "p", "hug", direction="bi"),
            )
        ]
    )
    assert len(done.triplets) == 3 and verbs_of(done) == {("kick", "ball"), ("hug", "person")}


def test_choices_of_a_region_are_verbs_without_object(converted):
    choice = {"id": "h", "type": "choices", "from_name": "action", "value": {"choices": ["run"]}}
    other = {"id": "h", "type": "choices", "from_name": "age", "value": {"choices": ["old"]}}
    for each in (choice, other):
        each |= {"original_width": 60, "original_height": 40}
    done = converted([task(PERSON, BALL, choice, other, relation("h", "o", "kick"))])
    assert verbs_of(done) == {("run", None), ("kick", "ball")}
    done = converted([task(PERSON, choice, other)], verb_attributes=["age"])
    assert verbs_of(done) == {("old", None)}


def test_shapes_with_labels_apart_polygons_and_ellipses(converted):
    shape, label = copy.deepcopy(PERSON), copy.deepcopy(PERSON)
    del shape["value"]["rectanglelabels"], label["value"]["rectanglelabels"]
    shape["type"], label["type"] = "rectangle", "labels"
    label["value"]["labels"] = ["person"]
    polygon = {
        **BALL,
        "type": "polygonlabels",
        "value": {"points": [[50, 50], [75, 50], [75, 75]], "polygonlabels": ["ball"]},
    }
    ellipse = {
        **BALL,
        "id": "e",
        "type": "ellipselabels",
        "value": {
            "x": 50,
            "y": 50,
            "radiusX": 10,
            "radiusY": 25,
            "rotation": 0,
            "ellipselabels": ["hoop"],
        },
    }
    results = [
        shape,
        label,
        polygon,
        ellipse,
        relation("h", "o", "kick"),
        relation("h", "e", "hold"),
    ]
    done = converted([task(*results)])
    assert done.triplets == {
        ("a.png", "kick", HUMAN_BOX, ("ball", BALL_BOX)),
        ("a.png", "hold", HUMAN_BOX, ("hoop", (24, 10, 12, 20))),
    }
    assert done.content["annotations"][1]["segmentation"] == [[30, 20, 45, 20, 45, 30]]


def test_a_turned_rectangle_turns_about_its_first_corner(converted):
    turned = region("o", "ball", 50, 50, 25, 25, rotation=90)
    done = converted([task(PERSON, turned, relation("h", "o", "kick"))])
    # 15 wide and 10 high at (30, 20): a quarter turn clockwise, in pixels.
    assert {thing for *_, thing in done.triplets} == {("ball", (20, 20, 10, 15))}
    assert done.problems.counts() == {"rotated box": 1}


@pytest.mark.parametrize(
    "address",
    [
        "/data/upload/1/0a1b2c3d-a.png",
        "/data/local-files/?d=photos/a.png",
        "https://host/some/folder/a.png?size=big",
        "s3://bucket/a.png",
        "a.png",
        "C:\\photos\\a.png",
    ],
)
@pytest.mark.parametrize("with_folder", [True, False])
def test_addresses_of_images(converted, images, address, with_folder):
    content = [task(PERSON, BALL, relation("h", "o", "kick"), image=address)]
    done = converted(content, images=images if with_folder else None)
    assert {image for image, *_ in done.triplets} == {"a.png"}


def test_folders_stay_where_the_images_are_in_folders(converted, images, write_image):
    write_image(images / "photos" / "d.png", 40, 60)
    address = "/data/local-files/?d=all/photos/d.png"
    done = converted([task(PERSON, BALL, relation("h", "o", "kick"), image=address)])
    assert {image for image, *_ in done.triplets} == {"photos/d.png"}


def test_which_annotation_counts(converted):
    content = [task(PERSON, BALL, relation("h", "o", "kick"), updated_at="2024-01-02")]
    older = task(PERSON, updated_at="2023-01-01")["annotations"][0]
    cancelled = task(PERSON, was_cancelled=True, updated_at="2025")["annotations"][0]
    content[0]["annotations"] += [older, cancelled]
    content.append({**task(), "annotations": [], "data": {"image": "b.png"}})
    done = converted(content)
    assert verbs_of(done) == {("kick", "ball")}
    assert done.problems.counts() == {"not annotated": 1, "second annotation": 1}
    truth = {**older, "ground_truth": True}
    content[0]["annotations"] = [truth, *content[0]["annotations"]]
    with pytest.raises(InputError, match="no interaction"):
        converted(content)


def test_an_image_in_which_nothing_is(converted):
    content = [task(PERSON, BALL, relation("h", "o", "kick")), task(image="b.png")]
    assert [len(record["annotations"]) for record in converted(content).records] == [2, 0]
    done = converted(content, images=None)
    assert len(done.content["images"]) == 1 and done.problems.counts() == {"not annotated": 1}


@pytest.mark.parametrize(
    ("extra", "kind"),
    [
        (relation("h", "o"), "relation without verb"),
        (relation("h", "gone", "hold"), "dangling id"),
        (relation("o", "h", "hold"), "subject is no human"),
        (
            {**BALL, "id": "k", "value": {"x": 1, "y": 2, "keypointlabels": ["hand"]}},
            "region of another kind",
        ),
        (
            {**BALL, "id": "k", "value": {"x": 1, "y": 2, "width": 1, "height": 1}},
            "unknown category",
        ),
    ],
)
def test_what_is_left_out(converted, extra, kind):
    done = converted([task(PERSON, BALL, relation("h", "o", "kick"), extra)])
    assert done.problems.counts() == {kind: 1} and verbs_of(done) == {("kick", "ball")}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([task(region("h", "person", 0, 0, "wide", 1))], r"\[0\].result\[0\].value.width"),
        ([task(PERSON) | {"data": {"text": "hello"}}], "address of an image"),
        ([task(PERSON) | {"annotations": {}}], r"\[0\].annotations"),
        ([task(PERSON, {"type": "relation", "from_id": "h"})], r"result\[1\].to_id"),
    ],
)
def test_broken_exports(converted, content, message):
    with pytest.raises(InputError, match=message):
        converted(content)


def test_the_small_export_has_no_relations(converted):
    content = [{"id": 1, "image": "a.png", "label": [{"x": 1}], "annotation_id": 3}]
    with pytest.raises(InputError, match="JSON-MIN has no relations"):
        converted(content)
