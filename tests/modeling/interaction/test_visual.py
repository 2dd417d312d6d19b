"""Eqs. 4 and 8-11: the factorised form of the house against the plain form of the paper."""

import pytest
import torch

from choi_d2.modeling.interaction.efra import FacialAttention, to_unit_rms
from choi_d2.modeling.interaction.ihsm import mine_human_semantics
from choi_d2.modeling.interaction.visual import Regions, VisualEncoder, attention_scores

CHANNELS, SIZE, DIM, HUMANS, OBJECTS = 3, 2, 5, 3, 4
FACE_OF_HUMAN = torch.tensor([0, 0, 1])
PAIRS = torch.tensor([[0, 0], [0, 3], [2, 1], [1, 1], [2, 2], [0, 0]])


def make_encoder(ihsm="dot", efra=True, input_norm="none"):
    return VisualEncoder(
        channels=CHANNELS,
        resolution=SIZE,
        dim=DIM,
        ihsm=ihsm,
        efra=efra,
        efra_dim=6,
        efra_input_norm=input_norm,
    ).double()


def make_regions():
    def region(count):
        return torch.randn(count, CHANNELS, SIZE, SIZE, dtype=torch.float64)

    # Two humans have one face; the last has none.
    faces = torch.cat([region(1), torch.zeros(1, CHANNELS, SIZE, SIZE, dtype=torch.float64)])
    return Regions(region(HUMANS), region(OBJECTS), faces, FACE_OF_HUMAN, region(HUMANS))


def make_unions():
    return torch.randn(len(PAIRS), CHANNELS, SIZE, SIZE, dtype=torch.float64)


def plain_attention(attention, region, object_):
    """Eqs. 8 and 9: sigmoid(FC(relu(FC([region, O]))))."""
    weight = torch.cat([attention.region.weight, attention.object.weight], dim=1)
    parts = [region.flatten(), object_.flatten()]
    if attention.input_norm == "rms":
        scales = [(sum(v * v for v in x.tolist()) / len(x)) ** 0.5 for x in parts]
        parts = [x / (scale or 1) for x, scale in zip(parts, scales)]  # no face stays zero
    joined = torch.cat(parts)
    hidden = torch.relu(weight @ joined + attention.region.bias)
    return torch.sigmoid(attention.score(hidden))


def plain_feature(encoder, regions, union, human, object_):
    """X_v of one pair (Eqs. 4 and 10)."""
    h, o = regions.humans[human], regions.objects[object_]
    if encoder.face_aware is not None:
        f, f_bar = regions.faces[regions.face_of_human[human]], regions.faceless[human]
        alpha = plain_attention(encoder.face_aware, f, o)
        alpha_bar = plain_attention(encoder.face_agnostic, f_bar, o)
        o_bar = o + alpha * f + alpha_bar * f_bar  # Eq. 10
    else:
        o_bar = o
    h_bar = h
    if encoder.ihsm is not None:
        scale = encoder.ihsm.scale
        h_bar = mine_human_semantics(h[None], encoder.ihsm.similarity, scale)[0]
    return torch.cat([h_bar, o_bar, union])  # Eq. 4


def plain_update(encoder, feature):
    """X-bar_v of one pair (Eq. 11)."""
    return torch.relu(encoder.fc2(torch.relu(encoder.fc1(feature.flatten()))))


@pytest.mark.parametrize("gradients", [True, False])
@pytest.mark.parametrize("ihsm", [None, "dot", "cosine"])
@pytest.mark.parametrize("efra, input_norm", [(True, "none"), (True, "rms"), (False, "none")])
def test_eqs_4_8_9_10_11_first_stage(ihsm, efra, input_norm, gradients):
    encoder, regions, unions = make_encoder(ihsm, efra, input_norm), make_regions(), make_unions()
    with torch.set_grad_enabled(gradients):
        visual = encoder(encoder.instance_terms(regions), unions, PAIRS)
    for row, (human, object_) in enumerate(PAIRS.tolist()):
        feature = plain_feature(encoder, regions, unions[row], human, object_)
        torch.testing.assert_close(visual[row], plain_update(encoder, feature))


@pytest.mark.parametrize("ihsm", ["dot", "cosine"])
@pytest.mark.parametrize("efra, input_norm", [(True, "none"), (True, "rms"), (False, "none")])
def test_eq_11_adds_the_previous_stage_with_its_own_attentions(ihsm, efra, input_norm):
    encoder, previous_encoder = (make_encoder(ihsm, efra, input_norm) for _ in range(2))
    regions, previous = make_regions(), make_regions()
    unions, previous_unions = make_unions(), make_unions()
    terms = encoder.instance_terms(regions, previous, previous_encoder)
    visual = encoder(terms, unions + previous_unions, PAIRS)
    for row, (human, object_) in enumerate(PAIRS.tolist()):
        feature = plain_feature(encoder, regions, unions[row], human, object_)
        feature = feature + plain_feature(
            previous_encoder, previous, previous_unions[row], human, object_
        )
        torch.testing.assert_close(visual[row], plain_update(encoder, feature))


def test_eq_8_attention_of_a_pair_is_one_network_over_the_concatenation():
    attention = FacialAttention(region_dim=7, hidden_dim=4)
    faces, objects = torch.randn(3, 7), torch.randn(3, 7)
    alpha = attention(*attention.project(faces, objects))
    assert alpha.shape == (3, 1) and ((alpha > 0) & (alpha < 1)).all()
    for row in range(3):
        torch.testing.assert_close(alpha[row], plain_attention(attention, faces[row], objects[row]))


@pytest.mark.parametrize("initial_score", [0.2, 0.5, 0.98])
def test_attentions_start_about_where_they_are_told_to(initial_score):
    attention = FacialAttention(50, 40, initial_score=initial_score)
    scores = attention(*attention.project(torch.randn(200, 50), torch.randn(200, 50)))
    odds = scores / (1 - scores)
    told = initial_score / (1 - initial_score)
    assert told / 3 < odds.median().item() < told * 3
    for wrong in (0, 1.0, -2):
        with pytest.raises(ValueError, match="INITIAL_SCORE"):
            FacialAttention(5, 4, initial_score=wrong)


@pytest.mark.parametrize("input_norm", ["none", "rms"])
def test_gradient_of_the_attentions_in_float64(input_norm):
    encoder = make_encoder("cosine", input_norm=input_norm)
    regions, unions = make_regions(), make_unions()

    def visual(objects, faces, faceless):
        faces = torch.cat([faces, regions.faces[1:]])
        changed = Regions(regions.humans, objects, faces, FACE_OF_HUMAN, faceless)
        terms = encoder.instance_terms(changed)
        return encoder(terms, unions, PAIRS)

    inputs = [x.requires_grad_() for x in (regions.objects, regions.faces[:1], regions.faceless)]
    assert torch.autograd.gradcheck(visual, inputs)


@pytest.mark.parametrize("ihsm", ["dot", "cosine"])
def test_without_a_pair_every_parameter_gets_a_zero_gradient(ihsm):
    encoder = make_encoder(ihsm)
    none = torch.zeros(0, CHANNELS, SIZE, SIZE, dtype=torch.float64)
    face = torch.zeros(1, CHANNELS, SIZE, SIZE, dtype=torch.float64)
    terms = encoder.instance_terms(Regions(none, none, face, PAIRS[:0, 0], none))
    encoder(terms, none, PAIRS[:0]).sum().backward()
    assert all((p.grad == 0).all() for p in encoder.parameters())


def test_rms_input_does_not_know_how_large_features_are():
    encoder, regions = make_encoder(input_norm="rms"), make_regions()
    alphas = []
    for factor in (1.0, 1000.0):
        larger = [factor * x for x in (regions.humans, regions.objects, regions.faces)]
        larger = Regions(*larger, FACE_OF_HUMAN, factor * regions.faceless)
        alphas.append(torch.cat(attention_scores(encoder.instance_terms(larger), PAIRS)))
    torch.testing.assert_close(alphas[0], alphas[1], rtol=1e-6, atol=1e-6)
    nothing = torch.zeros(2, 4, requires_grad=True)
    to_unit_rms(nothing).sum().backward()
    assert (to_unit_rms(nothing) == 0).all() and nothing.grad.isfinite().all()
    with pytest.raises(ValueError, match="INPUT_NORM.*'none', 'rms'.*'l2'"):
        FacialAttention(5, 4, "l2")


def test_what_is_watched_of_the_attentions():
    encoder, regions = make_encoder(), make_regions()
    previous = make_encoder()
    terms = encoder.instance_terms(regions, make_regions(), previous)
    watched = encoder.watch(regions, terms, PAIRS)
    with_face = [(human, object_) for human, object_ in PAIRS.tolist() if human != 2]
    for name, attention, region in (
        ("alpha", encoder.face_aware, regions.faces[FACE_OF_HUMAN]),
        ("alpha_bar", encoder.face_agnostic, regions.faceless),
    ):
        expected = [plain_attention(attention, region[h], regions.objects[o]) for h, o in with_face]
        torch.testing.assert_close(watched[name], torch.cat(expected).detach().float())
    pixels = regions.humans.flatten(2)
    maps = (pixels.transpose(1, 2) @ pixels).softmax(dim=2)
    expected = torch.stack([torch.diagonal(x) for x in maps]).flatten().float()
    torch.testing.assert_close(watched["ihsm_own_share"], expected)
    assert make_encoder(None, efra=False).watch(regions, terms, PAIRS) == {}
