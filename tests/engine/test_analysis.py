"""Parameters and operations by part, against formulas and fvcore."""

import logging
import os
import sys
from pathlib import Path

import pytest
import torch
from fvcore.nn import FlopCountAnalysis

from choi_d2.engine.analysis import (
    Scene,
    count_operations,
    count_pairs,
    count_parameters,
    in_order,
    part_of,
)

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "modeling"))
from tiny import NUM_VERBS, SIZE, tiny_model  # noqa: E402

SCENE = Scene(size=SIZE, proposals=7, humans=3, objects=2)
# tiny.py's widths: FPN channels, region size, FC width, X_g, X_v, EFRA's hidden layer.
C, S, FC, G, D, A = 16, 7, 16, 8, 12, 6
REGION = C * S * S
CLASSES = 4


@pytest.fixture(scope="module")
def model():
    before = os.getcwd()
    os.chdir(ROOT)
    yield tiny_model()
    os.chdir(before)


@pytest.fixture(scope="module")
def operations(model):
    return count_operations(model, SCENE)


def test_every_parameter_has_one_part(model):
    counts = count_parameters(model)
    assert counts.total() == sum(x.numel() for x in model.parameters())
    assert "other" not in counts
    assert counts["backbone"] == sum(x.numel() for x in model.backbone.parameters())
    for stage in (1, 2, 3):
        assert counts[f"R^{stage} X_v"] == (3 * REGION + 1) * D + (D + 1) * D
        assert counts[f"R^{stage} RRM"] == D + G + 1
        assert counts[f"R^{stage} RCM"] == ((D + 1) + (G + 1) + (NUM_VERBS + 1)) * NUM_VERBS
        assert counts[f"R^{stage} EFRA"] == 2 * (2 * REGION * A + A + A + 1)
        head = (REGION + 1) * FC + (FC + 1) * FC
        assert counts[f"L^{stage}"] == head + (FC + 1) * (CLASSES + 1 + 4)


def test_backbone_is_counted_as_by_fvcore(model, operations):
    # Detectron2's default_setup may have been there: its own warnings are not of interest.
    logging.getLogger("fvcore").setLevel(logging.ERROR)
    image = torch.zeros(3, *SIZE, dtype=torch.uint8)
    image = model.preprocess_image([{"image": image}]).tensor
    by_operator = FlopCountAnalysis(model.backbone, image).unsupported_ops_warnings(False)
    assert operations["backbone"] == by_operator.by_operator()["conv"]


def test_localization_grows_with_the_proposals(operations):
    for stage in (1, 2, 3):
        per_box = REGION * FC + FC * FC + FC * (CLASSES + 1 + 4)
        assert operations[f"L^{stage}"] == 7 * per_box


def test_interaction_is_the_papers_formulas(model, operations):
    humans, objects = SCENE.humans, SCENE.objects
    pairs = humans * objects
    assert count_pairs(model, SCENE) == pairs
    # Eqs. 5 and 6: two products of S^2 x S^2 x C; those of R^2 at its boxes, which Eq. 11 adds.
    assert operations["R^3 IHSM"] == operations["R^2 IHSM"] == humans * 2 * S**4 * C
    # Eqs. 8 and 9, factorised: each region and each object once, each pair's score; and the row of
    # zeros that stands for no face.
    projections = (2 * (humans + objects) + 1) * REGION * A
    assert operations["R^3 EFRA"] == projections + 2 * pairs * A
    assert operations["R^2 EFRA"] == operations["R^3 EFRA"]
    # Eq. 11, factorised: H-bar, F and F-bar of both stages; O; U and the second layer by pair.
    # Two rows of zeros stand for no face.
    rows = humans * (1 + 2 * 2) + 2 + objects + pairs
    first = rows * REGION * D
    assert operations["R^3 X_v"] == first + pairs * D * D
    assert operations["R^3 RRM"] == pairs * (D + G)
    assert operations["R^3 RCM"] == pairs * (D + G + NUM_VERBS) * NUM_VERBS
    # Two 5 x 5 convolutions with pooling on 16 x 16 maps, and an FC layer: at most, as a CPU
    # convolves equal rows and columns of a box's map once (docs/benchmarks.md).
    whole = pairs * (16**2 * 25 * 2 * 4 + 8**2 * 25 * 4 * 4 + 4 * 16 * G)
    assert pairs * 4 * 16 * G < operations["R^3 X_g"] < whole
    assert not any(part.startswith("R^1") for part in operations)


def test_segmentation_is_the_chain_on_the_instances():
    opts = ("MODEL.MASK_ON", True, "MODEL.ROI_MASK_HEAD.NUM_CONV", 2)
    opts += ("MODEL.ROI_MASK_HEAD.CONV_DIM", 8)
    masked = tiny_model(*opts)
    counts = count_operations(masked, SCENE)
    instances, pixels = SCENE.humans + SCENE.objects, 14 * 14
    convs = pixels * 9 * (C * 8 + 8 * 8)
    flow = pixels * 8 * C
    upsampled = 4 * pixels * 8 * 8 + 4 * pixels * 8 * CLASSES
    assert counts["S^1"] == instances * convs
    assert counts["S^2"] == instances * (convs + flow)
    assert counts["S^3"] == instances * (convs + flow + upsampled)
    assert "other" not in counts


def test_no_human_costs_no_pair(model):
    scene = Scene(size=SIZE, proposals=7, humans=0, objects=2)
    assert count_pairs(model, scene) == 0
    counts = count_operations(model, scene)
    assert counts["R^3 RRM"] == counts["R^3 IHSM"] == 0
    assert counts["backbone"] > 0


def test_counting_leaves_no_trace(model):
    model.train()
    count_operations(model, SCENE)
    assert model.training
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())


def test_parts_come_in_the_order_of_the_paper():
    parts = {"R^2 RCM", "other", "R^2 X_g", "L^2", "L^1", "RPN", "S^1", "R^2 IHSM", "backbone"}
    assert in_order(parts) == (
        ["backbone", "RPN", "L^1", "L^2", "S^1", "R^2 X_g", "R^2 IHSM", "R^2 RCM", "other"]
    )
    assert part_of("roi_heads.mask_head.0.deconv.weight") == "S^1"
    assert part_of("roi_heads.interaction_heads.10.visual.face_aware.score") == "R^11 EFRA"
    assert part_of("roi_heads.box_pooler.level_poolers.0") == "pooling"
    assert part_of("roi_heads.interaction_heads.1.pooler") == "pooling"
    assert part_of("roi_heads.semantic_prior") == "other"
