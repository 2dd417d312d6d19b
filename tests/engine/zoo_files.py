"""Weights files with the names and shapes of Detectron2's model zoo, at the widths of a model."""

import pickle

import torch

CLASSES = 80


def zoo_state(model, *, cascade, masks=False, seed=7):
    """What COCO Cascade Mask R-CNN, or Faster / Mask R-CNN, would hold with this model's widths.

    Args:
        model: three stages.
        cascade: box heads 0, 1, 2 with class-agnostic boxes; else one, with boxes per class.
        masks: a mask head as well; the zoo's cascade has a single one too.
    """
    generator = torch.Generator().manual_seed(seed)
    shapes = {
        name: value.shape
        for name, value in model.state_dict().items()
        if name.startswith(("backbone.", "proposal_generator."))
        and not name.endswith("num_batches_tracked")
    }
    fc1 = model.roi_heads.box_head[0].fc1
    width = fc1.out_features
    for stage in (".0", ".1", ".2") if cascade else ("",):
        shapes[f"roi_heads.box_head{stage}.fc1.weight"] = fc1.weight.shape
        shapes[f"roi_heads.box_head{stage}.fc1.bias"] = (width,)
        shapes[f"roi_heads.box_head{stage}.fc2.weight"] = (width, width)
        shapes[f"roi_heads.box_head{stage}.fc2.bias"] = (width,)
        boxes = 4 if cascade else 4 * CLASSES
        for layer, rows in (("cls_score", CLASSES + 1), ("bbox_pred", boxes)):
            shapes[f"roi_heads.box_predictor{stage}.{layer}.weight"] = (rows, width)
            shapes[f"roi_heads.box_predictor{stage}.{layer}.bias"] = (rows,)
    if masks:
        channels, deep = 16, 8
        for number in range(1, 5):
            shapes[f"roi_heads.mask_head.mask_fcn{number}.weight"] = (deep, channels, 3, 3)
            shapes[f"roi_heads.mask_head.mask_fcn{number}.bias"] = (deep,)
            channels = deep
        shapes["roi_heads.mask_head.deconv.weight"] = (deep, deep, 2, 2)
        shapes["roi_heads.mask_head.deconv.bias"] = (deep,)
        shapes["roi_heads.mask_head.predictor.weight"] = (CLASSES, deep, 1, 1)
        shapes["roi_heads.mask_head.predictor.bias"] = (CLASSES,)
    state = {name: torch.randn(shape, generator=generator) for name, shape in shapes.items()}
    state["pixel_mean"] = torch.zeros(3, 1, 1)
    state["pixel_std"] = torch.ones(3, 1, 1)
    for level in range(5):
        state[f"proposal_generator.anchor_generator.cell_anchors.{level}"] = torch.zeros(3, 4)
    return state


def write_zoo_pickle(path, state):
    """As the zoo has it: a pickle of NumPy arrays."""
    content = {
        "model": {name: value.numpy() for name, value in state.items()},
        "__author__": "Detectron2 Model Zoo",
    }
    path.write_bytes(pickle.dumps(content))
    return str(path)


def write_imagenet_pickle(path, model):
    """As Detectron2's ImageNet files: the backbone alone, without its prefix."""
    prefix = "backbone.bottom_up."
    state = {
        name.removeprefix(prefix): torch.full_like(value, 0.25).numpy()
        for name, value in model.state_dict().items()
        if name.startswith(prefix) and not name.endswith("num_batches_tracked")
    }
    state["stem.fc.weight"] = torch.zeros(1000, 8).numpy()
    content = {"model": state, "__author__": "Detectron2", "matching_heuristics": True}
    path.write_bytes(pickle.dumps(content))
    return str(path)
