import torch
from detectron2.modeling import build_proposal_generator
from detectron2.structures import Boxes, ImageList, Instances
from detectron2.utils.events import EventStorage
from tiny import SIZE, make_targets, tiny_config, tiny_model

from choi_d2.structures import IgnoredRegions

CROWD, UNCERTAIN, HUMAN = [40.0, 0, 96, 64], [0.0, 30, 20, 60], [8.0, 4, 40, 60]
IGNORED = IgnoredRegions(torch.tensor([CROWD, UNCERTAIN]), torch.tensor([True, False]))


def rpn_and_anchors(*opts):
    model = tiny_model("MODEL.RPN.BATCH_SIZE_PER_IMAGE", 100_000, *opts)
    features = model.backbone(torch.zeros(1, 3, *SIZE))
    rpn = model.proposal_generator
    return rpn, rpn.anchor_generator([features[name] for name in rpn.in_features])


def part_inside(box, region):
    sides = [max(0.0, min(box[i + 2], region[i + 2]) - max(box[i], region[i])) for i in (0, 1)]
    return sides[0] * sides[1]


def area(box):
    return (box[2] - box[0]) * (box[3] - box[1])


def test_anchors_on_ignored_regions_are_no_background_and_all_others_are_as_before():
    rpn, anchors = rpn_and_anchors()
    targets, _ = make_targets([HUMAN], [0], [], [])
    plain, _ = rpn.label_and_sample_anchors(anchors, [(targets, IgnoredRegions.empty())])
    found, _ = rpn.label_and_sample_anchors(anchors, [(targets, IGNORED)])
    taken_out = 0
    for anchor, before, now in zip(Boxes.cat(anchors).tensor.tolist(), plain[0], found[0]):
        on_crowd = part_inside(anchor, CROWD) / area(anchor) >= 0.5
        both = part_inside(anchor, UNCERTAIN)
        on_uncertain = both / (area(anchor) + area(UNCERTAIN) - both) >= 0.3
        if before == 0 and (on_crowd or on_uncertain):
            assert now == -1
            taken_out += 1
        else:
            assert now == before
    assert 0 < taken_out < (plain[0] == 0).sum() and (found[0] == 1).any()


def test_images_of_a_batch_have_their_own_regions():
    rpn, anchors = rpn_and_anchors()
    targets, _ = make_targets([HUMAN], [0], [], [])
    both = [(targets, IGNORED), (targets, IgnoredRegions.empty())]
    first, second = rpn.label_and_sample_anchors(anchors, both)[0]
    assert (first == 0).sum() < (second == 0).sum()


def test_without_ignored_regions_it_is_detectron2s():
    """The same parameters, labels, losses and proposals, to the bit."""
    results = []
    features = {f"p{i}": torch.rand(1, 16, 64 >> i, 96 >> i) for i in range(2, 7)}
    features["p6"] = torch.rand(1, 16, 1, 2)
    shapes = tiny_model().backbone.output_shape()
    for name in ("RPN", "IgnoringRPN"):
        torch.manual_seed(0)
        config = tiny_config("MODEL.PROPOSAL_GENERATOR.NAME", name)
        rpn = build_proposal_generator(config, shapes).train()
        targets, _ = make_targets([HUMAN], [0], [], [])
        images = ImageList(torch.zeros(1, 3, *SIZE), [SIZE])
        with EventStorage():
            proposals, losses = rpn(images, features, [targets])
        results.append((rpn.state_dict(), proposals[0].proposal_boxes.tensor, losses))
    (state, boxes, losses), (other_state, other_boxes, other_losses) = results
    assert state.keys() == other_state.keys()
    assert torch.equal(boxes, other_boxes)
    assert losses == other_losses


def test_inference_asks_for_no_regions():
    rpn = tiny_model().proposal_generator.eval()
    features = {f"p{i}": torch.rand(1, 16, 64 >> i, 96 >> i) for i in range(2, 6)}
    features["p6"] = torch.rand(1, 16, 1, 2)
    images = ImageList(torch.zeros(1, 3, *SIZE), [SIZE])
    proposals, losses = rpn(images, features)
    assert losses == {} and isinstance(proposals[0], Instances)
