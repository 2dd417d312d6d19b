import pytest
from vcoco_tiny import action, changed, coco, detection, fails_with, predictions, vsrl


def one_warning(outcome, *messages):
    """Beside the one about the actions that nobody does in this tiny set."""
    assert outcome.code == 0, outcome.error
    others = [w for w in outcome.warnings if not w.startswith("action that nobody does")]
    assert len(outcome.warnings) == 2 and len(others) == 1, others
    for message in messages:
        assert message in others[0]


TOLERATED = {
    "unknown image": (
        {"pred": [*predictions(), detection(7), detection("5"), detection(None)]},
        "detection in an image outside the set, skipped: 3",
        1.0,
    ),
    "image without detections": (
        {"pred": predictions()[:1]},
        "image without a detection, all its people are missed: 1",
        2 / 3,
    ),
    "person box without area": (
        {"pred": [*predictions(), detection(5, person_box=[9, 9, 3, 3])]},
        "person box without area: 1",
        1.0,
    ),
    "ids unsorted": ({"ids": b"9\n5\n5\n"}, "image ids not ascending", 1.0),
    "person without a valid box": (
        {"coco": changed(coco(), "annotations", 2, "bbox", to=[10, 10, 0, 0])},
        "V-COCO person without a valid box, left out: 1",
        None,
    ),
    "object without a valid box": (
        {"coco": changed(coco(), "annotations", 3, "area", to=0)},
        "role object without a valid box in the image (the official evaluator stops)",
        1.0,
    ),
    "object in another image": (
        {"vsrl": changed(vsrl(), action("hold"), "role_object_id", to=[11, 12, 14, 0])},
        "role object without a valid box",
        1.0,
    ),
    "own object": (
        {"vsrl": changed(vsrl(), action("hold"), "role_object_id", to=[11, 12, 11, 0])},
        "person who is the object of their own action: 1",
        1.0,
    ),
}


@pytest.mark.parametrize(("changes", "warning", "agent_ap"), TOLERATED.values(), ids=TOLERATED)
def test_what_is_tolerated_is_said(evaluate_tiny_vcoco, changes, warning, agent_ap):
    outcome = evaluate_tiny_vcoco(**changes)
    if agent_ap is None:
        # Image 9 is left without people, and its detection without a judge.
        assert any(w.startswith(warning) for w in outcome.warnings)
        kind = "detection in an image without a valid person (the official evaluator stops)"
        assert any(w.startswith(kind) for w in outcome.warnings)
        assert outcome.metrics["AP_agent"] == 1.0
    else:
        one_warning(outcome, warning, "first: ")
        assert outcome.metrics["AP_agent"] == pytest.approx(agent_ap)
    fails_with(evaluate_tiny_vcoco("--strict", **changes), warning.split(":")[0])
