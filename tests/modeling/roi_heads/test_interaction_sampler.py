import torch
from detectron2.modeling.matcher import Matcher
from detectron2.modeling.sampling import subsample_labels
from tiny import NUM_VERBS, SCENES, make_targets

from choi_d2.modeling.interaction.pairs import drop_same_instance
from choi_d2.modeling.roi_heads.interaction_sampler import (
    PairRules,
    PairSampling,
    sample_training_pairs,
)
from choi_d2.modeling.roi_heads.stage_regions import UnmatchedRule, label_stage_outputs
from choi_d2.structures import IgnoredRegions

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
        targets,
        rules=rules,
        sampling=PairSampling(batch_size, 0.25),
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
        targets,
        rules=rules,
        sampling=PairSampling(8, 1.0),
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


HUMAN, OBJECT, OTHER, SECOND = (tuple(map(float, box)) for box in SCENES["pairs"][0])
UNMATCHED = UnmatchedRule(score_thresh=0.3, ignore_iou=0.3, nms_thresh=0.5, limit=100)


def test_verbs_that_the_objects_class_does_not_allow_take_no_part():
    targets, annotations = make_targets(*SCENES["pairs"])
    allowed = torch.ones(3, NUM_VERBS, dtype=torch.bool)
    allowed[1, 2:], allowed[2] = False, False
    labelled = sample_training_pairs(
        label([], targets),
        annotations,
        targets,
        rules=RULES,
        sampling=PairSampling(128, 0.25),
        allowed_verbs=allowed,
    )
    # Nothing can be done with the other object: no pair with it.
    assert set(labelled.regions.classes[labelled.pairs[:, 1]].tolist()) == {1}
    assert labelled.valid.tolist() == [[True, True, False, False, False]] * 2
    assert labelled.annotated.sum() == 1


def sample_with_false_detections(detections, scene="pairs", ignored=None, rules=RULES, **fields):
    """The sample where detections are {box: (class, score)}; the pairs by their boxes."""
    targets, annotations = make_targets(*SCENES[scene])
    for name, value in fields.items():
        targets.set(name, torch.tensor(value))
    outputs = torch.tensor(list(detections)).float().reshape(-1, 4)
    scores = torch.full((len(outputs), 4), 0.01)
    for row, (label_, score) in zip(scores, detections.values()):
        row[label_] = score
    matcher = Matcher([0.5], [0, 1])
    regions = label_stage_outputs(
        outputs, outputs, targets, matcher, scores=scores, unmatched=UNMATCHED, ignored=ignored
    )
    labelled = sample_training_pairs(
        regions, annotations, targets, rules=rules, sampling=PairSampling(128, 0.25)
    )
    return labelled, labels(labelled)


def test_false_detections_are_ends_of_negatives_with_their_predicted_class():
    person, cup = (0.0, 45, 12, 64), (72.0, 52, 90, 63)
    _, found = sample_with_false_detections({person: (0, 0.5), cup: (3, 0.4)})
    assert found[HUMAN, OBJECT] == [1] and found[SECOND, OTHER] == [3]
    for pair in [(person, OBJECT), (person, OTHER), (HUMAN, cup), (SECOND, cup), (person, cup)]:
        assert found[pair] == []
    assert len(found) == 9 and not any(cup == human for human, _ in found)


def test_a_false_detection_beside_an_annotated_pair_and_nothing_of_the_zone_between():
    false, between = (72.0, 52, 90, 63), (30.0, 20, 38, 40)  # IoU .4 with the object
    labelled, found = sample_with_false_detections({false: (1, 0.9), between: (1, 0.9)})
    assert found[HUMAN, false] == []
    assert all(between not in pair for pair in found)
    unmatched = labelled.negatives()["unmatched"]
    assert int(unmatched.sum()) == 2 and not labelled.annotated[unmatched].any()


def test_false_detections_alone():
    person, cup = (0.0, 45, 12, 64), (72.0, 52, 90, 63)
    detections = {person: (0, 0.5), cup: (3, 0.4)}
    _, found = sample_with_false_detections(detections, "nothing")
    assert found == {(person, cup): []}
    _, found = sample_with_false_detections({person: (0, 0.5)}, "nothing")
    assert found == {}


def test_two_false_detections_are_two_things():
    both = PairRules(0, humans_as_objects=True, objectless_verbs=(4,), num_verbs=NUM_VERBS)
    first, second = (0.0, 45, 12, 64), (72.0, 52, 90, 63)
    detections = {first: (0, 0.5), second: (0, 0.4)}
    _, found = sample_with_false_detections(detections, "nothing", rules=both)
    assert set(found) == {(first, second), (second, first), (first, first), (second, second)}


def test_nothing_on_a_crowd_is_a_negative():
    crowd = IgnoredRegions(torch.tensor([[60.0, 50, 96, 64]]), torch.tensor([True]))
    in_crowd, elsewhere = (72.0, 52, 90, 63), (0.0, 45, 12, 64)
    detections = {in_crowd: (3, 0.9), elsewhere: (3, 0.9)}
    _, found = sample_with_false_detections(detections, ignored=crowd)
    assert (HUMAN, elsewhere) in found and all(in_crowd not in pair for pair in found)


def test_pairs_of_people_whom_nobody_judged_are_positive_or_not_there():
    both = PairRules(0, humans_as_objects=True, objectless_verbs=(4,), num_verbs=NUM_VERBS)
    near_human, cup = (9.0, 5, 41, 60), (72.0, 52, 90, 63)
    detections = {near_human: (0, 0.9), cup: (1, 0.9)}
    # The first human is in an annotated pair all the same.
    judged = [False, True, True, True]
    _, found = sample_with_false_detections(detections, rules=both, gt_judged=judged)
    positive = {pair for pair, verbs in found.items() if verbs}
    assert positive == {(HUMAN, OBJECT), (near_human, OBJECT), (SECOND, OTHER)}
    assert set(found) - positive == {(SECOND, OBJECT), (SECOND, cup), (SECOND, SECOND)}


def test_the_old_sample_is_within_reach():
    """Without false detections and spreading, as before: the draws are Detectron2's."""
    targets, annotations = make_targets(*SCENES["pairs"])
    outputs = [SCENES["pairs"][0][0]] * 9 + [SCENES["pairs"][0][1]] * 9 + [(72.0, 52, 90, 63)]
    regions = label(outputs, targets)
    torch.manual_seed(3)
    sampling = PairSampling(20, 0.25, spread=False)
    found = sample_training_pairs(regions, annotations, targets, rules=RULES, sampling=sampling)
    pairs = drop_same_instance(RULES.enumerate(regions.classes), regions.matched)
    ends = regions.matched[pairs]
    positive = annotations.verb_table(4).any(dim=2)[ends[:, 0], ends[:, 1]]
    torch.manual_seed(3)
    chosen = torch.cat(subsample_labels(positive.long(), 20, 0.25, bg_label=0)).sort().values
    rows = regions.boxes.tensor[pairs[chosen]]
    torch.testing.assert_close(found.regions.boxes.tensor[found.pairs], rows)
    assert not (regions.matched < 0).any()


def test_annotated_pairs_are_in_every_sample():
    near_human, near_object = (9.0, 5, 41, 60), (31.0, 21, 51, 41)
    for seed in range(10):
        torch.manual_seed(seed)
        found = sample([near_human] * 20 + [near_object] * 20, batch_size=8)
        boxes = labels(found)
        assert boxes[HUMAN, OBJECT] == [1] and boxes[SECOND, OTHER] == [3]
