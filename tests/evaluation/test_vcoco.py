import json
import pickle

import numpy as np
import pytest

from choi_d2.categories.vcoco import ACTION_ROLES, ACTIONS
from choi_d2.evaluation.vcoco import Detections, People, vcoco_metrics


@pytest.mark.parametrize("suffix", [".json", ".pkl"])
def test_equals_the_official_numbers(evaluate, fixtures, tmp_path, suffix):
    folder = fixtures / "vcoco"
    predictions = folder / "pred.json"
    if suffix == ".pkl":
        predictions = tmp_path / "pred.pkl"
        content = json.loads((folder / "pred.json").read_text())
        predictions.write_bytes(pickle.dumps(content))
    files = {"--vsrl": "vcoco.json", "--coco": "instances.json", "--ids": "ids.txt"}
    options = [word for flag, name in files.items() for word in (flag, folder / name)]
    outcome = evaluate("vcoco", *options, "--pred", predictions)
    assert outcome.code == 0, outcome.error
    assert len(outcome.warnings) == 1 and "outside the set, skipped: 1" in outcome.warnings[0]
    official = json.loads((folder / "expected.json").read_text())
    metrics = outcome.metrics
    means = {
        "AP_agent": "mean_agent_ap_26",
        "AP_role_S1": "mean_role_ap_24_without_point_instr_scenario_1",
        "AP_role_S2": "mean_role_ap_24_without_point_instr_scenario_2",
        "AP_role_S1_25": "mean_role_ap_25_scenario_1",
        "AP_role_S2_25": "mean_role_ap_25_scenario_2",
    }
    for ours, theirs in means.items():
        assert metrics[ours] == pytest.approx(official[theirs], abs=1e-6), ours
    for action, ap in official["agent_ap"].items():
        assert metrics["per_action"][action]["AP_agent"] == pytest.approx(ap, abs=1e-6), action
        assert metrics["per_action"][action]["positives"] == official["num_pos"][action]
    for scenario in ("1", "2"):
        for role, ap in official[f"role_ap_scenario_{scenario}"].items():
            found = metrics["per_action_role"][role][f"AP_role_S{scenario}"]
            assert found == pytest.approx(ap, abs=1e-6), (role, scenario)


def iou(a, b):
    """Of boxes whose last pixel is part of them."""
    sides = [max(min(a[k + 2], b[k + 2]) - max(a[k], b[k]) + 1, 0) for k in (0, 1)]
    areas = [(box[2] - box[0] + 1) * (box[3] - box[1] + 1) for box in (a, b)]
    intersection = sides[0] * sides[1]
    return intersection / (sum(areas) - intersection)


def ap_one_by_one(people, detections, scores, action, object_is_right):
    """The rule, detection by detection; VOC's area under the curve."""
    judged = []
    for image in np.unique(detections.images):
        crowd = np.flatnonzero(people.images == image)
        covered = set()
        rows = [d for d in np.flatnonzero(detections.images == image) if not np.isnan(scores[d])]
        for d in sorted(rows, key=lambda d: -scores[d]):
            if not len(crowd):
                continue
            overlaps = [iou(people.boxes[p], detections.boxes[d]) for p in crowd]
            person = crowd[int(np.argmax(overlaps))]
            if not people.annotated[person]:
                continue
            hit = people.actions[person, action] and max(overlaps) >= 0.5
            hit = hit and object_is_right(person, d) and person not in covered
            if hit:
                covered.add(person)
            judged.append((scores[d], hit))
    positives = people.actions[people.annotated, action].sum()
    if not positives:
        return None
    judged.sort(key=lambda pair: -pair[0])
    points, hits = [], 0
    for rank, (_, hit) in enumerate(judged, start=1):
        hits += hit
        points.append((hits / positives, hits / rank))
    area, reached = 0.0, 0.0
    for recall in sorted({recall for recall, _ in points}):
        area += (recall - reached) * max(p for r, p in points if r >= recall)
        reached = recall
    return area


def some_boxes(random, *shape):
    corner = random.uniform(0, 30, (*shape, 2))
    return np.concatenate([corner, corner + random.uniform(30, 60, (*shape, 2))], -1).astype("f4")


def random_case(random, num_people=30, num_detections=120):
    role_count = len(ACTION_ROLES)
    people = People(
        images=random.integers(0, 9, num_people),
        boxes=some_boxes(random, num_people),
        annotated=random.random(num_people) < 0.8,
        actions=random.random((num_people, len(ACTIONS))) < 0.4,
        has_role=random.random((num_people, role_count)) < 0.7,
        role_boxes=some_boxes(random, num_people, role_count),
    )
    people.actions[~people.annotated] = False
    people.actions[:, 5] = False

    def scores(columns):
        values = np.stack([random.permutation(num_detections) for _ in range(columns)], axis=1)
        values = (values / num_detections).astype(np.float32)
        values[random.random(values.shape) < 0.2] = np.nan
        return values

    role_boxes = some_boxes(random, num_detections, role_count)
    role_boxes[random.random(role_boxes.shape[:2]) < 0.15] = 0
    role_boxes[random.random(role_boxes.shape[:2]) < 0.1] = np.nan
    detections = Detections(
        # Image 9 has detections and nobody in it.
        random.integers(0, 10, num_detections),
        some_boxes(random, num_detections),
        scores(len(ACTIONS)),
        role_boxes,
        scores(role_count),
    )
    return people, detections


@pytest.mark.parametrize("seed", range(3))
def test_equals_a_plain_loop(seed):
    people, detections = random_case(np.random.default_rng(seed))
    metrics = vcoco_metrics(people, detections)

    def approximately(value):
        return None if value is None else pytest.approx(value, abs=1e-6)

    for action, (name, _) in enumerate(ACTIONS):
        expected = ap_one_by_one(
            people, detections, detections.agent_scores[:, action], action, lambda p, d: True
        )
        assert metrics["per_action"][name]["AP_agent"] == approximately(expected), name
    names = [name for name, _ in ACTIONS]
    for role, role_name in enumerate(ACTION_ROLES):
        for scenario in ("S1", "S2"):

            def right(person, d, role=role, scenario=scenario):
                box = detections.role_boxes[d, role]
                if people.has_role[person, role]:
                    return iou(people.role_boxes[person, role], box) >= 0.5
                return scenario == "S2" or not box.any() or np.isnan(box).all()

            action = names.index(role_name.rsplit("_", 1)[0])
            expected = ap_one_by_one(
                people, detections, detections.role_scores[:, role], action, right
            )
            found = metrics["per_action_role"][role_name][f"AP_role_{scenario}"]
            assert found == approximately(expected), (role_name, scenario)
    assert metrics["per_action"]["look"] == {"AP_agent": None, "positives": 0}


def test_means_are_over_actions_that_somebody_does():
    people, detections = random_case(np.random.default_rng(0))
    metrics = vcoco_metrics(people, detections)
    agents = [action["AP_agent"] for action in metrics["per_action"].values()]
    assert metrics["AP_agent"] == pytest.approx(np.mean([ap for ap in agents if ap is not None]))
    roles = {n: r["AP_role_S1"] for n, r in metrics["per_action_role"].items()}
    assert roles.pop("look_obj") is None
    assert metrics["AP_role_S1_25"] == pytest.approx(np.mean(list(roles.values())))
    del roles["point_instr"]
    assert metrics["AP_role_S1"] == pytest.approx(np.mean(list(roles.values())))


def test_no_detection_and_nobody():
    people, detections = random_case(np.random.default_rng(0))
    nothing = Detections(*(field[:0] for field in vars(detections).values()))
    nobody = People(*(field[:0] for field in vars(people).values()))
    assert vcoco_metrics(people, nothing)["AP_agent"] == 0
    assert vcoco_metrics(nobody, detections)["AP_agent"] is None
    assert vcoco_metrics(nobody, nothing)["AP_role_S1"] is None
