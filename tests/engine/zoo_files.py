"""Weights files as Detectron2's model zoo has them, at tiny widths."""

import pickle

import torch
from detectron2 import model_zoo
from detectron2.modeling import build_model

FASTER = "COCO-Detection/faster_rcnn_R_50_FPN_3x.yaml"
MASK = "COCO-InstanceSegmentation/mask_rcnn_R_50_FPN_3x.yaml"
CASCADE = "Misc/cascade_mask_rcnn_R_50_FPN_3x.yaml"


def zoo_state(config, like, seed=7):
    """The weights of one of Detectron2's own models.

    Args:
        config: its name in the zoo.
        like: a config with the widths.
    """
    cfg = model_zoo.get_config(config)
    cfg.MODEL.DEVICE = "cpu"
    cfg.MODEL.FPN.OUT_CHANNELS = like.MODEL.FPN.OUT_CHANNELS
    cfg.MODEL.ROI_BOX_HEAD.FC_DIM = like.MODEL.ROI_BOX_HEAD.FC_DIM
    cfg.MODEL.ROI_MASK_HEAD.CONV_DIM = like.MODEL.ROI_MASK_HEAD.CONV_DIM
    cfg.MODEL.RESNETS = like.MODEL.RESNETS.clone()
    generator = torch.Generator().manual_seed(seed)
    state = {
        name: torch.randn(value.shape, generator=generator)
        for name, value in build_model(cfg).state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    # The zoo's files were written when these were kept too.
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
