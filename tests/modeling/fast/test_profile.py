"""``MODEL.INFERENCE``: nearly the same answers, from a copy."""

import copy

import pytest
import torch
from detectron2.modeling import build_model
from tiny import NUM_VERBS, make_faces, make_input, tiny_config, tiny_model

from choi_d2.engine.profiles import fast_opts
from choi_d2.modeling.fast import prepare_for_inference, resolve_precision
from choi_d2.modeling.fast.precision import Float32Linear
from choi_d2.utils import InputError

INFERENCE = "MODEL.INFERENCE."
MASKS = ("MODEL.MASK_ON", True, "MODEL.ROI_MASK_HEAD.CONV_DIM", 8)
MASKS += ("MODEL.ROI_INTERACTION_HEAD.REPRESENTATION", "mask")
ANY_PAIR = ("MODEL.ROI_INTERACTION_HEAD.SCORE_THRESH_TEST", 0.0)


def config(*opts, **keys):
    changes = [x for key, value in keys.items() for x in (INFERENCE + key.upper(), value)]
    return tiny_config(*ANY_PAIR, *opts, *changes)


def answers(model, scenes=("pairs", "nothing")):
    with torch.no_grad():
        return model.eval()([make_input(scene, image_seed=i) for i, scene in enumerate(scenes)])


def given(model):
    """What is said of given pairs: it does not depend on which boxes come first."""
    inputs = make_input()
    truth = inputs["instances"]
    instances = type(truth)(truth.image_size, pred_boxes=truth.gt_boxes)
    instances.pred_classes = truth.gt_classes
    inputs["faces"] = make_faces()
    with torch.no_grad():
        (found,) = model.eval().inference([inputs], [instances])
    return found


def test_nothing_is_changed_by_default():
    model = tiny_model()
    assert prepare_for_inference(model, config()) is model


@pytest.mark.parametrize("keys", [{"fold_norm": True}, {"channels_last": True}])
@pytest.mark.parametrize("opts", [(), MASKS])
def test_exact_parts_change_no_number(keys, opts):
    cfg = config(*opts, **keys)
    torch.manual_seed(0)
    model = build_model(cfg)
    before = copy.deepcopy(model.state_dict())
    prepared = prepare_for_inference(model, cfg)
    assert prepared is not model and model.training and not prepared.training
    assert all(torch.equal(x, before[name]) for name, x in model.state_dict().items())
    mine, other = given(prepared), given(model)
    for name, value in other["interactions"].get_fields().items():
        found, expected = (getattr(x, "tensor", x) for x in (mine["interactions"].get(name), value))
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("opts", [(), MASKS])
def test_bfloat16_is_close_and_answers_in_float32(opts):
    cfg = config(*opts, precision="bfloat16", fold_norm=True)
    torch.manual_seed(0)
    model = build_model(cfg)
    prepared = prepare_for_inference(model, cfg)
    assert model.inference_dtype is None
    assert prepared.backbone.bottom_up.stem.conv1.weight.dtype == torch.bfloat16
    layers = [x for x in prepared.modules() if isinstance(x, Float32Linear)]
    assert len(layers) == 3 * (2 + 1 + 3)  # stages: L^t's two, RRM's one, RCM's three
    assert all(x.weight.dtype == torch.float32 for x in layers)
    scores, exact = (given(x)["interactions"].verb_scores for x in (prepared, model))
    assert scores.shape[1] == NUM_VERBS and scores.any()
    assert (scores - exact).abs().mean() < 0.02 < exact.std()
    for output in answers(prepared):
        for instances in output.values():
            for name, field in instances.get_fields().items():
                field = getattr(field, "tensor", field)
                assert not field.is_floating_point() or field.dtype == torch.float32, name
                assert field.isfinite().all()


def test_a_backbone_may_stay_in_float32():
    assert prepare_for_inference(tiny := tiny_model(), config(float32_backbone=True)) is tiny
    cfg = config(precision="bfloat16", float32_backbone=True)
    torch.manual_seed(0)
    model = build_model(cfg).eval()
    prepared = prepare_for_inference(model, cfg)
    assert all(x.dtype == torch.float32 for x in prepared.backbone.parameters())
    head = prepared.roi_heads.box_head[0]
    assert next(head.parameters()).dtype == torch.bfloat16
    levels = []
    for x in (prepared, model):
        x.backbone.register_forward_hook(lambda module, inputs, output: levels.append(output))
        assert answers(x, scenes=("pairs",))[0]["instances"].scores.dtype == torch.float32
    for name, level in levels[1].items():
        assert levels[0][name].dtype == torch.float32
        torch.testing.assert_close(levels[0][name], level, atol=1e-4, rtol=1e-4)


def test_fewer_proposals_but_never_more():
    cfg = config(max_proposals=6)
    model = build_model(cfg)
    rpn = prepare_for_inference(model, cfg).proposal_generator
    assert rpn.post_nms_topk[False] == 6 and rpn.pre_nms_topk[False] == 12
    assert model.proposal_generator.post_nms_topk[False] == 20
    assert rpn.post_nms_topk[True] == model.proposal_generator.post_nms_topk[True]
    rpn = prepare_for_inference(model, config(max_proposals=400)).proposal_generator
    assert rpn.post_nms_topk[False] == 20 and rpn.pre_nms_topk[False] == 800


def test_in_place():
    model = tiny_model()
    assert prepare_for_inference(model, config(fold_norm=True), in_place=True) is model
    assert model.backbone.bottom_up.stem.conv1.norm is None


def test_the_profile_works_where_it_is_asked_for():
    cfg = config(*fast_opts())
    assert cfg.MODEL.INFERENCE.FOLD_NORM and cfg.MODEL.INFERENCE.MAX_PROPOSALS
    model = prepare_for_inference(build_model(cfg), cfg)
    assert len(answers(model)) == 2 and len(answers(model, ("nothing",))) == 1


def test_a_kept_localization_is_not_taken_for_the_changed_ones(tmp_path):
    frozen = ("MODEL.LOCALIZATION_FROZEN", True, "MODEL.LOCALIZATION_CACHE", str(tmp_path))
    cfg = config(*frozen, max_proposals=5)
    model = build_model(cfg)
    prepared = prepare_for_inference(model, cfg)
    assert model.localization_cache is not None and prepared.localization_cache is None


def test_other_models_stay(caplog):
    model = torch.nn.Linear(1, 1)
    assert prepare_for_inference(model, config(fold_norm=True)) is model
    assert "Linear" in caplog.text


def test_without_a_compiler_the_backbone_stays(monkeypatch, caplog):
    class Compiled(torch.nn.Module):
        def forward(self, image):
            raise RuntimeError("no compiler\nat all")

    monkeypatch.setattr(torch, "compile", lambda module, **kwargs: Compiled())
    model = tiny_model()
    prepared = prepare_for_inference(model, config(compile=True))
    assert type(prepared.backbone) is type(model.backbone)
    assert "no compiler" in caplog.text and "at all" not in caplog.text


@pytest.mark.parametrize("key, value", [("MAX_PROPOSALS", -1), ("PRECISION", "x")])
def test_wrong_values(key, value):
    with pytest.raises(InputError, match=key):
        prepare_for_inference(tiny_model(), config(**{key: value}))


@pytest.mark.parametrize("capable", [True, False])
def test_auto_asks_the_hardware(monkeypatch, capable):
    monkeypatch.setattr(
        torch.cpu, "get_capabilities", lambda: {"avx512_bf16": capable}, raising=False
    )
    expected = torch.bfloat16 if capable else torch.float32
    assert resolve_precision("auto", "cpu") == expected
    assert resolve_precision("bfloat16", "cpu") == torch.bfloat16
