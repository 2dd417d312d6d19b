import math

import pytest
import torch

from choi_d2.modeling.interaction.rcm import (
    RelationClassificationModule,
    check_streams,
    fuse_scores,
)

DIMS = {"semantic": 4, "geometric": 3, "visual": 5}
VERBS = 4


def make_features(pairs=6):
    return {name: torch.randn(pairs, dim) for name, dim in DIMS.items()}


def test_eq_15_each_stream_is_a_sigmoid_of_one_layer():
    rcm = RelationClassificationModule(DIMS, VERBS, "(v+g)*s")
    features = make_features()
    logits = rcm(features)
    for name, x in features.items():
        layer = rcm.streams[name]
        for row in range(len(x)):
            for verb in range(VERBS):
                score = (sum(layer.weight[verb] * x[row]) + layer.bias[verb]).item()
                expected = 1 / (1 + math.exp(-score))
                assert logits[name].sigmoid()[row, verb].item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    "fusion, formula",
    [
        ("(v+g)*s", lambda v, g, s: (v + g) * s),
        ("v+g+s", lambda v, g, s: v + g + s),
        ("v*g*s", lambda v, g, s: v * g * s),
    ],
)
def test_eq_16_and_the_other_fusions_of_table_7(fusion, formula):
    rcm = RelationClassificationModule(DIMS, VERBS, fusion)
    logits = rcm(make_features())
    v, g, s = (logits[name].sigmoid() for name in ("visual", "geometric", "semantic"))
    torch.testing.assert_close(rcm.predict(logits), formula(v, g, s))
    assert rcm.highest_score == formula(1, 1, 1)


@pytest.mark.parametrize("fusion", ["(v+g)*s", "v+g+s", "v*g*s"])
@pytest.mark.parametrize("stream", ["semantic", "geometric", "visual"])
def test_a_single_stream_of_table_7_is_its_own_fusion(stream, fusion):
    scores = torch.rand(3, VERBS)
    assert torch.equal(fuse_scores({stream: scores}, fusion), scores)


def test_loss_is_the_mean_binary_cross_entropy_of_the_valid_entries():
    rcm = RelationClassificationModule({"visual": 5}, VERBS, "(v+g)*s")
    logits = rcm({"visual": torch.randn(3, 5)})
    verbs, valid = torch.rand(3, VERBS) < 0.5, torch.rand(3, VERBS) < 0.7
    terms = []
    for row in range(3):
        for verb in range(VERBS):
            if valid[row, verb]:
                p = logits["visual"][row, verb].sigmoid().item()
                terms.append(-math.log(p if verbs[row, verb] else 1 - p))
    loss = rcm.losses(logits, verbs.float(), valid)["visual"]
    assert loss.item() == pytest.approx(sum(terms) / len(terms), rel=1e-5)


def test_without_a_pair_the_loss_is_zero_and_every_parameter_gets_a_gradient():
    rcm = RelationClassificationModule(DIMS, VERBS, "(v+g)*s")
    none = torch.zeros(0, VERBS)
    losses = rcm.losses(rcm(make_features(0)), none, none.bool())
    sum(losses.values()).backward()
    assert [x.item() for x in losses.values()] == [0.0] * 3
    assert all((p.grad == 0).all() for p in rcm.parameters())


def test_unknown_streams_and_fusions():
    with pytest.raises(ValueError, match="RCM.FUSION"):
        RelationClassificationModule(DIMS, VERBS, "v-g")
    with pytest.raises(ValueError, match="RCM.STREAMS"):
        check_streams(["visual", "temporal"])
    with pytest.raises(ValueError, match="RCM.STREAMS"):
        RelationClassificationModule({}, VERBS, "v+g+s")
