import pytest

from choi_d2.utils import InputError

HUMAN, BALL = [1, 1, 20, 40], [31, 11, 40, 20]


def hicodet_like(**changes):
    entry = {
        "boxes_h": [HUMAN, [2, 1, 21, 40]],
        "boxes_o": [BALL, BALL],
        "hoi": [0, 1],
        "object": [0, 0],
        "verb": [0, 1],
    }
    empty = {key: [] for key in entry}
    return {
        "annotation": [entry, empty],
        "filenames": ["a.png", "b.png"],
        "empty": [1],
        "size": [[60, 40], [60, 40]],
        "objects": ["ball", "person"],
        "verbs": ["kick", "hold"],
        "correspondence": [[0, 0, 0], [1, 0, 1]],
        **changes,
    }


def test_own_lists_of_hicodets_form(converted):
    done = converted(hicodet_like(), images=None)
    assert done.form == "instances" and not done.problems.found and not done.loading.num_fatal
    # The human was drawn for each class of interaction anew: one person, the mean of both boxes.
    person, ball = (0.5, 0, 20, 40), ("ball", (30, 10, 10, 10))
    assert done.triplets == {("a.png", "kick", person, ball), ("a.png", "hold", person, ball)}
    assert len(done.content["annotations"]) == 2 and done.names == ["ball", "person"]
    assert done.content["allowed_interactions"] == [
        {"verb_id": 1, "category_id": 1},
        {"verb_id": 2, "category_id": 1},
    ]


def test_without_lists_the_names_are_hicodets(converted):
    content = hicodet_like()
    for key in ("objects", "verbs", "correspondence"):
        del content[key]
    done = converted(content)
    assert {(verb, thing[0]) for _, verb, _, thing in done.triplets} == {
        ("adjust", "airplane"),
        ("assemble", "airplane"),
    }
    assert len(done.names) == 80 and len(done.verbs) == 117


def test_sizes_are_read_where_there_are_none(converted):
    content = hicodet_like()
    del content["size"]
    assert converted(content).content["images"][0]["width"] == 60
    with pytest.raises(InputError, match="--images.*no 'size'"):
        converted(content, images=None)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"filenames": ["a.png"]}, "expected 2 names"),
        ({"size": [[60, 40]]}, "expected 2 pairs"),
        ({"objects": [1, 2]}, r"objects\[0\].*a string"),
        ({"correspondence": [[0, 9, 0]]}, r"correspondence\[0\]"),
    ],
)
def test_broken_files(converted, change, message):
    with pytest.raises(InputError, match=message):
        converted(hicodet_like(**change))


def test_broken_entries(converted):
    content = hicodet_like()
    content["annotation"][0]["boxes_o"].pop()
    with pytest.raises(InputError, match="image 'a.png'.*boxes_o.*expected 2 boxes"):
        converted(content)
    content = hicodet_like()
    content["annotation"][0]["verb"] = [0, 7]
    done = converted(content)
    assert done.problems.counts() == {"unknown verb": 1} and len(done.triplets) == 1


def vcoco_like(**changes):
    entry = {
        "boxes_h": [[0, 0, 19, 39], [0, 0, 19, 39], [0, 0, 19, 39]],
        "boxes_o": [[30, 10, 39, 19], [30, 10, 39, 19], [0, 0, 19, 39]],
        "actions": [0, 1, 1],
        "objects": [37.0, 37.0, 1.0],
        "file_name": "a.png",
        **changes,
    }
    empty = {key: [] for key in entry} | {"file_name": "b.png"}
    return {"annotations": [entry, empty], "classes": ["hold obj", "look obj"], "images": [1, 2]}


def test_vcocos_form(converted):
    done = converted(vcoco_like())
    person, ball = (0, 0, 20, 40), ("sports ball", (30, 10, 10, 10))
    assert done.form == "instances" and done.names[0] == "person" and len(done.names) == 80
    assert done.triplets == {
        ("a.png", "hold_obj", person, ball),
        ("a.png", "look_obj", person, ball),
    }
    assert len(done.content["annotations"]) == 2
    # The person looks at itself, which the release has too.
    assert done.problems.counts() == {"related to itself": 1}
    with pytest.raises(InputError, match="--images"):
        converted(vcoco_like(), images=None)
    with pytest.raises(InputError, match="as many objects as verbs"):
        converted(vcoco_like(objects=[37.0]))
