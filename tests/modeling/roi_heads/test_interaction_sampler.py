import torch
from detectron2.modeling.matcher import Matcher
from detectron2.utils.events import EventStorage
from tiny import NUM_VERBS, SCENES, make_targets

from choi_d2.modeling.roi_heads.interaction_sampler import (
    PairRules,
    label_stage_outputs,
    log_pairs,
    sample_training_pairs,
)

RULES = PairRules(0, humans_as_objects=False, objectless_verbs=(), num_verbs=NUM_VERBS)


def label(outputs, targets, threshold=0.5):
    outputs = torch.tensor(outputs, dtype=torch.float32).reshape(-1, 4)
    matcher = Matcher([threshold], [0, 1], allow_low_quality_matches=False)
    return label_stage_outputs(outputs, outputs + 1, targets, matcher)


def sample(outputs, scene="pairs", rules=RULES, threshold=0.5, batch_size=128):
    targets, annotations = make_targets(*SCENES[scene])
    return sample_training_pairs(
        label(outputs, targets, threshold),
        annotations,
        len(targets),
        rules=rules,
        batch_size=batch_size,
        positive_fraction=0.25,
    )


def labels(labelled):
    """{(human box, object box): verbs} of the sample."""
    boxes = labelled.regions.boxes.tensor.tolist()
    return {
        (tuple(boxes[h]), tuple(boxes[o])): verbs.nonzero()[:, 0].tolist()
        for (h, o), verbs in zip(labelled.pairs.tolist(), labelled.verbs)
    }


def test_ground_truth_pairs_are_candidates_without_any_detection():
    found = labels(sample([]))
    human, object_, other, second = (tuple(map(float, b)) for b in SCENES["pairs"][0])
    assert found == {
        (human, object_): [1],
        (human, other): [],
        (second, object_): [],
        (second, other): [3],
    }


def test_a_detection_takes_the_verbs_of_the_pair_that_it_matches():
    near_human = (9.0, 5, 41, 60)
    found = labels(sample([near_human, (0, 0, 5, 5)]))
    assert found[near_human, (30.0, 20, 50, 40)] == [1]
    assert found[near_human, (60.0, 10, 90, 50)] == []
    assert all((0.0, 0, 5, 5) not in pair for pair in found)


def test_the_stage_threshold_decides():
    loose = (8.0, 4, 40, 40)  # IoU 36 / 56 = 0.64 with the first human
    assert any(loose in pair for pair in labels(sample([loose], threshold=0.6)))
    assert not any(loose in pair for pair in labels(sample([loose], threshold=0.7)))


def test_an_instance_is_never_paired_with_itself():
    both_humans = PairRules(0, humans_as_objects=True, objectless_verbs=(), num_verbs=NUM_VERBS)
    near_human = (9.0, 5, 41, 60)
    pairs = labels(sample([near_human], rules=both_humans))
    assert (near_human, (8.0, 4, 40, 60)) not in pairs
    assert ((8.0, 4, 40, 60), (44.0, 2, 70, 62)) in pairs


def test_previous_boxes_stay_one_to_one_and_are_the_truth_for_the_truth():
    regions = label([(0, 0, 5, 5), (9, 5, 41, 60)], make_targets(*SCENES["pairs"])[0])
    assert regions.matched.tolist() == [0, 0, 1, 2, 3]
    assert regions.is_truth.tolist() == [False, True, True, True, True]
    assert regions.previous_boxes.tensor[0].tolist() == [10, 6, 42, 61]
    assert torch.equal(regions.previous_boxes.tensor[1:], regions.boxes.tensor[1:])


def test_self_pairs_carry_the_verbs_without_object():
    rules = PairRules(0, humans_as_objects=False, objectless_verbs=(4,), num_verbs=NUM_VERBS)
    targets, annotations = make_targets([[8, 4, 40, 60], [30, 20, 50, 40]], [0, 1],
                                        [[0, 0], [0, 1]], [4, 2])  # fmt: skip
    labelled = sample_training_pairs(
        label([], targets),
        annotations,
        len(targets),
        rules=rules,
        batch_size=8,
        positive_fraction=1.0,
    )
    by_pair = dict(zip(map(tuple, labelled.pairs.tolist()), labelled.verbs.tolist()))
    assert by_pair == {(0, 0): [0, 0, 0, 0, 1], (0, 1): [0, 0, 1, 0, 0]}
    assert labelled.valid.tolist() == [[False] * 4 + [True], [True] * 4 + [False]]


def test_sample_is_bounded():
    labelled = sample([SCENES["pairs"][0][0]] * 30 + [SCENES["pairs"][0][1]] * 30, batch_size=40)
    assert len(labelled.pairs) == 40 and int(labelled.annotated.sum()) == 10


def test_regions_without_a_pair_are_left_out():
    labelled = sample([], "pairs", batch_size=1)
    assert len(labelled.pairs) == 1 and len(labelled.regions) == 2
    assert sorted(labelled.pairs[0].tolist()) == [0, 1]


def test_images_without_instances_or_pairs():
    for scene in ("no human", "no object", "nothing"):
        labelled = sample([[8, 4, 40, 60]], scene)
        assert labelled.pairs.shape == (0, 2) and labelled.verbs.shape == (0, NUM_VERBS)
    assert not sample([], "no pair annotated").annotated.any()


def test_what_is_told_of_the_pairs_of_two_images():
    # Of the four pairs of the first image two are annotated, of the one of the second none.
    labelled = [sample([]), sample([], "no pair annotated")]
    annotated = labelled[0].annotated
    # 3 of 4 (annotated, un-annotated) combinations are in the right order.
    ranks = torch.zeros(4)
    ranks[annotated], ranks[~annotated] = torch.tensor([0.9, 0.4]), torch.tensor([0.5, 0.1])
    with EventStorage() as storage:
        log_pairs(1, labelled, [ranks, torch.tensor([0.3])], face_coverage=0.5)
        found = {name: value for name, (value, _) in storage.latest().items()}
    assert found == {
        "stage1/pairs/sampled": 2.5,
        "stage1/pairs/positive": 1.0,
        "stage1/pairs/face_coverage": 0.5,
        "stage1/pairs/ranking_accuracy": 0.75,
    }


def test_what_is_not_defined_is_not_told():
    with EventStorage() as storage:
        log_pairs(0, [sample([], "no human")], None, face_coverage=float("nan"))
        assert set(storage.latest()) == {"stage0/pairs/sampled", "stage0/pairs/positive"}


def test_verbs_that_the_objects_class_does_not_allow_take_no_part():
    targets, annotations = make_targets(*SCENES["pairs"])
    allowed = torch.ones(3, NUM_VERBS, dtype=torch.bool)
    allowed[1, 2:], allowed[2] = False, False
    labelled = sample_training_pairs(
        label([], targets),
        annotations,
        len(targets),
        rules=RULES,
        batch_size=128,
        positive_fraction=0.25,
        allowed_verbs=allowed,
    )
    # Nothing can be done with the other object: no pair with it.
    assert set(labelled.regions.classes[labelled.pairs[:, 1]].tolist()) == {1}
    assert labelled.valid.tolist() == [[True, True, False, False, False]] * 2
    assert labelled.annotated.sum() == 1
