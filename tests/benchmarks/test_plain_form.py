"""The factorised head against the paper's equations on every pair's own concatenation."""

import pytest
import torch
from detectron2.layers import ShapeSpec
from pair_batches import CHANNELS, PRIOR, STRIDES, make_batch, make_features
from tiny import tiny_config

from choi_d2.benchmarks.plain_form import plain_features
from choi_d2.modeling.interaction import build_interaction_head
from choi_d2.modeling.pooling import use_matrix_pooling

NAMES = ("semantic", "geometric", "visual")


def make_head(*opts):
    shapes = {name: ShapeSpec(channels=CHANNELS, stride=s) for name, s in STRIDES.items()}
    head = build_interaction_head(tiny_config(*opts), shapes).eval()
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return head


def gradients(features, levels, heads):
    wanted = [*levels.values(), *(p for head in heads for p in head.parameters())]
    loss = sum(getattr(features, name).square().sum() for name in NAMES)
    return torch.autograd.grad(loss, wanted, allow_unused=True)


@pytest.mark.parametrize("matrix_pooling", [True, False])
@pytest.mark.parametrize("previous_stage", [True, False])
@pytest.mark.parametrize("input_norm", ["none", "rms"])
def test_same_features_and_gradients(previous_stage, input_norm, matrix_pooling):
    opts = ["MODEL.ROI_INTERACTION_HEAD.EFRA.INPUT_NORM", input_norm]
    head, previous = make_head(*opts), make_head(*opts) if previous_stage else None
    if matrix_pooling:
        use_matrix_pooling(head)
    heads = [x for x in (head, previous) if x is not None]
    levels = {k: v.requires_grad_() for k, v in make_features().items()}
    batch = make_batch(previous=True)
    fast = head(levels, batch, PRIOR, previous)
    plain = plain_features(head, levels, batch, PRIOR, previous)
    for name in NAMES:
        torch.testing.assert_close(getattr(fast, name), getattr(plain, name), atol=1e-4, rtol=1e-4)
    for mine, other in zip(gradients(fast, levels, heads), gradients(plain, levels, heads)):
        assert (mine is None) == (other is None)
        if mine is not None:
            # Of the size of the largest: single precision, in another order.
            scale = float(other.abs().max().clamp(min=1e-3))
            torch.testing.assert_close(mine / scale, other / scale, atol=1e-4, rtol=1e-4)


def test_without_faces_and_semantic_mining():
    opts = ["MODEL.ROI_INTERACTION_HEAD.EFRA.ENABLED", False]
    head = make_head(*opts, "MODEL.ROI_INTERACTION_HEAD.IHSM.ENABLED", False)
    levels, batch = make_features(), make_batch()
    plain = plain_features(head, levels, batch, PRIOR)
    torch.testing.assert_close(head(levels, batch, PRIOR).visual, plain.visual)
