import numpy as np
import pytest
import torch
from detectron2.layers import ShapeSpec
from detectron2.structures import BitMasks, PolygonMasks
from detectron2.utils.events import EventStorage
from tiny import SCENES, SIZE, make_input, tiny_model

from choi_d2.modeling.roi_heads.mask_cascade import (
    CascadeMaskHead,
    cascade_mask_logits,
    soft_crops,
    soft_masks_of_classes,
)
from choi_d2.utils import InputError

HEAD = "MODEL.ROI_INTERACTION_HEAD"
MASKS = [
    *("MODEL.MASK_ON", True),
    *("MODEL.ROI_MASK_HEAD.CONV_DIM", 8),
    *("MODEL.ROI_MASK_HEAD.NUM_CONV", 2),
    *("MODEL.ROI_MASK_HEAD.POOLER_RESOLUTION", 14),
]


def make_heads(stages=3):
    shape = ShapeSpec(channels=6, width=14, height=14)
    heads = [CascadeMaskHead(shape, num_classes=4, conv_dims=[5, 5, 5]) for _ in range(stages)]
    for head in heads:
        for parameter in head.parameters():
            torch.nn.init.normal_(parameter, std=0.3)
    return heads


def plain_trunk(head, x):
    for conv in (head.mask_fcn1, head.mask_fcn2):
        x = torch.relu(torch.nn.functional.conv2d(x, conv.weight, conv.bias, padding=1))
    return x


def test_eq_17_each_stage_takes_the_features_of_the_one_before():
    heads, pooled = make_heads(), torch.randn(3, 6, 14, 14)
    first = plain_trunk(heads[0], pooled)
    second = plain_trunk(heads[1], pooled + heads[1].flow(first))
    third = plain_trunk(heads[2], pooled + heads[2].flow(second))
    expected = heads[2].predictor(torch.relu(heads[2].deconv(third)))
    torch.testing.assert_close(cascade_mask_logits(heads, pooled), expected)
    assert expected.shape == (3, 4, 28, 28)


def test_stages_with_the_weights_of_one_head_start_as_that_head_and_learn():
    shape, pooled = ShapeSpec(channels=6, width=14, height=14), torch.randn(3, 6, 14, 14)
    heads = [CascadeMaskHead(shape, num_classes=4, conv_dims=[5, 5, 5]) for _ in range(3)]
    own = {k: v for k, v in heads[0].state_dict().items() if not k.startswith("flow")}
    for head in heads[1:]:
        missing = head.load_state_dict(own, strict=False).missing_keys
        assert missing == ["flow.weight", "flow.bias"]
    expected = heads[0].predict(plain_trunk(heads[0], pooled))
    for stages in (1, 2, 3):
        logits = cascade_mask_logits(heads[:stages], pooled)
        torch.testing.assert_close(logits, expected)
        logits.square().sum().backward()  # each stage has a loss
    assert all(head.flow.weight.grad.abs().max() > 0 for head in heads[1:])
    for head in heads[1:]:
        torch.optim.SGD(head.flow.parameters(), lr=1.0).step()
    assert (cascade_mask_logits(heads, pooled) - expected).abs().max() > 1e-4


def rod():
    """An image-wide rod, a third of a cell of its box's grid thick."""
    mask = torch.zeros(1, 84, 168, dtype=torch.bool)
    mask[0, 1::3, 40] = True
    return mask


@pytest.mark.parametrize("form", ["bitmap", "polygon"])
def test_true_masks_lose_nothing_thin(form):
    boxes = torch.tensor([[0.0, 0, 168, 84]])
    if form == "bitmap":
        masks, area = BitMasks(rod()), rod().sum().item()
    else:
        masks, area = PolygonMasks([[np.array([40.0, 0, 42, 0, 42, 84, 40, 84])]]), 2 * 84
    assert not masks.crop_and_resize(boxes, 28).any()  # rounded, it is gone
    crop = soft_crops(masks, boxes, 28)
    assert crop.shape == (1, 28, 28) and crop.max() <= 1
    cell = 168 * 84 / 28**2
    assert crop.sum().item() * cell == pytest.approx(area, rel=1e-4 if form == "bitmap" else 0.3)


def test_true_masks_of_nothing_and_of_boxes_without_area():
    none = torch.zeros(0, 4)
    assert soft_crops(BitMasks(torch.zeros(0, 8, 9, dtype=torch.bool)), none, 5).shape == (0, 5, 5)
    assert soft_crops(PolygonMasks([]), none, 5).shape == (0, 5, 5)
    line = torch.tensor([[3.0, 3, 3, 7]])
    assert (soft_crops(BitMasks(torch.ones(1, 8, 9, dtype=torch.bool)), line, 5) == 0).all()


def test_masks_of_own_class_and_class_agnostic():
    logits, classes = torch.randn(2, 4, 28, 28, requires_grad=True), torch.tensor([3, 0])
    masks = soft_masks_of_classes(logits, classes)
    assert not masks.requires_grad
    torch.testing.assert_close(masks, logits[[0, 1], [3, 0]].sigmoid().detach())
    agnostic = soft_masks_of_classes(logits[:, :1], classes)
    torch.testing.assert_close(agnostic, logits[:, 0].sigmoid().detach())


def make_masked_input(scene="pairs", **kwargs):
    inputs = make_input(scene, **kwargs)
    masks = torch.zeros(len(SCENES[scene][0]), *SIZE, dtype=torch.bool)
    for mask, (x1, y1, x2, y2) in zip(masks, SCENES[scene][0]):
        mask[y1:y2, x1 : (x1 + x2) // 2] = True  # the left half of each box
    inputs["instances"].gt_masks = BitMasks(masks)
    return inputs


@pytest.mark.parametrize("representation", ["bbox", "mask", "max", "sum"])
@pytest.mark.parametrize("scenes", [["pairs", "nothing"], ["no human", "no object"], ["nothing"]])
def test_every_batch_trains_and_gives_every_parameter_a_gradient(representation, scenes):
    model = tiny_model(*MASKS, f"{HEAD}.REPRESENTATION", representation).train()
    with EventStorage():
        losses = model([make_masked_input(scene) for scene in scenes])
    assert {f"loss_mask_stage{t}" for t in range(3)} <= set(losses)
    total = sum(losses.values())
    assert torch.isfinite(total)
    total.backward()
    assert [n for n, p in model.named_parameters() if p.grad is None] == []


def test_segmentation_losses_are_weighted_by_stage():
    def losses(weights):
        model = tiny_model(*MASKS, "MODEL.ROI_MASK_HEAD.LOSS_WEIGHTS", weights).train()
        torch.manual_seed(3)
        with EventStorage():
            return model([make_masked_input()])

    plain, weighted = losses((1.0, 1.0, 1.0)), losses((1.0, 0.5, 0.25))
    for stage, weight in enumerate((1.0, 0.5, 0.25)):
        name = f"loss_mask_stage{stage}"
        torch.testing.assert_close(weighted[name], weight * plain[name])


def test_ground_truth_regions_have_ground_truth_masks(monkeypatch):
    model = tiny_model(*MASKS, f"{HEAD}.REPRESENTATION", "mask").train()
    seen = []
    from choi_d2.modeling.roi_heads import choi_roi_heads

    original = choi_roi_heads.use_true_masks

    def spy(regions, targets):
        original(regions, targets)
        seen.append(regions)

    monkeypatch.setattr(choi_roi_heads, "use_true_masks", spy)
    with EventStorage():
        model([make_masked_input()])
    assert len(seen) == 3
    for regions in seen:
        truth = regions[regions.is_truth]
        assert len(truth)
        for name in ("masks", "previous_masks"):
            masks = truth.get(name)
            assert (masks[:, :, :13] == 1).all() and (masks[:, :, 15:] == 0).all()
        assert not regions.masks.requires_grad


def test_prediction_has_masks_in_the_original_frame():
    model = tiny_model(*MASKS, f"{HEAD}.REPRESENTATION", "mask").eval()
    model.roi_heads.pair_score_thresh = 0.0
    model.roi_heads.box_predictor[-1].test_score_thresh = 0.0
    with torch.no_grad():
        outputs = model([make_input()])[0]
        assert model([make_input("nothing", faces=False)])[0]["instances"].has("pred_masks")
    masks = outputs["instances"].pred_masks
    assert masks.shape == (len(outputs["instances"]), 2 * SIZE[0], 2 * SIZE[1])
    assert masks.dtype == torch.bool and len(outputs["interactions"]) > 0


def test_another_mask_head_is_refused():
    with pytest.raises(InputError, match="CascadeMaskHead"):
        tiny_model(*MASKS, "MODEL.ROI_MASK_HEAD.NAME", "MaskRCNNConvUpsampleHead")
