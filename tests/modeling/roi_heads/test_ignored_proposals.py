import pytest
import torch
from detectron2.structures import Boxes, Instances
from detectron2.utils.events import EventStorage
from tiny import NUM_CLASSES, SCENES, SIZE, make_input, make_targets, tiny_model

from choi_d2.modeling.roi_heads.localization import LocalizationStage, without_ignored
from choi_d2.structures import IgnoredRegions

HUMAN = [8.0, 4, 40, 60]
CROWD, UNCERTAIN = [60.0, 0, 96, 64], [0.0, 44, 30, 64]
IGNORED = IgnoredRegions(torch.tensor([CROWD, UNCERTAIN]), torch.tensor([True, False]))
IN_CROWD, ON_UNCERTAIN, BACKGROUND = [70.0, 5, 80, 15], [0.0, 46, 30, 64], [40.0, 10, 58, 20]
EVERYTHING = IgnoredRegions(torch.tensor([[0.0, 0, SIZE[1], SIZE[0]]]), torch.tensor([True]))


def proposals_of(*boxes):
    boxes = Boxes(torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4))
    return Instances(SIZE, proposal_boxes=boxes, objectness_logits=torch.zeros(len(boxes)))


def heads():
    return tiny_model().train().roi_heads


def sampled(boxes, ignored=IGNORED, instances=(HUMAN,)):
    """{box: class} of the proposals that stage 1 is trained on."""
    targets, _ = make_targets(list(instances), [0] * len(instances), [], [])
    with EventStorage():
        found = heads().label_and_sample_proposals([proposals_of(*boxes)], [targets], [ignored])
    return dict(
        zip(map(tuple, found[0].proposal_boxes.tensor.tolist()), found[0].gt_classes.tolist())
    )


def test_proposals_on_ignored_regions_are_not_background_of_the_first_stage():
    boxes = [IN_CROWD, ON_UNCERTAIN, BACKGROUND]
    expected = {tuple(HUMAN): 0, tuple(BACKGROUND): NUM_CLASSES}
    assert sampled(boxes) == expected
    assert len(sampled(boxes, IgnoredRegions.empty())) == 4


def test_what_matches_an_instance_stays_though_it_is_on_a_crowd():
    near = [9.0, 4, 40, 60]
    assert sampled([near, IN_CROWD], EVERYTHING) == {tuple(HUMAN): 0, tuple(near): 0}


def test_nothing_is_left_of_an_image_without_instances():
    assert sampled([IN_CROWD, BACKGROUND], EVERYTHING, instances=()) == {}


@pytest.mark.parametrize("stage", [1, 2])
def test_later_stages_label_by_their_own_threshold(stage):
    loose = [8.0, 4, 40, 4 + 56 * 0.65]
    targets, _ = make_targets([HUMAN], [0], [], [])
    boxes = [HUMAN, loose, IN_CROWD, ON_UNCERTAIN, BACKGROUND]
    with EventStorage():
        for ignored, other in ((IGNORED, -1), (IgnoredRegions.empty(), NUM_CLASSES)):
            found = heads()._match_and_label_boxes(
                [proposals_of(*boxes)], stage, [targets], [ignored]
            )
            # .65 is an instance at .6, background at .7: it is on no region.
            second = 0 if stage == 1 else NUM_CLASSES
            assert found[0].gt_classes.tolist() == [0, second, other, other, NUM_CLASSES]


def test_losses_leave_out_what_is_ignored():
    predictions = torch.rand(5, NUM_CLASSES + 1), torch.rand(5, 4)
    first, second = proposals_of(HUMAN, IN_CROWD, BACKGROUND), proposals_of(HUMAN, IN_CROWD)
    first.gt_classes, second.gt_classes = torch.tensor([0, -1, NUM_CLASSES]), torch.tensor([1, 2])
    stage = LocalizationStage(None, predictions, [first, second], ())
    left, proposals = without_ignored(stage)
    rows = [0, 2, 3, 4]
    assert all(torch.equal(x, y[rows]) for x, y in zip(left, predictions))
    assert [x.gt_classes.tolist() for x in proposals] == [[0, NUM_CLASSES], [1, 2]]
    first.gt_classes[1] = NUM_CLASSES
    left, proposals = without_ignored(stage)
    assert left is predictions and proposals is stage.proposals


def train(scenes, ignored):
    model = tiny_model("MODEL.ROI_INTERACTION_HEAD.SCORE_THRESH_TEST", 0.0).train()
    torch.manual_seed(0)
    with EventStorage() as storage:
        losses = model([make_input(scene, ignored=ignored) for scene in scenes])
    return model, losses, storage.latest()


@pytest.mark.parametrize("scenes", [["pairs", "nothing"], ["nothing"], ["no human", "one pair"]])
@pytest.mark.parametrize("ignored", [IGNORED, EVERYTHING])
def test_every_batch_trains_and_gives_every_parameter_a_gradient(scenes, ignored):
    model, losses, _ = train(scenes, ignored)
    total = sum(losses.values())
    assert torch.isfinite(total)
    total.backward()
    assert [n for n, p in model.named_parameters() if p.grad is None] == []


def test_where_everything_is_a_crowd_nothing_is_background():
    _, losses, latest = train(["nothing"], EVERYTHING)
    assert latest["rpn/num_neg_anchors"][0] < 32
    for stage in range(3):
        assert losses[f"loss_cls_stage{stage}"] == 0
    _, losses, _ = train(["nothing"], None)
    assert losses["loss_cls_stage0"] > 0


def test_regions_that_hold_no_box_change_nothing():
    far = IgnoredRegions(torch.tensor([[0.0, 0, 1, 1]]), torch.tensor([False]))
    results = [train(["pairs", "no human"], x)[1] for x in (None, IgnoredRegions.empty(), far)]
    for other in results[1:]:
        assert results[0].keys() == other.keys()
        for name, loss in results[0].items():
            torch.testing.assert_close(other[name], loss, msg=name)


def test_instances_and_regions_of_the_scenes_are_what_the_tests_take_them_for():
    assert [float(x) for x in SCENES["pairs"][0][0]] == HUMAN
