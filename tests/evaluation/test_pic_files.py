import copy
import json

import cv2
import numpy as np
import pytest

from choi_d2.evaluation.png import write_label_map

INSTANCE = np.zeros((48, 64), np.uint8)
INSTANCE[:20, :20], INSTANCE[25:45, 30:60] = 7, 9
SEMANTIC = np.where(INSTANCE == 7, 1, np.where(INSTANCE == 9, 55, 0)).astype(np.uint8)

# In v2's ids: hold, in front of.
TRUTH = [
    {
        "name": "a.jpg",
        "image_id": 0,
        "relations": [
            {"subject": 7, "object": 9, "relation": 5},
            {"subject": 7, "object": 9, "relation": 1},
        ],
    },
]
PREDICTIONS = [
    {
        "name": "a.jpg",
        "image_id": 0,
        "relations": [
            {"subject": 7, "object": 9, "relation": 5, "score": 0.9},
            {"subject": 7, "object": 9, "relation": 1, "score": 0.5},
        ],
    },
]
DELETE = object()


@pytest.fixture
def folders(tmp_path):
    """A ground truth of one image, and perfect predictions."""
    for root, entries in (("gt", TRUTH), ("pred", PREDICTIONS)):
        write_maps(tmp_path / root, "a")
        write_relations(tmp_path / root, entries)
    return tmp_path


def write_maps(root, name, semantic=SEMANTIC, instance=INSTANCE):
    write_label_map(root / "semantic" / f"{name}.png", semantic)
    write_label_map(root / "instance" / f"{name}.png", instance)


def write_relations(root, entries):
    (root / "relations.json").write_text(json.dumps(entries))


def changed(entries, key, value, row=0):
    entries = copy.deepcopy(entries)
    if value is DELETE:
        del entries[0]["relations"][row][key]
    else:
        entries[0]["relations"][row][key] = value
    return entries


@pytest.fixture
def run(evaluate, folders):
    def run(*flags):
        return evaluate("pic", "--gt", folders / "gt", "--pred", folders / "pred", *flags)

    return run


def fails_with(outcome, *messages):
    assert outcome.code == 1 and outcome.metrics is None
    assert outcome.error.count("\n") == 1
    for message in messages:
        assert message in outcome.error


def test_clean_input_warns_of_nothing(run):
    outcome = run()
    assert outcome.code == 0 and outcome.warnings == []
    assert outcome.metrics["R@20"] == 1.0
    assert "hold" in outcome.printed and "100.00" in outcome.printed


def test_the_version_decides_what_is_geometric(run, folders):
    v2, v1 = run(), run("--version", "v1")
    assert v2.metrics["per_relation"]["R@20"]["0.5"]["hold"] == 1.0
    assert v1.metrics["per_iou"]["R@20"]["0.5"]["geometric"] is None
    assert v1.metrics["per_relation"]["R@20"]["0.5"]["drink"] == 1.0
    assert len(v1.warnings) == 1 and "no geometric relation at all" in v1.warnings[0]


def test_only_v2_leaves_images_out(run, folders):
    for root, entries in (("gt", TRUTH), ("pred", PREDICTIONS)):
        write_maps(folders / root, "20136")
        write_relations(folders / root, [*entries, entries[0] | {"name": "20136.jpg"}])
    assert run().metrics["images"] == 1
    assert run("--version", "v1").metrics["images"] == 2


BROKEN_TRUTH = {
    "top level": ({}, "expected a JSON list"),
    "entry": ([3], "field '[0]': expected an object"),
    "name": ([{"name": "a.png", "relations": []}], "'[0].name': expected a name that ends in .jpg"),
    "missing name": ([{"relations": []}], "'name' is missing"),
    "missing relations": ([{"name": "a.jpg"}], "'relations' is missing"),
    "relations": ([{"name": "a.jpg", "relations": {}}], "field 'relations': expected a list"),
    "missing subject": (changed(TRUTH, "subject", DELETE, 1), "'relations[1]': the required key"),
    "subject": (changed(TRUTH, "subject", [7]), "'relations[0].subject': expected an integer"),
    "relation": (changed(TRUTH, "relation", 31), "expected a relation in 1..30, found 31"),
    "self": (changed(TRUTH, "object", 7, 1), "'relations[1]': an instance is related to itself"),
    "twice": (TRUTH * 2, "image 'a.jpg': this image occurs more than once"),
    "no relation": ([{"name": "a.jpg", "relations": []}], "the data set is empty: no relation"),
}


@pytest.mark.parametrize(("entries", "message"), BROKEN_TRUTH.values(), ids=BROKEN_TRUTH.keys())
def test_broken_ground_truth_is_one_clear_error(run, folders, entries, message):
    write_relations(folders / "gt", entries)
    fails_with(run(), message, "gt/relations.json")


BROKEN_PREDICTIONS = {
    "missing score": (changed(PREDICTIONS, "score", DELETE), "'score' is missing"),
    "nan": (changed(PREDICTIONS, "score", float("nan")), "'relations[0].score': expected a finite"),
    "string": (changed(PREDICTIONS, "score", "high"), "'relations[0].score': expected a finite"),
}


@pytest.mark.parametrize(
    ("entries", "message"), BROKEN_PREDICTIONS.values(), ids=BROKEN_PREDICTIONS.keys()
)
def test_broken_predictions_are_one_clear_error(run, folders, entries, message):
    write_relations(folders / "pred", entries)
    fails_with(run(), message, "pred/relations.json", "image 'a.jpg'")


@pytest.mark.parametrize("content", [b"", b"\x89PNG\xff", b'[{"name": "a.jp'])
@pytest.mark.parametrize("root", ["gt", "pred"])
def test_broken_relation_files(run, folders, root, content):
    (folders / root / "relations.json").write_bytes(content)
    fails_with(run(), f"{root}/relations.json")


def test_missing_files(run, folders, evaluate):
    (folders / "pred" / "instance" / "a.png").unlink()
    fails_with(run(), "pred/instance/a.png", "no such file")
    (folders / "gt" / "semantic" / "a.png").unlink()
    fails_with(run(), "gt/semantic/a.png", "no such file")
    (folders / "gt" / "instance" / "a.png").unlink()
    fails_with(run(), "the data set is empty")
    fails_with(evaluate("pic", "--gt", folders / "no", "--pred", folders), "no such folder")


def test_maps_of_one_image_have_one_size(run, folders):
    write_label_map(folders / "gt" / "instance" / "a.png", INSTANCE[:-1])
    fails_with(run(), "gt/instance/a.png", "image 'a'", "64 x 47", "64 x 48")


def test_maps_have_the_size_of_the_photo(run, folders):
    photos = folders / "photos"
    photos.mkdir()
    fails_with(run("--images", photos), "photos/a.jpg", "no such file")
    cv2.imwrite(str(photos / "a.jpg"), np.zeros((48, 65, 3), np.uint8))
    fails_with(run("--images", photos), "image 'a'", "64 x 48", "65 x 48")
    cv2.imwrite(str(photos / "a.jpg"), np.zeros((48, 64, 3), np.uint8))
    assert run("--images", photos).code == 0
    (photos / "a.jpg").write_text("no photo")
    fails_with(run("--images", photos), "photos/a.jpg: cannot be read as a picture")


def test_a_16_bit_map_is_an_error(run, folders):
    cv2.imwrite(str(folders / "pred" / "semantic" / "a.png"), SEMANTIC.astype(np.uint16))
    fails_with(run(), "pred/semantic/a.png", "found 16-bit gray")


def truth_without_json_entry(folders):
    write_maps(folders / "gt", "b")
    write_maps(folders / "pred", "b")
    write_relations(folders / "pred", [*PREDICTIONS, PREDICTIONS[0] | {"name": "b.jpg"}])


def truth_with_empty_relations(folders):
    truth_without_json_entry(folders)
    write_relations(folders / "gt", [*TRUTH, {"name": "b.jpg", "relations": []}])


def predictions_without_json_entry(folders):
    write_relations(folders / "pred", [])


def predictions_without_maps(folders):
    for kind in ("semantic", "instance"):
        (folders / "pred" / kind / "a.png").unlink()


def surplus_predicted_maps(folders):
    write_maps(folders / "pred", "b")


def truth_entry_without_maps(folders):
    write_relations(folders / "gt", [*TRUTH, TRUTH[0] | {"name": "ghost.jpg"}])


def repeated_prediction_entry(folders):
    empty = PREDICTIONS[0] | {"relations": []}
    write_relations(folders / "pred", [empty, *PREDICTIONS])


def unknown_predicted_relation(folders):
    write_relations(folders / "pred", changed(PREDICTIONS, "relation", 31))


def ids_as_strings(folders):
    write_relations(folders / "pred", changed(PREDICTIONS, "subject", "7"))


def repeated_truth(folders):
    repeated = copy.deepcopy(TRUTH)
    repeated[0]["relations"] *= 2
    write_relations(folders / "gt", repeated)


TOLERATED = {
    truth_without_json_entry: ("image without ground-truth relations", 1.0),
    truth_with_empty_relations: ("image with an empty list of relations", 1.0),
    predictions_without_json_entry: ("image without predicted relations", 0.0),
    predictions_without_maps: ("image without predicted PNGs", 0.0),
    surplus_predicted_maps: ("predicted PNG of an image that the ground truth does not have", 1.0),
    truth_entry_without_maps: ("ground-truth relations of an image without PNG, ignored", 1.0),
    repeated_prediction_entry: ("another prediction entry for the same image", 1.0),
    unknown_predicted_relation: ("predicted relation outside 1..30", 0.5),
    ids_as_strings: ("predicted subject written as a string", 1.0),
    repeated_truth: ("ground-truth relation listed again", 1.0),
}


@pytest.mark.parametrize(
    ("change", "warning", "recall"),
    [(change, *expected) for change, expected in TOLERATED.items()],
    ids=[change.__name__ for change in TOLERATED],
)
def test_what_is_tolerated_is_said(run, folders, change, warning, recall):
    change(folders)
    outcome = run()
    assert outcome.code == 0
    assert len(outcome.warnings) == 1 and warning in outcome.warnings[0]
    assert outcome.metrics["R@100"] == recall
    fails_with(run("--strict"), warning)
