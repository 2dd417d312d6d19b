"""MODEL.LOCALIZATION_FROZEN: only R^1..R^T are trained."""

import copy

import pytest
import torch
from detectron2.engine import launch
from detectron2.structures import BitMasks
from detectron2.utils import comm
from detectron2.utils.events import EventStorage
from tiny import make_input, tiny_model
from torch.nn.parallel import DistributedDataParallel

FROZEN = ["MODEL.LOCALIZATION_FROZEN", True]
MASKS = ["MODEL.MASK_ON", True, "MODEL.ROI_INTERACTION_HEAD.REPRESENTATION", "mask"]
TRAINED = "roi_heads.interaction_heads."


def input_with_masks(scene, index=0):
    inputs = make_input(scene, image_seed=index)
    instances = inputs["instances"]
    if len(instances):
        height, width = instances.image_size
        masks = torch.zeros(len(instances), height, width, dtype=torch.bool)
        for mask, box in zip(masks, instances.gt_boxes.tensor.int().tolist()):
            mask[box[1] : box[3], box[0] : box[2]] = True
        instances.gt_masks = BitMasks(masks)
    return inputs


def losses_of(model, scenes):
    model.train()
    torch.manual_seed(3)
    with EventStorage():
        return model([input_with_masks(scene, i) for i, scene in enumerate(scenes)])


@pytest.mark.parametrize("opts", [[], MASKS], ids=["boxes", "masks"])
@pytest.mark.parametrize("scenes", [["pairs", "no object"], ["nothing"]])
def test_a_step_changes_the_interaction_networks_alone(opts, scenes):
    model = tiny_model(*FROZEN, *opts)
    before = copy.deepcopy(model.state_dict())
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=0.1, weight_decay=0.1)
    losses = losses_of(model, scenes)
    assert losses and {name.split("_")[1] for name in losses} <= {"rcm", "rrm"}
    sum(losses.values()).backward()
    for name, parameter in model.named_parameters():
        assert (parameter.grad is not None) == name.startswith(TRAINED), name
    optimizer.step()
    for name, tensor in model.state_dict().items():
        # Batch norm's running statistics as well.
        if not name.startswith(TRAINED):
            assert torch.equal(tensor, before[name]), name


def test_the_frozen_part_runs_as_at_inference():
    model = tiny_model(*FROZEN).train()
    assert model.training and model.roi_heads.training
    assert all(head.training for head in model.roi_heads.interaction_heads)
    for part in (model.backbone, model.proposal_generator, model.roi_heads.box_head):
        assert not any(module.training for module in part.modules())
    images = model.preprocess_image([make_input()])
    with torch.no_grad():
        trained = model.backbone(images.tensor)
        evaluated = model.eval().backbone(images.tensor)
    for name, level in evaluated.items():
        torch.testing.assert_close(trained[name], level)


def test_rows_with_other_interaction_networks_detect_the_same():
    detections = []
    for representation in ("bbox", "mask"):
        opts = [*FROZEN, *MASKS[:-1], representation]
        model = tiny_model(*opts)
        model.roi_heads.box_predictor[-1].test_score_thresh = 0.0
        sum(losses_of(model, ["pairs"]).values()).backward()
        torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1).step()
        with torch.no_grad():
            detections.append(model.eval()([make_input()])[0]["instances"])
    first, second = detections
    assert len(first) > 0
    torch.testing.assert_close(first.pred_boxes.tensor, second.pred_boxes.tensor)
    torch.testing.assert_close(first.scores, second.scores)


def test_without_interaction_networks_there_is_nothing_to_train():
    with pytest.raises(ValueError, match="INTERACTION_ON"):
        tiny_model(*FROZEN, "MODEL.INTERACTION_ON", False)


def step_of_one_process(folder):
    """One process of two: the second has no pair."""
    rank = comm.get_rank()
    model = DistributedDataParallel(tiny_model(*FROZEN), broadcast_buffers=False)
    for _ in range(2):  # the second step would fail if one waited for frozen parameters
        sum(losses_of(model, [["pairs", "nothing"][rank]]).values()).backward()
    gradients = {n: p.grad for n, p in model.module.named_parameters() if p.requires_grad}
    torch.save(gradients, f"{folder}/{rank}.pth")


def test_two_processes(tmp_path):
    launch(step_of_one_process, 2, dist_url="auto", args=(str(tmp_path),))
    first, second = (torch.load(tmp_path / f"{rank}.pth") for rank in range(2))
    assert first and all(name.startswith(TRAINED) for name in first)
    for name, gradient in first.items():
        torch.testing.assert_close(gradient, second[name], rtol=0, atol=0)
