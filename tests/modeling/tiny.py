"""A tiny C-HOI model and inputs for it."""

from pathlib import Path

import torch
from detectron2.modeling import build_model
from detectron2.structures import BitMasks, Boxes, Instances

import choi_d2.modeling  # noqa: F401  (registers)
from choi_d2.engine import load_config
from choi_d2.structures import HOIAnnotations

CONFIG = Path(__file__).resolve().parents[2] / "configs" / "Base-CHOI.yaml"
NUM_CLASSES, NUM_VERBS = 4, 5
SIZE = (64, 96)


def tiny_config(*opts):
    """A narrow ResNet-50-FPN with narrow heads; three stages unless ``opts`` say otherwise."""
    cfg = load_config(CONFIG, ["MODEL.DEVICE", "cpu"])
    small = {
        "MODEL.WEIGHTS": "",
        "MODEL.BACKBONE.FREEZE_AT": 0,
        "MODEL.RESNETS.RES2_OUT_CHANNELS": 16,
        "MODEL.RESNETS.STEM_OUT_CHANNELS": 8,
        "MODEL.RESNETS.WIDTH_PER_GROUP": 4,
        "MODEL.RESNETS.NORM": "BN",
        "MODEL.FPN.OUT_CHANNELS": 16,
        "MODEL.ANCHOR_GENERATOR.SIZES": [[8], [16], [32], [64], [128]],
        "MODEL.RPN.POST_NMS_TOPK_TRAIN": 30,
        "MODEL.RPN.POST_NMS_TOPK_TEST": 20,
        "MODEL.RPN.BATCH_SIZE_PER_IMAGE": 32,
        "MODEL.ROI_HEADS.NUM_CLASSES": NUM_CLASSES,
        "MODEL.ROI_HEADS.BATCH_SIZE_PER_IMAGE": 24,
        "MODEL.ROI_BOX_HEAD.FC_DIM": 16,
        "MODEL.ROI_INTERACTION_HEAD.NUM_VERBS": NUM_VERBS,
        "MODEL.ROI_INTERACTION_HEAD.GEOMETRIC.RESOLUTION": 16,
        "MODEL.ROI_INTERACTION_HEAD.GEOMETRIC.CONV_DIMS": (4, 4),
        "MODEL.ROI_INTERACTION_HEAD.GEOMETRIC.DIM": 8,
        "MODEL.ROI_INTERACTION_HEAD.VISUAL.DIM": 12,
        "MODEL.ROI_INTERACTION_HEAD.EFRA.DIM": 6,
    }
    cfg.merge_from_list([x for item in small.items() for x in item])
    cfg.merge_from_list(list(opts))
    return cfg


def tiny_model(*opts, seed=0):
    torch.manual_seed(seed)
    return build_model(tiny_config(*opts))


def make_faces(boxes=((12.0, 6, 22, 16),)):
    boxes = torch.tensor(boxes).reshape(-1, 4)
    return Instances(SIZE, boxes=Boxes(boxes), scores=torch.ones(len(boxes)))


def make_targets(boxes, classes, pairs, verbs):
    """Ground truth of one image as the mapper gives it."""
    instances = Instances(SIZE)
    instances.gt_boxes = Boxes(torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4))
    instances.gt_classes = torch.tensor(classes, dtype=torch.int64)
    annotations = HOIAnnotations(
        torch.tensor(pairs, dtype=torch.int64).reshape(-1, 2),
        torch.nn.functional.one_hot(torch.tensor(verbs, dtype=torch.int64), NUM_VERBS).float(),
    )
    return instances, annotations


HUMAN, OBJECT, OTHER = [8, 4, 40, 60], [30, 20, 50, 40], [60, 10, 90, 50]

SCENES = {
    "pairs": ([HUMAN, OBJECT, OTHER, [44, 2, 70, 62]], [0, 1, 2, 0], [[0, 1], [3, 2]], [1, 3]),
    "no pair annotated": ([HUMAN, OBJECT], [0, 1], [], []),
    "one pair": ([HUMAN, OBJECT], [0, 1], [[0, 1]], [1]),
    "no human": ([OBJECT, OTHER], [1, 2], [], []),
    "no object": ([HUMAN], [0], [], []),
    "nothing": ([], [], [], []),
}


def make_input(scene="pairs", faces=True, image_seed=0, masks=False, ignored=None):
    generator = torch.Generator().manual_seed(image_seed)
    instances, annotations = make_targets(*SCENES[scene])
    inputs = {
        "image": torch.randint(0, 255, (3, *SIZE), generator=generator, dtype=torch.uint8),
        "instances": instances,
        "interactions": annotations,
        "height": 2 * SIZE[0],
        "width": 2 * SIZE[1],
    }
    if faces:
        inputs["faces"] = make_faces()
    if masks:
        instances.gt_masks = BitMasks(torch.rand(len(instances), *SIZE, generator=generator) > 0.5)
    if ignored is not None:
        inputs["ignored"] = ignored
    return inputs
