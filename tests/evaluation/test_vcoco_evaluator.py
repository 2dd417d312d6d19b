import json
import math

import numpy as np
import pytest
import torch
from detectron2.structures import BoxMode
from hoi_scenes import HEIGHT, WIDTH, empty_output, model_output, registered

from choi_d2.categories.vcoco import ACTION_ROLES, ACTIONS, OBJECTLESS_ACTIONS, VERBS
from choi_d2.evaluation import VCOCOEvaluator
from choi_d2.utils import InputError
from choi_d2.utils.safe_pickle import read_pickle

NUM_ROLES = len(ACTION_ROLES)
METADATA = {
    "thing_classes": ["person", "bottle"],
    "verb_classes": list(VERBS),
    "human_class": 0,
    "thing_dataset_id_to_contiguous_id": {1: 0, 44: 1},
    "verb_dataset_id_to_contiguous_id": {i: i for i in range(len(VERBS))},
    "evaluator_type": "vcoco",
}


def record_of(random, image_id):
    """Two V-COCO people, one who is none, three things; boxes on a grid of quarters."""
    corner = random.integers(0, 240, (6, 2)) / 4
    boxes = np.concatenate([corner, corner + random.integers(80, 240, (6, 2)) / 4], axis=1)
    boxes[3] = [-2.25, -1, WIDTH + 3, HEIGHT + 0.5]
    interactions = []
    for human in (0, 1):
        verbs = {}
        for action, roles in ACTIONS:
            if random.random() < 0.5:
                continue
            for role in roles:
                # Half of the objects are not annotated: the pair (i, i).
                thing = human if random.random() < 0.5 else int(random.choice([2, 3, 4, 1 - human]))
                verbs.setdefault(thing, []).append(VERBS.index(f"{action}_{role}"))
            if not roles:
                verbs.setdefault(human, []).append(VERBS.index(action))
        interactions += [{"human": human, "object": o, "verbs": v} for o, v in verbs.items()]
    return {
        "file_name": f"/photos/{image_id}.jpg",
        "image_id": image_id,
        "height": HEIGHT,
        "width": WIDTH,
        "annotations": [
            {
                "bbox": box,
                "bbox_mode": BoxMode.XYXY_ABS,
                "category_id": category,
                "iscrowd": 0,
                "vcoco_person": place in (0, 1),
            }
            for place, (box, category) in enumerate(
                zip(boxes.tolist(), [0, 0, 1, 1, 1, 0], strict=True)
            )
        ],
        "interactions": interactions,
    }


def output_of(random, record):
    truth = np.array([a["bbox"] for a in record["annotations"]])
    boxes = np.concatenate([truth + random.normal(0, 3, truth.shape), truth[:2] + 4])
    classes = torch.tensor([a["category_id"] for a in record["annotations"]] + [0, 0])
    humans = torch.nonzero(classes == 0).flatten().tolist()
    pairs = [(h, o) for h in humans for o in range(len(boxes))]
    verb_scores = torch.tensor(random.uniform(0, 1, (len(pairs), len(VERBS)))).float()
    verb_scores[torch.rand(verb_scores.shape) < 0.5] = 0
    for row, (human, object_) in enumerate(pairs):
        if human == object_:
            verb_scores[row, :NUM_ROLES] = 0
        else:
            verb_scores[row, NUM_ROLES:] = 0
    scores = torch.tensor(random.uniform(0.3, 1, len(boxes))).float()
    return model_output(torch.tensor(boxes).float(), classes, scores, pairs, verb_scores)


def write_truth(folder, records):
    """Records as V-COCO's three files."""
    images, annotations, people = [], [], []
    for record in records:
        image = record["image_id"]
        images.append({"id": image, "width": WIDTH, "height": HEIGHT})
        ids = [image * 100 + place + 1 for place in range(len(record["annotations"]))]
        for i, annotation in zip(ids, record["annotations"], strict=True):
            x1, y1, x2, y2 = annotation["bbox"]
            category = [1, 44][annotation["category_id"]]
            box = {"bbox": [x1, y1, x2 - x1, y2 - y1], "area": 1.0, "category_id": category}
            annotations.append({"id": i, "image_id": image, "iscrowd": 0, **box})
        for place, annotation in enumerate(record["annotations"]):
            if annotation["category_id"] == 0 and annotation["vcoco_person"]:
                filler = {
                    VERBS[verb]: 0 if pair["object"] == place else ids[pair["object"]]
                    for pair in record["interactions"]
                    if pair["human"] == place
                    for verb in pair["verbs"]
                }
                people.append((image, ids[place], filler))
    vsrl = []
    for action, roles in ACTIONS:
        verbs = [f"{action}_{role}" for role in roles] or [action]
        fillers = [[p[2].get(verb, 0) for p in people] for verb in (verbs if roles else ())]
        vsrl.append(
            {
                "action_name": action,
                "role_name": ["agent", *roles],
                "image_id": [p[0] for p in people],
                "ann_id": [p[1] for p in people],
                "label": [int(any(verb in p[2] for verb in verbs)) for p in people],
                "role_object_id": sum(fillers, [p[1] for p in people]),
            }
        )
    categories = [{"id": 1, "name": "person"}, {"id": 44, "name": "bottle"}]
    coco = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "coco.json").write_text(json.dumps(coco))
    (folder / "vsrl.json").write_text(json.dumps(vsrl))
    (folder / "ids.txt").write_text("\n".join(str(image["id"]) for image in images))


def evaluated(records, outputs, output_dir=None, **metadata):
    with registered("vcoco_like", records, **METADATA | metadata):
        evaluator = VCOCOEvaluator("vcoco_like", output_dir=output_dir)
        evaluator.reset()
        for record, output in zip(records, outputs, strict=True):
            evaluator.process([record], [output])
        return evaluator.evaluate()


def test_equals_the_command_line_on_its_own_files(tmp_path, evaluate):
    random = np.random.default_rng(2)
    records = [record_of(random, image_id) for image_id in (3, 8, 11, 20)]
    outputs = [output_of(random, record) for record in records]
    outputs[2] = empty_output(len(VERBS))
    write_truth(tmp_path, records)
    result = evaluated(records, outputs, tmp_path / "out")["hoi"]
    own = json.loads((tmp_path / "out" / "vcoco_like_metrics.json").read_text())
    official = evaluate(
        *("vcoco", "--vsrl", tmp_path / "vsrl.json", "--coco", tmp_path / "coco.json"),
        *("--ids", tmp_path / "ids.txt"),
        *("--pred", tmp_path / "out" / "vcoco_like_predictions.pkl"),
    )
    assert official.code == 0, official.error
    assert official.metrics == own
    assert 0.01 < own["AP_role_S1"] < own["AP_role_S2"] < own["AP_agent"] < 1
    assert result["AP_role_S1"] == 100 * own["AP_role_S1"]
    assert result["AP-S2-hold_obj"] == 100 * own["per_action_role"]["hold_obj"]["AP_role_S2"]


def test_one_entry_for_each_human_with_its_best_objects(tmp_path):
    boxes = torch.tensor([[0.0, 0, 50, 50], [10, 10, 20, 20], [30, 30, 40, 40]])
    classes, scores = torch.tensor([0, 1, 0]), torch.tensor([0.5, 1.0, 1.0])
    pairs = [(0, 0), (0, 1), (0, 2), (2, 2)]
    verb_scores = torch.zeros(4, len(VERBS))
    cut_instr, cut_obj, hit_obj = (VERBS.index(v) for v in ("cut_instr", "cut_obj", "hit_obj"))
    verb_scores[0, VERBS.index("walk")] = 0.5
    verb_scores[1, cut_instr], verb_scores[2, cut_instr] = 0.25, 1.0
    verb_scores[1, cut_obj] = 0.75
    verb_scores[0, hit_obj], verb_scores[2, hit_obj] = 1.0, 0.25
    records = [record_of(np.random.default_rng(0), 1)]
    evaluated(records, [model_output(boxes, classes, scores, pairs, verb_scores)], tmp_path)
    first, second = read_pickle(tmp_path / "vcoco_like_predictions.pkl")
    assert first["image_id"] == 1 and first["person_box"] == [0, 0, 50, 50]
    # Triplet score = human * object * verb.
    assert first["cut_instr"] == [30, 30, 40, 40, 0.5]
    assert first["cut_obj"] == [10, 10, 20, 20, 0.375]
    assert first["cut_agent"] == 0.5 and first["walk_agent"] == 0.125
    # A human with itself says that there is no object.
    assert first["hit_obj"] == [0, 0, 0, 0, 0.25] and first["hit_agent"] == 0.25
    assert math.isnan(first["hold_agent"]) and all(map(math.isnan, first["hold_obj"]))
    keys = {f"{name}_agent" for name, _ in ACTIONS} | set(ACTION_ROLES)
    assert set(second) == keys | {"image_id", "person_box"}
    assert all(np.isnan(second[key]).all() for key in keys)


def test_only_the_first_of_several_objects_counts(caplog):
    record = record_of(np.random.default_rng(0), 1)
    hold = VERBS.index("hold_obj")
    record["interactions"] = [{"human": 0, "object": o, "verbs": [hold]} for o in (2, 4)]
    boxes = torch.tensor([a["bbox"] for a in record["annotations"]])
    classes = torch.tensor([a["category_id"] for a in record["annotations"]])
    results = []
    for object_ in (2, 4):
        verb_scores = torch.zeros(1, len(VERBS))
        verb_scores[0, hold] = 1
        output = model_output(boxes, classes, torch.ones(6), [(0, object_)], verb_scores)
        results.append(evaluated([record], [output])["hoi"]["AP-S1-hold_obj"])
    assert results == [100, 0]
    assert "1 times a person has more than one object" in caplog.text


def test_other_verbs_are_an_error():
    with pytest.raises(InputError, match="expected V-COCO's 29 verbs"):
        evaluated([], [], verb_classes=list(OBJECTLESS_ACTIONS))
