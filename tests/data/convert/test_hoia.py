import pytest

from choi_d2.utils import InputError

ENTRIES = [
    {
        "file_name": "a.png",
        "annotations": [
            {"bbox": [30, 10, 40, 20], "category_id": "2\n"},
            {"bbox": [10, 5, 35, 39], "category_id": 1},
        ],
        "hoi_annotation": [
            {"subject_id": 1, "object_id": 0, "category_id": 1},
            {"subject_id": 1, "object_id": -1, "category_id": "2"},
        ],
    },
    {"file_name": "b.png", "annotations": [], "hoi_annotation": []},
]


@pytest.fixture
def lists(write):
    objects = write("person\nball\n", "objects.txt")
    return {"objects": objects, "verbs": write("kick\nrun\nfly\n", "verbs.txt")}


def with_pair(**changes):
    pair = {"subject_id": 1, "object_id": 0, "category_id": 1, **changes}
    return [{**ENTRIES[0], "hoi_annotation": [*ENTRIES[0]["hoi_annotation"][1:], pair]}]


def test_names_sizes_and_verbs_without_object(converted, lists):
    done = converted(ENTRIES, **lists)
    person = (10, 5, 25, 34)
    assert done.form == "hoia" and not done.problems.found and not done.loading.num_fatal
    assert done.triplets == {
        ("a.png", "kick", person, ("ball", (30, 10, 10, 10))),
        ("a.png", "run", person, None),
    }
    assert done.verbs == {"kick": True, "run": False, "fly": True}
    assert done.content["images"][1] == {"id": 2, "file_name": "b.png", "height": 40, "width": 60}
    assert [len(record["interactions"]) for record in done.records] == [2, 0]


@pytest.mark.parametrize(
    ("objects", "verbs"),
    [
        ('["person", "ball"]', '["kick", "run", "fly"]'),
        ('{"1": "person", "2": "ball"}', '{"1": "kick", "2": "run", "3": "fly"}'),
        ('[{"id": 2, "name": "ball"}, {"id": 1, "name": "person"}]', '["kick", "run"]'),
    ],
)
def test_lists_in_json(converted, write, objects, verbs):
    lists = {"objects": write(objects, "o.json"), "verbs": write(verbs, "v.json")}
    done = converted(ENTRIES, **lists)
    assert {(verb, thing and thing[0]) for _, verb, _, thing in done.triplets} == {
        ("kick", "ball"),
        ("run", None),
    }


def test_numbered_lines_and_known_lists(converted, write):
    verbs = write("0 stop\n1 play (ball)\n2: run\n", "verbs.txt")
    done = converted(ENTRIES, objects="hoiw", verbs=verbs)
    assert {verb for _, verb, _, _ in done.triplets} == {"play (ball)", "run"}
    assert done.names[:2] == ["person", "cellphone"]


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"object_id": 7}, "dangling id"),
        ({"subject_id": -1}, "dangling id"),
        ({"category_id": 4}, "unknown verb"),
        ({"subject_id": 0, "object_id": 1}, "subject is no human"),
        ({"object_id": 1}, "related to itself"),
        ({"object_id": -1, "category_id": 2}, "repeated triplet"),
    ],
)
def test_pairs_that_are_left_out(converted, lists, change, kind):
    done = converted(with_pair(**change), **lists)
    assert done.problems.counts() == {kind: 1}
    assert {verb for _, verb, _, _ in done.triplets} == {"run"}


def test_a_verb_that_has_an_object_elsewhere(converted, lists):
    done = converted(with_pair(category_id=2), **lists)
    assert done.verbs["run"] is True and len(done.triplets) == 1
    assert done.problems.counts() == {"verb and object do not fit": 1}


def test_boxes_of_unknown_classes_take_their_pairs_along(converted, write):
    lists = {"objects": write("person", "o.txt"), "verbs": write("kick\nrun", "v.txt")}
    done = converted(ENTRIES, **lists)
    assert done.problems.counts() == {"unknown category": 1, "pair of a left-out instance": 1}
    assert len(done.content["annotations"]) == len(done.triplets) == 1


def test_missing_and_repeated_images(converted, lists):
    done = converted([*ENTRIES, {**ENTRIES[1], "file_name": "no.png"}], **lists)
    assert done.problems.counts() == {"missing image": 1}
    with pytest.raises(InputError, match="image 'a.png'.*twice"):
        converted([ENTRIES[0], ENTRIES[0]], **lists)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"objects": None}, "--objects.*numbers alone"),
        ({"images": None}, "--images.*no sizes"),
        ({"objects": "nothing"}, "no known list"),
    ],
)
def test_what_is_needed_beside_the_file(converted, lists, options, message):
    with pytest.raises(InputError, match=message):
        converted(ENTRIES, **{**lists, **options})


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("person\nperson", "name 'person' is there twice"),
        ("1 person\n1 ball", "number 1"),
        ("", ""),
    ],
)
def test_bad_lists(converted, lists, write, names, message):
    with pytest.raises(InputError, match=f"bad.txt.*{message}"):
        converted(ENTRIES, **{**lists, "objects": write(names, "bad.txt")})


@pytest.mark.parametrize(
    ("entry", "field"),
    [
        ({"annotations": [{"bbox": [1, 2, 3], "category_id": 1}]}, r"annotations\[0\].bbox"),
        ({"annotations": [{"bbox": [1, 2, 3, None], "category_id": 1}]}, r"annotations\[0\].bbox"),
        ({"annotations": [{"bbox": [1, 2, 3, 4]}]}, r"annotations\[0\].category_id"),
        ({"annotations": {}}, "annotations"),
        ({"hoi_annotation": [{"subject_id": 1, "object_id": "x", "category_id": 1}]}, "object_id"),
    ],
)
def test_broken_entries_are_named(converted, lists, entry, field):
    with pytest.raises(InputError, match=f"image 'a.png', field '.*{field}'"):
        converted([{**ENTRIES[0], **entry}], **lists)
