import json

import numpy as np
import pytest
import torch
from hoi_scenes import HEIGHT, WIDTH, empty_output, evaluated, model_output, registered

from choi_d2.categories.hicodet import COCO_IDS, OBJECTS, VERBS
from choi_d2.evaluation import HICODETEvaluator, VerbsByClass
from choi_d2.utils import InputError

# Not in HICO-DET's order, and not all of it.
CLASSES = ["person", "bicycle", "airplane", "cell phone"]
NAMES = ["ride", "hold", "board", "no_interaction"]


def metadata(**changes):
    ids = [COCO_IDS[OBJECTS.index(name.replace(" ", "_"))] for name in CLASSES]
    return {
        "thing_classes": CLASSES,
        "verb_classes": NAMES,
        "human_class": 0,
        "humans_as_objects": True,
        "objectless_verbs": (),
        "thing_dataset_id_to_contiguous_id": {own: i for i, own in enumerate(ids)},
        "verb_dataset_id_to_contiguous_id": {VERBS.index(v) + 1: i for i, v in enumerate(NAMES)},
        "evaluator_type": "hicodet",
    } | changes


def record(name, boxes, classes, pairs):
    """``pairs``: (human, object) -> verbs."""
    return {
        "file_name": f"/images/{name}",
        "image_id": name,
        "height": HEIGHT,
        "width": WIDTH,
        "annotations": [
            {"bbox": box, "bbox_mode": 0, "category_id": category, "iscrowd": 0}
            for box, category in zip(boxes, classes, strict=True)
        ],
        "interactions": [
            {"human": human, "object": target, "verbs": verbs}
            for (human, target), verbs in pairs.items()
        ],
    }


PERSON, OTHER, BIKE = [10, 10, 50, 100], [90, 10, 130, 100], [5, 50, 60, 110]
RECORDS = [
    record("a.jpg", [PERSON, BIKE, OTHER], [0, 1, 0], {(0, 1): [0, 1], (2, 0): [1]}),
    record("b.jpg", [PERSON, BIKE], [0, 1], {(0, 1): [3]}),
    record("c.jpg", [], [], {}),
]


def output(boxes, classes, pairs):
    """``pairs``: (human, object) -> {verb: score}."""
    verb_scores = torch.zeros(len(pairs), len(NAMES))
    for row, scores in enumerate(pairs.values()):
        for verb, score in scores.items():
            verb_scores[row, verb] = score
    boxes = torch.tensor(boxes, dtype=torch.float32)
    return model_output(
        boxes, torch.tensor(classes), torch.ones(len(boxes)), list(pairs), verb_scores
    )


# Riding is found, holding is not; board bicycle is no class; the people are found.
OUTPUTS = [
    output([PERSON, BIKE, OTHER], [0, 1, 0], {(0, 1): {0: 0.9, 2: 0.8}, (2, 0): {1: 0.7}}),
    output([OTHER, BIKE], [0, 1], {(0, 1): {3: 0.5, 0: 0.95}}),
    empty_output(len(NAMES)),
]


def hoi(metrics, name, setting="default"):
    (found,) = (h for h in metrics[setting]["per_hoi"].values() if h["name"] == name)
    return found["num_gt"], found["num_pred"], found["num_tp"], round(found["ap"], 9)


def test_records_are_the_ground_truth_where_there_is_no_file(tmp_path):
    with registered("hico", RECORDS, **metadata()):
        results = evaluated(HICODETEvaluator("hico", output_dir=tmp_path), RECORDS, OUTPUTS)
    metrics = json.loads((tmp_path / "hico_metrics.json").read_text())
    assert hoi(metrics, "ride bicycle") == (1, 2, 1, 0.5)
    assert hoi(metrics, "hold bicycle") == (1, 0, 0, 0)
    assert hoi(metrics, "hold person") == (1, 1, 1, 1)
    assert hoi(metrics, "no_interaction bicycle") == (1, 1, 0, 0)
    assert results["hoi"]["mAP_full"] == pytest.approx(100 * 1.5 / 600)
    assert results["hoi"]["mAP_full_ko"] == pytest.approx(100 * 1.5 / 600)
    # Of the four classes with a pair.
    assert results["hoi"]["mAP_over_classes_with_gt"] == pytest.approx(100 * 1.5 / 4)
    assert results["hoi"]["mAP-board"] == 0
    assert metrics["rare"] == {
        "source": "the official list",
        "num_rare": 138,
        "is_official_list": True,
    }


def hoia(records):
    """What the records hold, as HICO-DET's JSON: pixels counted from 0."""
    entries = []
    for record in records:
        annotations, triplets = [], []
        for a in record["annotations"]:
            x1, y1, x2, y2 = a["bbox"]
            name = CLASSES[a["category_id"]].replace(" ", "_")
            category = COCO_IDS[OBJECTS.index(name)]
            annotations.append({"bbox": [x1, y1, x2 - 1, y2 - 1], "category_id": category})
        for pair in record["interactions"]:
            ends = {"subject_id": pair["human"], "object_id": pair["object"]}
            triplets += [ends | {"category_id": VERBS.index(NAMES[v]) + 1} for v in pair["verbs"]]
        name = record["image_id"]
        entries.append({"file_name": name, "annotations": annotations, "hoi_annotation": triplets})
    return entries


@pytest.fixture
def files(tmp_path):
    """The ground truth with an image that has no record, training annotations and labels."""
    lost = record("lost.jpg", [PERSON, BIKE], [0, 1], {(0, 1): [0]})
    content = {
        "json_file": hoia([lost, *RECORDS]),
        "train_file": hoia([lost]),
        "labels_file": [
            {"file_name": "lost.jpg", "positive": [19]},
            {"file_name": "a.jpg", "positive": [19, 163]},
            {"file_name": "b.jpg", "positive": []},
            {"file_name": "c.jpg", "positive": []},
        ],
    }
    paths = {key: tmp_path / f"{key}.json" for key in content}
    for key, path in paths.items():
        path.write_text(json.dumps(content[key]))
    return {key: str(path) for key, path in paths.items()}


def scored(tmp_path, **changes):
    with registered("hico", RECORDS, **metadata(**changes)):
        evaluated(HICODETEvaluator("hico", output_dir=tmp_path), RECORDS, OUTPUTS)
    return json.loads((tmp_path / "hico_metrics.json").read_text())


def test_files_count_and_the_command_line_gives_the_same(files, tmp_path, evaluate):
    metrics = scored(tmp_path, **files)
    assert hoi(metrics, "ride bicycle") == (2, 2, 1, round(0.5 * 6 / 11, 9))
    assert metrics["rare"]["num_rare"] == 600
    assert metrics["known_object_from"] == "image-level labels"
    flags = ("--gt", files["json_file"], "--train", files["train_file"])
    flags += ("--labels", files["labels_file"], "--pred", tmp_path / "hico_predictions.json")
    assert evaluate("hicodet", *flags).metrics == metrics


def test_random_outputs_score_the_same_on_the_command_line(files, tmp_path, evaluate):
    random = np.random.default_rng(0)
    outputs = []
    for record in RECORDS:
        boxes = np.array([a["bbox"] for a in record["annotations"]]).reshape(-1, 4)
        boxes = np.repeat(boxes, 3, axis=0)
        boxes = boxes + random.normal(0, 4, boxes.shape)
        classes = np.repeat([a["category_id"] for a in record["annotations"]], 3).astype(int)
        ends = [(h, o) for h in np.flatnonzero(classes == 0) for o in range(len(boxes)) if h != o]
        pairs = {pair: dict(enumerate(random.random(len(NAMES)))) for pair in ends}
        outputs.append(output(boxes, classes, pairs) if pairs else empty_output(len(NAMES)))
    with registered("hico", RECORDS, **metadata(**files)):
        evaluated(HICODETEvaluator("hico", output_dir=tmp_path), RECORDS, outputs)
    metrics = json.loads((tmp_path / "hico_metrics.json").read_text())
    flags = ("--gt", files["json_file"], "--train", files["train_file"])
    flags += ("--labels", files["labels_file"], "--pred", tmp_path / "hico_predictions.json")
    assert evaluate("hicodet", *flags).metrics == metrics
    assert hoi(metrics, "ride bicycle")[1] > 20 and metrics["default"]["mAP_full"] > 0


def test_boxes_are_written_in_pixels(tmp_path):
    scored(tmp_path)
    first, _, empty = json.loads((tmp_path / "hico_predictions.json").read_text())
    assert first["predictions"][0] == {"bbox": [10, 10, 49, 99], "category_id": 1, "score": 1}
    assert [p["category_id"] for p in first["predictions"]] == [1, 2, 1]
    # Board bicycle is no class.
    rows = [[*row.values()] for row in first["hoi_prediction"]]
    assert rows == [[0, 1, 77, 19, pytest.approx(0.9)], [2, 0, 37, 163, pytest.approx(0.7)]]
    assert empty == {"file_name": "c.jpg", "predictions": [], "hoi_prediction": []}


def test_files_that_are_named_and_not_there(files, tmp_path, caplog):
    metrics = scored(tmp_path, **(files | {"train_file": "/no/train", "labels_file": None}))
    assert metrics["rare"]["source"] == "the official list"
    assert metrics["known_object_from"] == "boxes"
    assert "there is no /no/train, evaluated without" in caplog.text
    assert hoi(metrics, "ride bicycle")[0] == 2


def test_the_prior_in_place_of_the_verbs(tmp_path):
    prior = torch.zeros(len(CLASSES), len(NAMES))
    prior[1, 0] = 0.25
    with registered("hico", RECORDS, **metadata()):
        evaluator = VerbsByClass(HICODETEvaluator("hico", output_dir=tmp_path), prior)
        evaluated(evaluator, RECORDS, OUTPUTS)
    metrics = json.loads((tmp_path / "hico_metrics.json").read_text())
    assert hoi(metrics, "ride bicycle")[1] == 2 and hoi(metrics, "hold person")[1] == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"thing_classes": ["person", "cigarette"]}, "no class 'cigarette'"),
        ({"verb_classes": ["hold", "smoke"]}, "no verb 'smoke'"),
    ],
)
def test_other_names_are_an_error(changes, message):
    with registered("odd", [], **metadata(**changes)), pytest.raises(InputError, match=message):
        HICODETEvaluator("odd")


def test_no_record_has_an_output(tmp_path):
    with registered("hico", RECORDS, **metadata()):
        results = evaluated(HICODETEvaluator("hico"), RECORDS, [None] * 3)
    assert results["hoi"]["mAP_full"] == 0
