"""The whole model: golden losses, mixed precision, several processes, odd images."""

import pytest
import torch
from detectron2.engine import launch
from detectron2.structures import Boxes, Instances
from detectron2.utils import comm
from detectron2.utils.events import EventStorage
from tiny import NUM_VERBS, SIZE, make_faces, make_input, tiny_model
from torch.nn.parallel import DistributedDataParallel

HEAD = "MODEL.ROI_INTERACTION_HEAD"


def train_step(model, scenes, seed=7):
    model.train()
    torch.manual_seed(seed)
    with EventStorage():
        losses = model([make_input(scene, image_seed=i) for i, scene in enumerate(scenes)])
    sum(losses.values()).backward()
    return {name: loss.item() for name, loss in losses.items()}


# Made by this test itself (torch 2.15, CPU): a change of any of them is a change of the method.
GOLDEN = {
    "loss_cls_stage0": 1.6443089,
    "loss_box_reg_stage0": 0.0747377,
    "loss_cls_stage1": 0.8336064,
    "loss_box_reg_stage1": 0.0756037,
    "loss_cls_stage2": 0.4083426,
    "loss_box_reg_stage2": 0.0021744,
    "loss_rcm_semantic_stage0": 0.5268543,
    "loss_rcm_geometric_stage0": 0.2654928,
    "loss_rcm_visual_stage0": 0.2661443,
    "loss_rrm_stage0": 0.1020640,
    "loss_rcm_semantic_stage1": 0.2646776,
    "loss_rcm_geometric_stage1": 0.1326240,
    "loss_rcm_visual_stage1": 0.1331912,
    "loss_rrm_stage1": 0.0475300,
    "loss_rcm_semantic_stage2": 0.1328282,
    "loss_rcm_geometric_stage2": 0.0719939,
    "loss_rcm_visual_stage2": 0.0722836,
    "loss_rrm_stage2": 0.0257052,
    "loss_rpn_cls": 0.6916726,
    "loss_rpn_loc": 0.0964683,
}


def test_golden_losses():
    losses = train_step(tiny_model(), ["pairs", "no pair annotated"])
    assert losses == pytest.approx(GOLDEN, rel=1e-3), losses


@pytest.mark.parametrize("device_type, dtype", [("cpu", torch.bfloat16), ("cuda", torch.float16)])
def test_mixed_precision_step_stays_finite(device_type, dtype):
    if device_type == "cuda" and not torch.cuda.is_available():
        pytest.skip("needs a GPU")
    model = tiny_model("MODEL.DEVICE", device_type)
    with torch.autocast(device_type, dtype=dtype):
        losses = train_step(model, ["pairs", "nothing"])
    assert all(torch.isfinite(torch.tensor(list(losses.values()))))
    assert all(torch.isfinite(p.grad).all() for p in model.parameters())
    exact = train_step(tiny_model("MODEL.DEVICE", device_type), ["pairs", "nothing"])
    for name, loss in losses.items():
        assert loss == pytest.approx(exact[name], rel=0.1, abs=0.02), name


# What the second of two processes has, while the first has pairs.
WITHOUT_PAIR = ("nothing", "no object")


def gradients_of(model, scene, seed):
    train_step(model, [scene], seed)
    return {name: p.grad for name, p in model.named_parameters()}


def step_of_one_process(folder):
    """One process of two, with the other and then alone.

    Both in one process: with other threads or instructions a model is another one, since ReLUs at
    their kink and batch norm over six values turn the last bit of a sum into whole gradients.
    """
    rank = comm.get_rank()
    found = {}
    for scene in WITHOUT_PAIR:
        own = ["pairs", scene][rank]
        model = DistributedDataParallel(tiny_model(), broadcast_buffers=False)
        train_step(model, [own], seed=rank)
        together = {name: p.grad for name, p in model.module.named_parameters()}
        found[scene] = together, gradients_of(tiny_model(), own, seed=rank)
    torch.save(found, f"{folder}/{rank}.pth")


def test_two_processes_of_which_one_has_no_pair_equal_one_with_both_batches(tmp_path):
    launch(step_of_one_process, 2, dist_url="auto", args=(str(tmp_path),))
    first, second = (torch.load(tmp_path / f"{rank}.pth") for rank in range(2))
    for scene in WITHOUT_PAIR:
        (together, of_pairs), (elsewhere, of_scene) = first[scene], second[scene]
        for name, gradient in together.items():
            torch.testing.assert_close(gradient, elsewhere[name], rtol=0, atol=0)
            # Halved and then added, or the other way round; and threads add in any order.
            mean = (of_pairs[name] + of_scene[name]) / 2
            torch.testing.assert_close(gradient, mean, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("size", [(1, 1), (3, 90), (64, 2)])
def test_images_smaller_than_a_region(size):
    model = tiny_model().eval()
    model.roi_heads.pair_score_thresh = 0.0
    model.roi_heads.box_predictor[-1].test_score_thresh = 0.0
    image = torch.randint(0, 255, (3, *size), dtype=torch.uint8)
    with torch.no_grad():
        outputs = model([{"image": image, "height": size[0], "width": size[1]}])[0]
    assert torch.isfinite(outputs["interactions"].triplet_scores).all()
    assert (outputs["instances"].pred_boxes.tensor[:, 2] <= size[1]).all()


def recognise(model, instances, faces=None):
    inputs = make_input(faces=False)
    if faces is not None:
        inputs["faces"] = faces
    with torch.no_grad():
        return model.eval().inference([inputs], [instances])[0]["interactions"]


def test_hundreds_of_people_in_chunks():
    count = 120
    corners = torch.rand(2 * count, 2) * torch.tensor([60.0, 40])
    boxes = torch.cat([corners, corners + torch.rand(2 * count, 2) * 20 + 2], dim=1)
    classes = torch.cat([torch.zeros(count), torch.ones(count)]).long()
    model = tiny_model(f"{HEAD}.RRM.TOPK", 100)

    def interactions():
        return recognise(model, Instances(SIZE, pred_boxes=Boxes(boxes), pred_classes=classes))

    whole = interactions()
    model.roi_heads.interaction_heads[-1].pairs_per_chunk = 100_000
    assert len(whole) == 100
    torch.testing.assert_close(interactions().rank_scores, whole.rank_scores)


def given():
    boxes = torch.tensor([[8.0, 4, 40, 60], [30, 20, 50, 40]])
    return Instances(SIZE, pred_boxes=Boxes(boxes), pred_classes=torch.tensor([0, 1]))


@pytest.mark.parametrize("classes", [[], [0], [0, 0], [1, 2]])
@pytest.mark.parametrize("masks", [False, True])
@pytest.mark.parametrize("stages", [1, 3])
def test_inference_without_a_pair(classes, masks, stages):
    opts = ["MODEL.ROI_BOX_CASCADE_HEAD.IOUS", (0.5, 0.6, 0.7)[:stages]]
    weights = ((10.0, 10.0, 5.0, 5.0), (20.0, 20.0, 10.0, 10.0), (30.0, 30.0, 15.0, 15.0))
    opts += ["MODEL.ROI_BOX_CASCADE_HEAD.BBOX_REG_WEIGHTS", weights[:stages]]
    if masks:
        opts += ["MODEL.MASK_ON", True, f"{HEAD}.REPRESENTATION", "mask"]
    boxes = torch.tensor([[8.0, 4, 40, 60], [30, 20, 50, 40]])[: len(classes)]
    classes = torch.tensor(classes, dtype=torch.int64)
    instances = Instances(SIZE, pred_boxes=Boxes(boxes), pred_classes=classes)
    interactions = recognise(tiny_model(*opts), instances)
    assert len(interactions) == 0 and interactions.triplet_scores.shape == (0, NUM_VERBS)


@pytest.mark.parametrize(
    "boxes",
    [
        [[-50.0, -50, -10, -10]],
        [[500.0, 500, 600, 600]],
        [[-10.0, -10, 20, 20]],
        [[10.0, 10, 10, 30]],
        [],
    ],
)
def test_faces_outside_the_image_or_without_area(boxes):
    interactions = recognise(tiny_model(), given(), make_faces(boxes))
    assert torch.isfinite(interactions.triplet_scores).all()


def test_a_face_changes_its_humans_pairs_and_nothing_else():
    model = tiny_model()
    without, far, near = (
        recognise(model, given(), make_faces(boxes)).verb_scores
        for boxes in ([], [[70.0, 40, 80, 50]], [[15.0, 6, 25, 16]])
    )
    torch.testing.assert_close(without, far)
    assert not torch.allclose(without, near)


def test_features_that_are_not_finite_give_no_pairs():
    model = tiny_model().eval()
    model.backbone.fpn_output2.weight.data.fill_(torch.nan)
    with torch.no_grad():
        outputs = model([make_input()])[0]
    assert len(outputs["interactions"]) == 0
    assert outputs["interactions"].verb_scores.shape == (0, NUM_VERBS)
